import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import type { Answer, ExpectedRequest } from '../helpers/http-exchange.js';
import { blob, LAYER, readAll } from './artifacts.js';
import { openExchange } from './opened.js';

const BIG = blob(Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251)));
const { descriptor, bytes } = BIG;
const PATH = `/v2/team/app/blobs/${descriptor.digest}`;
const LAST = bytes.length - 1;

function get(range: string | null, answer: Answer): ExpectedRequest {
  return { method: 'GET', path: PATH, headers: { range }, answer };
}

function partial(from: number, to = LAST): Answer {
  const headers = { 'content-range': `bytes ${from}-${to}/${bytes.length}` };
  return { status: 206, headers, body: bytes.subarray(from, to + 1) };
}

test('streams a blob, and uses connections again', async (t) => {
  const { repository, server } = await openExchange(t, Array(6).fill(get(null, { body: bytes })));
  for (let i = 0; i < 6; i += 1) assert.deepEqual(await readAll(await repository.readBlob(descriptor)), bytes);
  assert.ok(server.connections <= 2, `${server.connections} connections`);
});

test('reads a part of a blob', async (t) => {
  const { repository } = await openExchange(t, [
    get('bytes=10-19', partial(10, 19)),
    get('bytes=299990-299999', partial(299_990)),
    get('bytes=0-0', partial(0, 0)),
    get('bytes=5-9', { body: bytes }),
  ]);
  assert.deepEqual(
    await readAll(await repository.readBlob(descriptor, { start: 10, end: 19 })),
    bytes.subarray(10, 20),
  );
  assert.deepEqual(await readAll(await repository.readBlob(descriptor, { start: 299_990 })), bytes.subarray(299_990));
  assert.deepEqual(await readAll(await repository.readBlob(descriptor, { end: 0 })), bytes.subarray(0, 1));
  const whole = await repository.readBlob(descriptor, { start: 5, end: 9 });
  assert.deepEqual(await readAll(whole), bytes.subarray(5, 10), 'from a registry that knows no ranges');
});

test('goes on where it was when a connection breaks', async (t) => {
  const { repository, clock } = await openExchange(t, [
    get(null, { body: bytes, cutAfter: 100_000 }),
    {
      method: 'GET',
      path: PATH,
      headers: { range: /^bytes=[1-9]\d*-299999$/ },
      answer: ({ headers }) => partial(startOf(headers.range)),
    },
  ]);
  assert.deepEqual(await readAll(await repository.readBlob(descriptor)), bytes);
  assert.equal(clock.slept.length, 1);
});

test('goes on from the beginning with a registry that knows no ranges, and gives every byte once', async (t) => {
  const { repository } = await openExchange(t, [
    get(null, { body: bytes, cutAfter: 100_000 }),
    { method: 'GET', path: PATH, headers: { range: /^bytes=/ }, answer: { body: bytes } },
  ]);
  assert.deepEqual(await readAll(await repository.readBlob(descriptor)), bytes);
});

test('gives up when it comes no further', async (t) => {
  const cut: ExpectedRequest = { method: 'GET', path: PATH, answer: { body: bytes, cutAfter: 0 } };
  const { repository } = await openExchange(t, [cut, cut, cut, cut]);
  await assert.rejects(readAll(await repository.readBlob(descriptor)), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_UNREACHABLE'));
    assert.match(error.message, /unexpected EOF/);
    return true;
  });
});

test('refuses a blob that is announced with another size, before reading it', async (t) => {
  const { repository } = await openExchange(t, [
    get(null, { body: bytes.subarray(1) }),
    get('bytes=1-299999', { ...partial(1), headers: { 'content-range': 'bytes 1-299999/300001' } }),
  ]);
  const mismatch = (error: unknown): boolean => isChartError(error, 'BLOB_SIZE_MISMATCH');
  await assert.rejects(async () => readAll(await repository.readBlob(descriptor)), mismatch);
  await assert.rejects(async () => readAll(await repository.readBlob(descriptor, { start: 1 })), mismatch);
});

test('refuses a part that was not asked for', async (t) => {
  const { repository } = await openExchange(t, [
    get('bytes=10-19', partial(11, 20)),
    get('bytes=10-19', { status: 206, body: bytes.subarray(10, 20) }),
  ]);
  for (let i = 0; i < 2; i += 1) {
    const reading = async (): Promise<Buffer> => readAll(await repository.readBlob(descriptor, { start: 10, end: 19 }));
    await assert.rejects(reading, (error) => isChartError(error, 'REGISTRY_PROTOCOL'));
  }
});

test('a body without a length that is shorter or longer than promised, or never ends, is an error', async (t) => {
  const chunked = { 'transfer-encoding': 'chunked' };
  const { repository } = await openExchange(t, [
    get(null, { headers: chunked, body: bytes.subarray(1) }),
    get(null, { headers: chunked, body: Buffer.concat([bytes, bytes]) }),
    get(null, { body: bytes, endless: true }),
  ]);
  for (const words of ['only 299999', 'more than 300000', 'more than 300000']) {
    let received = 0;
    await assert.rejects(
      async () => {
        for await (const chunk of await repository.readBlob(descriptor)) received += (chunk as Buffer).length;
      },
      (error) => {
        assert.ok(isChartError(error, 'BLOB_SIZE_MISMATCH'));
        assert.ok(error.message.includes(words), error.message);
        return true;
      },
    );
    assert.ok(received <= descriptor.size);
  }
});

test('a body that stalls is gone on with after the time limit', async (t) => {
  const { repository } = await openExchange(
    t,
    [
      get(null, { headers: { 'content-length': '300000' }, body: bytes.subarray(0, 1000), stall: true }),
      get('bytes=1000-299999', partial(1000)),
    ],
    { timeouts: { body: 100 } },
  );
  assert.deepEqual(await readAll(await repository.readBlob(descriptor)), bytes);
});

test('says that a blob is not there, and what the registry says', async (t) => {
  const body = '{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry"}]}';
  const { repository, server } = await openExchange(t, [get(null, { status: 404, body })]);
  await assert.rejects(repository.readBlob(descriptor), (error) => {
    assert.ok(isChartError(error, 'BLOB_NOT_FOUND'));
    assert.equal(error.message, `blob ${descriptor.digest} of ${server.host}/team/app: not found`);
    assert.equal(error.hint, `${server.host} says: BLOB_UNKNOWN: blob unknown to registry.`);
    return true;
  });
});

test('stops when cancelled, and when the reader goes away', async (t) => {
  const { repository, server } = await openExchange(t, [
    get(null, { headers: { 'content-length': '300000' }, body: bytes.subarray(0, 1000), stall: true }),
    get(null, { headers: { 'content-length': '300000' }, body: bytes.subarray(0, 1000), stall: true }),
  ]);
  const controller = new AbortController();
  const stream = await repository.readBlob(descriptor, { signal: controller.signal });
  await assert.rejects(
    async () => {
      for await (const _ of stream) controller.abort();
    },
    (error) => isChartError(error, 'CANCELLED'),
  );
  const left = await repository.readBlob(descriptor);
  for await (const _ of left) break;
  assert.ok(left.destroyed);
  assert.equal(server.requests.length, 2);
});

test('tells the size of a blob, with a GET of one byte where HEAD does not', async (t) => {
  const head = (answer: Answer): ExpectedRequest => ({ method: 'HEAD', path: PATH, answer });
  const { repository } = await openExchange(t, [
    head({ headers: { 'content-length': '300000' } }),
    head({ status: 404 }),
    head({ status: 405 }),
    get('bytes=0-0', partial(0, 0)),
    head({ headers: { 'transfer-encoding': 'chunked' } }),
    get('bytes=0-0', { body: bytes }),
    head({ status: 400 }),
    get('bytes=0-0', { status: 404 }),
    head({ status: 403 }),
  ]);
  assert.equal(await repository.statBlob(descriptor.digest), 300_000);
  assert.equal(await repository.statBlob(descriptor.digest), undefined);
  assert.equal(await repository.statBlob(descriptor.digest), 300_000);
  assert.equal(await repository.statBlob(descriptor.digest), 300_000);
  assert.equal(await repository.statBlob(descriptor.digest), undefined);
  await assert.rejects(repository.statBlob(descriptor.digest), (error) => isChartError(error, 'REGISTRY_FORBIDDEN'));
});

test('deletes a blob', async (t) => {
  const remove = (answer: Answer): ExpectedRequest => ({ method: 'DELETE', path: PATH, answer });
  const { repository } = await openExchange(t, [
    remove({ status: 202 }),
    remove({ status: 404 }),
    remove({ status: 405 }),
  ]);
  await repository.deleteBlob(descriptor.digest);
  await assert.rejects(repository.deleteBlob(descriptor.digest), (error) => isChartError(error, 'BLOB_NOT_FOUND'));
  await assert.rejects(repository.deleteBlob(descriptor.digest), (error) => isChartError(error, 'REGISTRY_REFUSED'));
});

test('reads an empty blob', async (t) => {
  const empty = blob('');
  const path = `/v2/team/app/blobs/${empty.descriptor.digest}`;
  const { repository } = await openExchange(t, [{ method: 'GET', path, headers: { range: null }, answer: {} }]);
  assert.equal((await readAll(await repository.readBlob(empty.descriptor))).length, 0);
  assert.notEqual(LAYER.descriptor.digest, empty.descriptor.digest);
});

function startOf(range: string | undefined): number {
  return Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]);
}
