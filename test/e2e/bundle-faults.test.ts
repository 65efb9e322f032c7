/** Bundling and unbundling on machines that fail: killed at any moment, full, read-only. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { saveCharts } from '../helpers/bundles.js';
import { requireTools } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { chartCommand, runChart, runProgram, startChart } from '../helpers/run.js';

/** Kills of each kind. */
const ROUNDS = 3 * Number(process.env.CHART_TEST_SOAK || 1);
const CHARTS = Array.from({ length: 12 }, (_, index) => ({
  name: `chart-${index}`,
  version: '1.0.0',
  filler: 40_000 + 60_000 * index,
}));
const skipOnWindows = process.platform === 'win32' ? 'shell commands' : false;

async function ok(args: readonly string[], home: string) {
  const run = await runChart(args, { home, cwd: home });
  assert.equal(run.exit, 0, `${args.join(' ')}: ${run.stderr}`);
  return run;
}

function blobsOf(cache: string): Map<string, number> {
  const directory = join(cache, 'blobs', 'sha256');
  if (!existsSync(directory)) return new Map();
  return new Map(readdirSync(directory).map((name) => [name, statSync(join(directory, name)).ino]));
}

test('unbundle that is killed at any moment goes on where it was, and never names what is not whole', async (t) => {
  const home = temporaryDirectory(t);
  const refs = await saveCharts(home, CHARTS);
  await ok(['bundle', ...refs, '-o', 'all.tar'], home);
  const total = refs.length * 3;
  for (let round = 0; round < ROUNDS; round++) {
    const cache = join(home, `cache-${round}`);
    const kill = Math.floor((total * (round + 0.5)) / ROUNDS);
    const run = startChart(['--cache-dir', cache, 'unbundle', 'all.tar'], { home, cwd: home });
    run.ended.catch(() => undefined);
    let isOver = false;
    void run.ended.then(() => {
      isOver = true;
    });
    while (!isOver && blobsOf(cache).size < kill) await pause(1);
    await run.stop('SIGKILL');
    assertValidLayout(cache);
    const before = blobsOf(cache);
    const { stdout, stderr } = await ok(['--cache-dir', cache, 'unbundle', 'all.tar'], home);
    // No warning of Node's either, of too many listeners for instance.
    assert.equal(stderr, '');
    assert.match(stdout, new RegExp(`${total - before.size} blobs? new`));
    const after = blobsOf(cache);
    assert.equal(after.size, total);
    for (const [name, inode] of before) assert.equal(after.get(name), inode, 'what was there was written again');
    assertValidLayout(cache);
    assert.equal((await ok(['--cache-dir', cache, 'list', '-q'], home)).stdout, `${refs.toSorted().join('\n')}\n`);
  }
});

test('bundle that is killed leaves the file that was there, and a signal leaves nothing else either', async (t) => {
  const home = temporaryDirectory(t);
  const refs = await saveCharts(home, CHARTS);
  writeFileSync(join(home, 'all.tar.gz'), 'the one before');
  const started = (): string | undefined =>
    readdirSync(home).find((name) => name.endsWith('.partial') && statSync(join(home, name)).size > 0);
  for (const signal of process.platform === 'win32' ? (['SIGKILL'] as const) : (['SIGTERM', 'SIGKILL'] as const)) {
    const run = startChart(['bundle', ...refs, '-o', 'all.tar.gz'], { home, cwd: home });
    let isOver = false;
    void run.ended.then(() => {
      isOver = true;
    });
    while (!isOver && !started()) await pause(1);
    const { exit } = await run.stop(signal);
    assert.ok(exit !== 0, 'it was over before it was stopped');
    assert.equal(readFileSync(join(home, 'all.tar.gz'), 'utf8'), 'the one before');
    if (signal === 'SIGTERM') assert.equal(started(), undefined);
  }
  await ok(['bundle', ...refs, '-o', 'all.tar.gz'], home);
  await ok(['bundle', 'verify', 'all.tar.gz'], home);
});

test('a full disk is told, and leaves nothing', { skip: skipOnWindows || requireTools('bash') }, async (t) => {
  const home = temporaryDirectory(t);
  const refs = await saveCharts(home, CHARTS.slice(7, 12));
  const chart = chartCommand().join(' ');
  const limited = (command: string) =>
    runProgram(['bash', '-c', `trap '' XFSZ; ulimit -f 300; ${chart} ${command}`], { home, cwd: home });
  const written = await limited(`bundle ${refs.join(' ')} -o all.tar`);
  assert.equal(written.exit, 1);
  assert.match(written.stderr, /^Error: cannot write all\.tar: file too large\nMake space there/);
  assert.deepEqual(
    readdirSync(home).filter((name) => name.includes('all.tar')),
    [],
  );
  if (existsSync('/dev/full')) {
    const full = await runChart(['bundle', ...refs, '-o', '/dev/full'], { home });
    assert.match(full.stderr, /^Error: cannot write \/dev\/full: no space left on device\n/);
    assert.equal(full.exit, 1);
  }
  await ok(['bundle', ...refs, '-o', 'all.tar'], home);
  const cache = join(home, 'inside');
  const loaded = await limited(`--cache-dir ${cache} unbundle all.tar`);
  assert.equal(loaded.exit, 1);
  assert.match(loaded.stderr, /^Error: cannot write .*inside.*: file too large\n/m);
  assertValidLayout(cache);
  await ok(['--cache-dir', cache, 'unbundle', 'all.tar'], home);
  assertValidLayout(cache);
});

test('a damaged cache makes no bundle, and a bundle mends a damaged cache', async (t) => {
  const home = temporaryDirectory(t);
  const [ref] = (await saveCharts(home, [{ name: 'app', version: '1.0.0', filler: 1000 }])) as [string];
  await ok(['bundle', ref, '-o', 'good.tar'], home);
  const cache = join(home, 'damaged');
  await ok(['--cache-dir', cache, 'unbundle', 'good.tar'], home);
  const blobs = join(cache, 'blobs', 'sha256');
  const largest = readdirSync(blobs).sort(
    (one, other) => statSync(join(blobs, other)).size - statSync(join(blobs, one)).size,
  )[0] as string;
  const bytes = readFileSync(join(blobs, largest));
  bytes[100] = (bytes[100] as number) ^ 1;
  chmodSync(join(blobs, largest), 0o644);
  writeFileSync(join(blobs, largest), bytes);
  const run = await runChart(['--cache-dir', cache, 'bundle', ref, '-o', 'bad.tar'], { home, cwd: home });
  assert.equal(run.exit, 1);
  assert.match(
    run.stderr,
    new RegExp(`^Error: content sha256:${largest} is damaged \\(it is now sha256:[0-9a-f]{64}\\)\n`),
  );
  assert.deepEqual(
    readdirSync(home).filter((name) => name.includes('bad.tar')),
    [],
  );
  await ok(['--cache-dir', cache, 'unbundle', 'good.tar'], home);
  assertValidLayout(cache);
  rmSync(join(blobs, largest), { force: true });
  const missing = await runChart(['--cache-dir', cache, 'bundle', ref, '-o', 'bad.tar'], { home, cwd: home });
  assert.match(missing.stderr, /not found\n(?:.|\n)*Nothing was written: 1 of 1 cannot be bundled\.\n$/);
});
