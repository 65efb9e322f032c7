/** The caller's AbortSignal ends what is under way, and stays as it was. */
import assert from 'node:assert/strict';
import { getEventListeners, getMaxListeners } from 'node:events';
import { type TestContext, test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { openRegistry } from '../../src/registry/registry.js';
import { listen } from '../helpers/listen.js';

async function silentRegistry(t: TestContext) {
  let asked = () => {};
  const allAsked = new Promise<void>((resolve) => {
    let count = 0;
    asked = () => {
      count += 1;
      if (count === 16) resolve();
    };
  });
  const host = await listen(t, () => asked());
  const registry = openRegistry(host, { connections: 16 });
  t.after(() => registry.close());
  return { registry, allAsked };
}

test('many requests listen to a signal of their own, which the caller aborts all the same', async (t) => {
  const warnings: string[] = [];
  const note = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const { registry, allAsked } = await silentRegistry(t);
  const controller = new AbortController();
  const { signal } = controller;
  const before = getMaxListeners(signal);
  const requests = Array.from({ length: 20 }, () => registry.ping({ signal }).catch((error: unknown) => error));
  await allAsked;
  assert.equal(getMaxListeners(signal), before);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  controller.abort();
  for (const error of await Promise.all(requests)) assert.ok(isChartError(error, 'CANCELLED'), String(error));
  assert.deepEqual(warnings, []);
});
