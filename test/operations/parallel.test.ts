import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapConcurrent } from '../../src/operations/parallel.js';

test('work that never waits leaves the event loop its turn between two items, so that a signal is heard', async () => {
  let isHeard = false;
  setImmediate(() => {
    isHeard = true;
  });
  const heard = await mapConcurrent([1, 2, 3, 4], 2, async () => isHeard);
  assert.deepEqual(heard, [false, false, true, true]);
});

test('results are in the order of the items, and the first rejection comes once all that run have settled', async () => {
  const slow = (item: number): Promise<number> => new Promise((resolve) => setTimeout(resolve, 5 - item, item));
  assert.deepEqual(await mapConcurrent([1, 2, 3, 4], 3, slow), [1, 2, 3, 4]);
  const settled: number[] = [];
  const work = async (item: number): Promise<void> => {
    if (item === 1) throw new Error('one');
    await slow(item);
    settled.push(item);
  };
  await assert.rejects(mapConcurrent([1, 2, 3, 4], 3, work), { message: 'one' });
  assert.deepEqual(settled.sort(), [2, 3]);
});
