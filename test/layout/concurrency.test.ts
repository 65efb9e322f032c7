import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertValidLayout, storeNamed } from '../helpers/layout.js';
import { tidyCache } from './cache.js';
import { type Finished, startLimitedWorker, startWorker } from './workers.js';

function saved({ lines }: Finished): string[] {
  return lines.filter((line) => line.startsWith('saved ')).map((line) => line.slice('saved '.length));
}

test('50 processes that save at the same time all succeed, and nothing is lost', { timeout: 120_000 }, async (t) => {
  const { dir, layout } = tidyCache(t);
  const workers = Array.from({ length: 50 }, (_, who) => startWorker(['save', dir, `${who}`, '1']));
  const results = await Promise.all(workers.map(({ finished }) => finished));
  for (const { code, errors } of results) assert.equal(code, 0, errors);
  const names = (await layout.readIndex()).map(({ name }) => name);
  assert.deepEqual(names.sort(), results.flatMap(saved).sort());
  assert.equal(names.length, 50);
});

test('processes that name, remove and prune the same content never take it from each other', {
  timeout: 120_000,
}, async (t) => {
  const { dir, layout } = tidyCache(t);
  const workers = Array.from({ length: 6 }, (_, who) => startWorker(['share', dir, `${who}`, '15']));
  const results = await Promise.all(workers.map(({ finished }) => finished));
  for (const { code, errors } of results) assert.equal(code, 0, errors);
  const names = (await layout.readIndex()).map(({ name }) => name);
  assert.deepEqual(names.sort(), results.flatMap(saved).sort());
  await layout.applyPrune(await layout.planPrune());
  assert.equal(readdirSync(join(dir, 'blobs/sha256')).length, 3 * 6, 'nothing but what is named is left');
});

test('kill -9 at any moment leaves a valid cache, and every name that was there', { timeout: 120_000 }, async (t) => {
  const { dir, layout } = tidyCache(t);
  const promised = new Set<string>();
  for (let trial = 0; trial < 16; trial++) {
    // Another number of lines each time: the kill comes at another moment of the next change.
    const patience = 1 + (trial % 5);
    const { finished } = startWorker(['churn', dir, `${trial}`, '40'], (line, child) => {
      promised.add(line.slice('saved '.length));
      if (Number(/(\d+)$/.exec(line)?.[1]) >= patience) child.kill('SIGKILL');
    });
    const { errors } = await finished;
    assert.equal(errors, '', 'nobody is held up by the one that was killed before');
    assertValidLayout(dir);
    const names = new Set((await layout.readIndex()).map(({ name }) => name));
    assert.deepEqual(
      [...promised].filter((name) => !names.has(name)),
      [],
    );
  }
  await layout.applyPrune(await layout.planPrune());
  assert.deepEqual((await layout.planPrune()).ingest, []);
});

test('a disk that takes no more leaves the cache as it was', { skip: process.platform === 'win32' }, async (t) => {
  const { dir, layout } = tidyCache(t);
  const { finished } = startLimitedWorker(['fill', dir, '300000'], 100);
  const { lines, errors } = await finished;
  assert.equal(errors, '');
  assert.match(lines.join(), /^failed DISK_FULL cannot write .*: file too large$/);
  assert.deepEqual(readdirSync(join(dir, 'blobs/sha256')), []);
  assert.deepEqual(await layout.readIndex(), []);
  const again = await startWorker(['fill', dir, '300000']).finished;
  assert.deepEqual(again.lines, ['stored']);
});

test('prune makes space where not a byte can be written', { skip: process.platform === 'win32' }, async (t) => {
  const { dir, layout } = tidyCache(t);
  await storeNamed(layout, 'c:1');
  await storeNamed(layout, 'c:2');
  await layout.untag('c:2');
  const { lines, errors } = await startLimitedWorker(['prune', dir], 0).finished;
  assert.equal(errors, '');
  assert.deepEqual(lines, ['deleted 3']);
});
