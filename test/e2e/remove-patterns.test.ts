import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart } from '../helpers/run.js';

const REFS = [
  'r.example.com/team/app:1.0.0',
  'r.example.com/team/app:2.0.0',
  'r.example.com/team/apple:1.0.0',
  'other/x:1',
];

test('remove takes patterns, says what it removed, and fails where a pattern fits nothing', async (t) => {
  const home = temporaryDirectory(t);
  mkdirSync(join(home, 'app'));
  writeFileSync(join(home, 'app', 'Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 1.0.0\n');
  const chart = (...args: string[]) => runChart(args, { home });
  const refs = async (): Promise<string[]> => (await chart('list', '-q')).stdout.split('\n').filter(Boolean);
  for (const ref of REFS) assert.equal((await chart('save', 'app', ref)).exit, 0);

  const none = await chart('remove', 'r.example.com/team/none:*', 'other/x:1');
  assert.equal(none.exit, 1);
  assert.equal(none.stdout, '1: removed\n', 'the others go on');
  assert.match(none.stderr, /^Error: no reference in the cache fits r\.example\.com\/team\/none:\*\nchart list /);
  assert.deepEqual(await refs(), REFS.slice(0, 3));

  const dots = await chart('remove', 'rxexample.com/*');
  assert.equal(dots.exit, 1, 'a dot is a dot');

  const both = await chart('remove', 'r.example.com/team/app:*');
  assert.equal(both.exit, 0, both.stderr);
  assert.equal(both.stdout, 'r.example.com/team/app:1.0.0: removed\nr.example.com/team/app:2.0.0: removed\n');
  assert.deepEqual(await refs(), ['r.example.com/team/apple:1.0.0']);

  const twice = await chart('remove', 'r.example.com/*:1.?.0', '*', '-o', 'json');
  assert.equal(twice.exit, 0, twice.stderr);
  assert.deepEqual(JSON.parse(twice.stdout), [
    { item: 'r.example.com/team/apple:1.0.0', ref: 'r.example.com/team/apple:1.0.0', status: 'removed' },
  ]);
  assert.deepEqual(await refs(), []);
  assert.equal((await chart('remove', '*')).exit, 1, 'of an empty cache nothing fits');
  assertValidLayout(join(home, '.cache', 'helm', 'registry', 'cache'));
});
