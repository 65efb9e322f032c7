import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChartError, isChartError } from '../../src/errors.js';
import { WireFault } from '../../src/registry/faults.js';
import { openRegistry } from '../../src/registry/registry.js';
import { DEFAULT_RETRY, Retry, readRetryAfter, SYSTEM_CLOCK } from '../../src/registry/retry.js';
import { type Answer, startExchange } from '../helpers/http-exchange.js';
import { fakeClock } from './fake-clock.js';

const NOW = Date.UTC(2030, 0, 1);
const fault = (transient: boolean, retryAfter?: number): { error: unknown } => ({
  error: new WireFault('REGISTRY_UNREACHABLE', 'x', { summary: 'x', transient, retryAfter }),
});

test('waits longer each time, half of it by chance, and gives up after the last attempt', () => {
  const least = new Retry(DEFAULT_RETRY, { ...fakeClock(NOW), random: () => 0 });
  const most = new Retry(DEFAULT_RETRY, { ...fakeClock(NOW), random: () => 1 });
  const answer = { status: 503, headers: {} };
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => least.delay(answer, n)),
    [150, 300, 600, undefined],
  );
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => most.delay(answer, n)),
    [300, 600, 1200, undefined],
  );
});

test('tries again after 408, 429, 5xx and transient faults, and after nothing else', () => {
  const retry = new Retry(DEFAULT_RETRY, fakeClock(NOW));
  for (const status of [408, 429, 500, 502, 503, 504]) assert.ok(retry.delay({ status, headers: {} }, 1), `${status}`);
  for (const status of [200, 206, 301, 400, 401, 403, 404, 405, 501, 507]) {
    assert.equal(retry.delay({ status, headers: {} }, 1), undefined, `${status}`);
  }
  assert.ok(retry.delay(fault(true), 1));
  assert.equal(retry.delay(fault(false), 1), undefined);
  assert.equal(retry.delay({ error: new ChartError('BLOB_DIGEST_MISMATCH', 'x') }, 1), undefined);
  assert.equal(retry.delay({ error: new Error('a fault of the program') }, 1), undefined);
});

test('repeats what cannot be repeated safely after 429 alone', () => {
  const retry = new Retry(DEFAULT_RETRY, fakeClock(NOW));
  assert.ok(retry.delay({ status: 429, headers: {} }, 1, false));
  assert.equal(retry.delay({ status: 503, headers: {} }, 1, false), undefined);
  assert.equal(retry.delay(fault(true), 1, false), undefined);
});

test('waits as long as Retry-After says, in seconds and as a date, and not at all if that is too long', () => {
  const retry = new Retry(DEFAULT_RETRY, fakeClock(NOW));
  const after = (text: string): number | undefined => retry.delay({ status: 429, headers: { 'retry-after': text } }, 1);
  assert.equal(after('7'), 7000);
  assert.equal(after('Tue, 01 Jan 2030 00:00:09 GMT'), 9000);
  assert.equal(after('0'), 150);
  assert.equal(after('Mon, 31 Dec 2029 00:00:00 GMT'), 150);
  assert.equal(after('soon'), 150);
  assert.equal(after('61'), undefined);
  assert.equal(retry.delay(fault(true, 5000), 1), 5000);
  assert.equal(readRetryAfter({ headers: {} }, NOW), undefined);
});

test('the clock of the system stops sleeping when cancelled', async () => {
  const controller = new AbortController();
  const sleeping = SYSTEM_CLOCK.sleep(60_000, controller.signal);
  controller.abort();
  await assert.rejects(sleeping, (error) => isChartError(error, 'CANCELLED'));
});

const TAGS = { method: 'GET', path: '/v2/a/tags/list?n=1000' };

async function tagsAfter(
  t: Parameters<typeof startExchange>[0],
  answers: Answer[],
): Promise<{ tags: string[]; slept: number[] }> {
  const server = await startExchange(
    t,
    answers.map((answer) => ({ ...TAGS, answer })),
  );
  const clock = fakeClock(NOW);
  const registry = openRegistry(server.host, { clock });
  const tags: string[] = [];
  try {
    for await (const tag of registry.repository('a').listTags()) tags.push(tag);
  } finally {
    await registry.close();
  }
  return { tags, slept: clock.slept };
}

const ONE = { body: '{"tags":["1"]}' };

test('goes on after 429 with and without Retry-After, 5xx, and connections that are cut', async (t) => {
  const wait = { status: 429, headers: { 'retry-after': '3' } };
  assert.deepEqual(await tagsAfter(t, [wait, { status: 429 }, { status: 503 }, ONE]), {
    tags: ['1'],
    slept: [3000, 300, 600],
  });
  assert.deepEqual(await tagsAfter(t, [{ reset: true }, { status: 500 }, ONE]), { tags: ['1'], slept: [150, 300] });
});

test('names the limit, when it ends, and what the registry says of it', async (t) => {
  const body = '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}';
  const headers = { 'retry-after': '3600' };
  await assert.rejects(tagsAfter(t, [{ status: 429, headers, body }]), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_RATE_LIMITED'));
    assert.match(
      error.message,
      /^127\.0\.0\.1:\d+ refused to list the tags of .*\/a: 429 Too Many Requests \(TOOMANYREQUESTS: You have/,
    );
    assert.match(error.hint ?? '', /in 3600 seconds; logged in, more may be allowed/);
    return true;
  });
});

test('says after the last attempt that the registry is in trouble', async (t) => {
  await assert.rejects(tagsAfter(t, Array(4).fill({ status: 502, body: '<html>' })), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_REFUSED'));
    assert.match(error.message, /502 Bad Gateway$/);
    return true;
  });
});
