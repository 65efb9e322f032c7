/** What is done, though it may not be what was meant: told on standard error, with exit code 0. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunOptions, runChart } from '../helpers/run.js';

const HEADER = 'REF\tNAME\tVERSION\tDIGEST\tSIZE\tCREATED\n';

function stage(t: TestContext) {
  const dir = temporaryDirectory(t);
  const cache = join(dir, 'cache');
  const write = (path: string, content: string): void => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), content);
  };
  /** Standard output and standard error of a command that succeeds. */
  const chart = async (args: string[], options: RunOptions = {}): Promise<[string, string]> => {
    const { stdout, stderr, exit } = await runChart(['--cache-dir', cache, ...args], { cwd: dir, ...options });
    assert.equal(exit, 0, stderr);
    return [stdout, stderr];
  };
  return { dir, cache, write, chart };
}

const REF = 'r.example.com/t/app:1.0.0';
const CHART = 'apiVersion: v2\nname: app\nversion: 1.0.0\n';
const NEEDS = `${CHART}dependencies:\n${['kid', 'redis', 'common', 'redis'].map((name) => `- {name: ${name}, version: 1.x, repository: ""}\n`).join('')}`;

test('a chart that lacks what it depends on', async (t) => {
  const { cache, write, chart } = stage(t);
  write('app/Chart.yaml', NEEDS);
  // The name counts, and not that of the directory.
  write('app/charts/some/Chart.yaml', 'apiVersion: v2\nname: kid\nversion: 1.0.0\n');
  const missing =
    'found in Chart.yaml, but missing in charts/ directory: redis, common; "helm dependency update" brings';
  const [, saved] = await chart(['save', 'app', REF]);
  assert.ok(saved.startsWith(`Warning: ${missing}`), saved);
  const [, bundled] = await chart(['bundle', REF, '-o', 'app.tar']);
  assert.ok(bundled.startsWith(`Warning: ${REF}: ${missing}`), bundled);
  for (const name of ['redis', 'common']) {
    write(`app/charts/${name}/Chart.yaml`, `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
  }
  assert.equal((await chart(['save', 'app', REF]))[1], '');
  assert.equal((await chart(['bundle', REF, '-o', 'app.tar']))[1], '');
  await assertValidLayout(cache);
});

test('a chart that Helm is not going to load', async (t) => {
  const { cache, write, chart } = stage(t);
  write('app/Chart.yaml', CHART);
  write('app/files/most.txt', 'x'.repeat(5 * 1024 * 1024));
  assert.equal((await chart(['save', 'app', REF]))[1], '');
  write('app/files/much.txt', 'x'.repeat(5 * 1024 * 1024 + 1));
  const tooMuch = /^Warning: Helm 3\.17\.3 and later load no chart with a file over 5 MiB: files\/much\.txt;/;
  assert.match((await chart(['save', 'app', REF]))[1], tooMuch);
  await chart(['export', REF, '--tgz']);
  assert.match((await chart(['save', 'app-1.0.0.tgz', REF]))[1], tooMuch);
  await assertValidLayout(cache);
});

test('an export over files that are not in the chart', async (t) => {
  const { write, chart } = stage(t);
  write('app/Chart.yaml', CHART);
  write('app/templates/web.yaml', 'a: b\n');
  await chart(['save', 'app', REF]);
  assert.equal((await chart(['export', REF, '-d', 'out']))[1], '');
  assert.equal((await chart(['export', REF, '-d', 'out']))[1], '', 'over itself');
  write('out/app/templates/old.yaml', '');
  write('out/app/charts/gone/Chart.yaml', '');
  const [stdout, stderr] = await chart(['export', REF, '-d', 'out']);
  assert.match(stdout, /^Exported chart to out.app.\n$/m);
  assert.match(stderr, /^Warning: not in the chart, but left in out.app.: charts\/, templates\/old\.yaml\n$/);
});

test('a cache that was chosen and is not there, and a pattern that nothing fits', async (t) => {
  const { dir, write, chart } = stage(t);
  const absent = join(dir, 'absent');
  for (const args of [['list'], ['prune', '--dry-run'], ['images', './app']]) {
    write('app/Chart.yaml', CHART);
    assert.match((await chart([...args, '--cache-dir', absent]))[1], /^Warning: there is no cache at .*absent\n/);
  }
  const check = await runChart(['verify', '--cache-dir', absent], { cwd: dir });
  assert.deepEqual([check.exit, check.stdout], [1, ''], 'a check of nothing is no success');
  assert.match(check.stderr, /^Error: there is no cache at .*absent\n/);
  assert.equal(existsSync(absent), false);
  const env = { HELM_CACHE_HOME: absent };
  const chosen = await runChart(['list'], { cwd: dir, env });
  assert.deepEqual([chosen.stdout, chosen.exit], [HEADER, 0]);
  assert.match(chosen.stderr, /^Warning: there is no cache at .*absent.registry.cache\n$/);
  assert.equal((await runChart(['list'], { cwd: dir })).stderr, '', 'the usual place begins empty');
  assert.equal((await chart(['save', 'app', REF]))[1], '', 'save makes it');
  assert.deepEqual(await chart(['list', 'none/*']), [HEADER, 'Warning: no reference in the cache fits none/*\n']);
});

test('push, export and bundle take patterns, as remove and list do', async (t) => {
  const { dir, cache, write, chart } = stage(t);
  for (const version of ['1.0.0', '2.0.0']) {
    write('app/Chart.yaml', CHART.replace('1.0.0', version));
    await chart(['save', 'app', '--to', 'r.example.com/t']);
  }
  await chart(['save', 'app', 'r.example.com/other']);
  const [bundled] = await chart(['bundle', 'r.example.com/t/app:2.0.0', 'r.example.com/t/*', '-o', 'b.tar']);
  assert.match(bundled, /^b\.tar: 2 charts, /);
  assert.match((await chart(['export', '--tgz', 'r.example.com/t/app:?.0.0', '-d', 'out']))[0], /app-2\.0\.0\.tgz\n$/);
  assert.deepEqual(readdirSync(join(dir, 'out')), ['app-1.0.0.tgz', 'app-2.0.0.tgz']);
  await assertValidLayout(cache);
});
