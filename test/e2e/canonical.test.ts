/** References that Helm 3.8 and later could not have made: how they are found, and how they are put right. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart } from '../helpers/run.js';

const TEAM = 'registry.example.com/team';

async function stage(t: TestContext) {
  const home = temporaryDirectory(t);
  const chart = (...args: string[]) => runChart(args, { home, cwd: home });
  for (const [name, version] of [
    ['app', '1.2.3'],
    ['web', '2.0.0+build.7'],
    ['Upper', '1.0.0'],
  ] as const) {
    mkdirSync(join(home, name));
    writeFileSync(join(home, name, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: ${version}\n`);
  }
  for (const [path, ref] of [
    ['app', 'app:1.2.3'],
    ['app', 'app:stable'],
    ['app', 'app-prod:1.2.3'],
    ['web', 'web:2.0.0_build.7'],
    ['web', 'web:2.0.0+build.7'],
    ['Upper', 'upper:1.0.0'],
  ] as const) {
    const { exit, stderr } = await chart('save', path, `${TEAM}/${ref}`);
    assert.equal(exit, 0, stderr);
  }
  const cache = join(home, '.cache', 'helm', 'registry', 'cache');
  return { chart, names: async () => (await chart('list', '-q')).stdout.trim().split('\n'), cache };
}

test('list --incompatible names what differs and the reference that would do; a "_" for "+" is no difference', async (t) => {
  const { chart, cache } = await stage(t);
  const { stdout, exit } = await chart('list', '--incompatible', '-o', 'json');
  assert.equal(exit, 0);
  const found = JSON.parse(stdout).map((one: Record<string, unknown>) => [one.ref, one.mismatches, one.canonical]);
  assert.deepEqual(found, [
    [`${TEAM}/app-prod:1.2.3`, ['name'], `${TEAM}/app:1.2.3`],
    [`${TEAM}/app:stable`, ['version'], `${TEAM}/app:1.2.3`],
    [`${TEAM}/upper:1.0.0`, ['name'], null],
  ]);
  const table = (await chart('list', '--incompatible', 'app:')).stdout.trimEnd().split('\n');
  assert.equal(table.length, 2);
  assert.match(
    table[1] ?? '',
    /app:stable.*\tapp\s*\t1\.2\.3\s*\tversion\s*\tregistry\.example\.com\/team\/app:1\.2\.3/,
  );
  assertValidLayout(cache);
});

test('tag --canonical gives the canonical names, and keeps the old ones unless told to move', async (t) => {
  const { chart, names, cache } = await stage(t);
  assert.equal((await chart('remove', `${TEAM}/app:1.2.3`)).exit, 0);
  const before = await names();
  const first = await chart('tag', '--canonical', `${TEAM}/app:stable`);
  assert.equal(first.stdout, `${TEAM}/app:stable -> ${TEAM}/app:1.2.3: tagged\n`);
  assert.deepEqual((await names()).sort(), [...before, `${TEAM}/app:1.2.3`].sort());
  const second = await chart('tag', '--canonical', '--move', `${TEAM}/app:stable`, `${TEAM}/app-prod:1.2.3`);
  assert.equal(second.exit, 0, second.stderr);
  assert.deepEqual(
    (await names()).filter((name) => name.includes('app')),
    [`${TEAM}/app:1.2.3`],
  );
  assertValidLayout(cache);
});

test('tag --canonical --move of a canonical reference leaves it', async (t) => {
  const { chart, names } = await stage(t);
  const { stdout } = await chart('tag', '--canonical', '--move', `${TEAM}/app:1.2.3`);
  assert.equal(stdout, `${TEAM}/app:1.2.3 -> ${TEAM}/app:1.2.3: is there already\n`);
  assert.ok((await names()).includes(`${TEAM}/app:1.2.3`));
});

test('tag --canonical takes no name from another chart, and does the rest', async (t) => {
  const { chart, names } = await stage(t);
  await chart('remove', `${TEAM}/app:1.2.3`);
  await chart('tag', `${TEAM}/web:2.0.0+build.7`, `${TEAM}/app:1.2.3`);
  const { exit, stdout, stderr } = await chart(
    'tag',
    '--canonical',
    '--move',
    `${TEAM}/app:stable`,
    `${TEAM}/web:2.0.0_build.7`,
    `${TEAM}/upper:1.0.0`,
  );
  assert.equal(exit, 1);
  assert.match(stderr, /app:1\.2\.3 stands for another chart than .*app:stable/);
  assert.match(stderr, /name "Upper" cannot stand in a reference/);
  assert.match(stdout, /web:2\.0\.0_build\.7 -> .*web:2\.0\.0\+build\.7: moved/);
  assert.deepEqual((await names()).filter((name) => name.includes('app')).sort(), [
    `${TEAM}/app-prod:1.2.3`,
    `${TEAM}/app:1.2.3`,
    `${TEAM}/app:stable`,
  ]);
});

test('tag asks for two arguments, or for --canonical', async (t) => {
  const { chart } = await stage(t);
  for (const args of [['a/b:1'], ['a/b:1', 'c/d:1', 'e/f:1'], ['--move', 'a/b:1', 'c/d:1'], []]) {
    const { exit, stderr } = await chart('tag', ...args);
    assert.equal(exit, 1);
    assert.match(
      stderr,
      /chart tag SRC DST.*\s.*chart tag --canonical REF\.\.\.|Write chart tag SRC DST, or chart tag --canonical REF\.\.\./,
    );
  }
});
