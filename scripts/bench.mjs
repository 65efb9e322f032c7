// What the program costs, as ratios: each row is measured side by side with another program, with bare Node or with the disk, in turn
// and in one run. Absolute times say little on a machine that others use too, and are not shown.
//
//     npm run bench -- [--quick] [--runs N] [--only save,list] [--json FILE]
//
// FILE (bench.json) gets the result. What a run before left there is compared with, and what is slower beyond noise is marked.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure } from './bench/measure.mjs';
import { findPeers } from './bench/peers.mjs';
import { compareWith, formatRow, HEADER } from './bench/report.mjs';
import { rows } from './bench/rows.mjs';
import { openStage } from './bench/stage.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string', default: '7' },
    only: { type: 'string' },
    json: { type: 'string', default: 'bench.json' },
  },
});
const runs = values.quick ? 1 : Math.max(1, Number(values.runs) || 7);
const only = values.only?.split(',');
const before = existsSync(values.json) ? JSON.parse(readFileSync(values.json, 'utf8')).rows : [];
const work = mkdtempSync(join(tmpdir(), 'chart-bench-'));
const peers = findPeers(work);
console.log(
  `Node ${process.version}; ${peers.map(({ name, version }) => `${name} (${version})`).join(', ') || 'no peer on PATH'}`,
);
console.log(HEADER);

const stage = await openStage(work, { peers, count: values.quick ? 6 : 280, many: values.quick ? 300 : 10_000 });
const results = [];
try {
  for (const row of rows(stage)) {
    if (only && !only.includes(row.topic)) continue;
    const result = await measure(row, runs, stage);
    results.push(result);
    console.log(formatRow(result, compareWith(before, result)));
  }
} finally {
  await stage.close();
  rmSync(work, { recursive: true, force: true });
}
const measured = new Set(results.map(({ key }) => key));
const kept = before.filter(({ key }) => !measured.has(key));
writeFileSync(values.json, `${JSON.stringify({ node: process.version, rows: [...kept, ...results] }, undefined, 2)}\n`);
