/** The lock as who waits for it sees it. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { currentHost } from '../../src/layout/owners.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';
import { deadPid } from '../layout/workers.js';

const REF = 'r.example.com/app:1.0.0';

async function cacheWithChart(t: TestContext) {
  const home = temporaryDirectory(t);
  mkdirSync(join(home, 'app'));
  writeFileSync(join(home, 'app', 'Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 1.0.0\n');
  const dir = join(home, 'cache');
  const env = { HELM_CACHE_HOME: undefined };
  const options = { home, env };
  const args = (...words: string[]): string[] => [...words, '--cache-dir', dir];
  assert.equal((await runChart(args('save', 'app', REF), options)).exit, 0);
  const lock = join(dir, 'index.json.lock');
  const lockFor = (pid: number): void => {
    mkdirSync(lock);
    writeFileSync(join(lock, `${currentHost()}-${pid}-0123456789abcdef-build-7`), '');
  };
  return { dir, lock, lockFor, args, options };
}

test('--lock-timeout ends the wait for a process that lives, and says who that is and what to do', async (t) => {
  const { dir, lock, lockFor, args, options } = await cacheWithChart(t);
  lockFor(process.pid);
  const { exit, stdout, stderr } = await runChart(args('--lock-timeout', '1500ms', 'remove', REF), options);
  assert.equal(exit, 1);
  assert.equal(stdout, '');
  const owner = `process ${process.pid} on build-7`;
  assert.ok(
    stderr.startsWith(
      `Waiting for ${owner}, which is writing to the cache...\nError: the cache ${dir} is locked by ${owner}; gave up after 2 seconds\n`,
    ),
    stderr,
  );
  assert.match(stderr, /--lock-timeout/);
  const list = await runChart(args('list', '-q'), options);
  assert.equal(list.stdout, `${REF}\n`, 'reading waits for nobody, and nothing was removed');
  rmSync(lock, { recursive: true });
  for (const wrong of ['-1s', '0s', '5', 'soon', '99999h']) {
    const bad = await runChart(args(`--lock-timeout=${wrong}`, 'list'), options);
    assert.equal(bad.exit, 1, wrong);
    assert.match(bad.stderr, /lock-timeout.*time such as/, wrong);
  }
});

test('a command goes on as soon as the lock is given back', async (t) => {
  const { dir, lock, lockFor, args, options } = await cacheWithChart(t);
  lockFor(process.pid);
  const waiting = startChart(args('tag', REF, 'r.example.com/app:2'), options);
  await waiting.waitFor(/^Waiting for process/, 'stderr');
  rmSync(lock, { recursive: true });
  const { exit, stderr } = await waiting.ended;
  assert.equal(exit, 0, stderr);
  assertValidLayout(dir);
});

test('the lock of a process that is dead is taken over without a word', async (t) => {
  const { dir, lockFor, args, options } = await cacheWithChart(t);
  lockFor(deadPid());
  const { exit, stderr } = await runChart(args('remove', REF, '--lock-timeout', '900ms'), options);
  assert.equal(exit, 0, stderr);
  assert.equal(stderr, '');
  assertValidLayout(dir);
});

test('--no-fsync and CHART_NO_FSYNC store the same', async (t) => {
  const { dir, args, options } = await cacheWithChart(t);
  assert.equal((await runChart(args('--no-fsync', 'save', 'app', 'r.example.com/app:2'), options)).exit, 0);
  const env = { CHART_NO_FSYNC: '1' };
  assert.equal((await runChart(args('save', 'app', 'r.example.com/app:3'), { ...options, env })).exit, 0);
  assert.equal((await runChart(args('list', '-q'), options)).stdout.trim().split('\n').length, 3);
  assertValidLayout(dir);
});

test('a place where no directory can be made is an error that names it', {
  skip: process.platform === 'win32',
}, async (t) => {
  const { dir, options } = await cacheWithChart(t);
  writeFileSync(join(options.home, 'file'), '');
  const places = [
    join(options.home, 'file', 'cache'),
    ...(process.platform === 'linux' ? ['/proc/none/cache', '/proc/self/fd/0/c'] : []),
  ];
  for (const place of places) {
    const { exit, stdout, stderr } = await runChart(
      ['save', join(options.home, 'app'), REF, '--cache-dir', place],
      options,
    );
    assert.equal(exit, 1, place);
    assert.equal(stdout, '');
    assert.match(stderr, /^Error: (?:mkdir|cannot write) [^\n]+\n[^\n]+\n$/, place);
  }
  assertValidLayout(dir);
});
