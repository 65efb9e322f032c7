/** A cache in which a FIFO lies in place of a file: no command waits for a writer that never comes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { type RunResult, runChart } from '../helpers/run.js';

const REF = 'r.example.com/t/app:1.0.0';
const OTHER = 'r.example.com/t/other:1.0.0';
const skip = process.platform === 'win32' ? 'there are no FIFOs here' : false;

interface Stage {
  readonly cache: string;
  chart(...args: string[]): Promise<RunResult>;
  /** The path of a blob of `REF`. */
  blob(what: 'manifest' | 'config' | 'layer'): string;
}

async function stage(t: TestContext): Promise<Stage> {
  const dir = temporaryDirectory(t);
  const cache = join(dir, 'cache');
  const chart = (...args: string[]): Promise<RunResult> => runChart([...args, '--cache-dir', cache], { cwd: dir });
  for (const name of ['app', 'other']) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
  }
  assert.equal((await chart('save', 'app', 'other', '--to', 'r.example.com/t')).exit, 0);
  const pathOf = (digest: string): string => join(cache, 'blobs', ...digest.split(':'));
  return {
    cache,
    chart,
    blob(what) {
      const index = JSON.parse(readFileSync(join(cache, 'index.json'), 'utf8'));
      const entry = index.manifests.find((candidate: { annotations: Record<string, string> }) =>
        Object.values(candidate.annotations).includes(REF),
      );
      const manifest = pathOf(entry.digest);
      if (what === 'manifest') return manifest;
      const { config, layers } = JSON.parse(readFileSync(manifest, 'utf8'));
      return pathOf(what === 'config' ? config.digest : layers[0].digest);
    },
  };
}

function replaceByFifo(path: string): void {
  rmSync(path);
  execFileSync('mkfifo', [path]);
}

for (const what of ['manifest', 'config', 'layer'] as const) {
  test(`a FIFO in place of a ${what} is told as damage, and holds nothing up`, { skip }, async (t) => {
    const { chart, blob } = await stage(t);
    replaceByFifo(blob(what));
    const list = await chart('list', '-q');
    assert.equal(list.exit, 0);
    assert.ok(list.stdout.includes(OTHER), list.stdout);
    for (const args of [
      ['show', 'chart', REF],
      ['export', REF],
      ['export', '--tgz', REF],
      ['tag', REF, `${REF}-2`],
    ]) {
      const { exit, stderr } = await chart(...args);
      if (what !== 'config') assert.deepEqual([args[0], exit], [args[0], 1], stderr);
    }
    assert.equal((await chart('prune')).exit, 0);
    assert.equal((await chart('export', OTHER)).exit, 0);
  });
}

for (const file of ['index.json', 'oci-layout']) {
  test(`a FIFO in place of ${file} is an error of every command, and holds none up`, { skip }, async (t) => {
    const { cache, chart } = await stage(t);
    replaceByFifo(join(cache, file));
    for (const args of [['list'], ['show', 'chart', REF], ['prune'], ['remove', REF], ['save', 'app', REF]]) {
      const { exit, stderr } = await chart(...args);
      assert.match(stderr, /cannot be used: it is no file, but a FIFO/, args.join(' '));
      assert.equal(exit, 1);
    }
  });
}
