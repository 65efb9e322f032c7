/** What becomes of uploads when the server that has them is killed, and another is started over the same cache. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, statSync, utimesSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { digestOf } from '../../src/oci/digest.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { startChart } from '../helpers/run.js';

const CONTENT = randomBytes(3_000_000);
const DIGEST = digestOf(CONTENT);

async function serve(t: TestContext, dir: string) {
  const server = startChart(['serve', '--port', '0', '--writable', '--cache-dir', join(dir, 'cache')]);
  t.after(() => server.stop('SIGKILL'));
  const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
  const send = (method: string, path: string, body?: Buffer, headers?: Record<string, string>) =>
    fetch(new URL(path, url), { method, ...(body && { body: new Uint8Array(body) }), ...(headers && { headers }) });
  return { server, url, send };
}

type Send = Awaited<ReturnType<typeof serve>>['send'];

/** Opens an upload and sends so many bytes. @returns its path, and its file */
async function begin(send: Send, dir: string, bytes: number) {
  const post = await send('POST', '/v2/team/app/blobs/uploads/');
  const location = post.headers.get('location') ?? '';
  if (bytes > 0) assert.equal((await send('PATCH', location, CONTENT.subarray(0, bytes))).status, 202);
  return { location, file: join(dir, 'cache', 'ingest', `upload-${location.split('/').at(-1)}`) };
}

test('goes on after kill -9, at the byte that it had reached', async (t) => {
  const dir = temporaryDirectory(t);
  const first = await serve(t, dir);
  const { location, file } = await begin(first.send, dir, 1_000_000);
  const half = request(new URL(location, first.url), { method: 'PATCH', headers: { 'Content-Length': '2000000' } });
  half.on('error', () => {});
  half.write(CONTENT.subarray(1_000_000, 1_700_000));
  while (statSync(file).size < 1_700_000) await pause(5);
  await first.server.stop('SIGKILL');

  const { send } = await serve(t, dir);
  const status = await send('GET', location);
  assert.equal(status.status, 204);
  assert.equal(status.headers.get('range'), '0-1699999');
  const wrong = await send('PATCH', location, CONTENT.subarray(0, 9), { 'Content-Range': '0-8' });
  assert.equal(wrong.status, 416);
  const put = await send('PUT', `${location}?digest=${DIGEST}`, CONTENT.subarray(1_700_000), {
    'Content-Range': '1700000-2999999',
  });
  assert.equal(put.status, 201);
  const blob = await send('GET', put.headers.get('location') ?? '');
  assert.ok(Buffer.from(await blob.arrayBuffer()).equals(CONTENT));
  await assertValidLayout(join(dir, 'cache'));
});

test('is not swept at the first look of another server, for the clock may have been set, and what another has open stays', async (t) => {
  const dir = temporaryDirectory(t);
  const [killed, other] = await Promise.all([serve(t, dir), serve(t, dir)]);
  const old = await begin(killed.send, dir, 1000);
  const young = await begin(killed.send, dir, 2000);
  const elsewhere = await begin(other.send, dir, 1_000_000);
  await killed.server.stop('SIGKILL');
  const before = Date.now() / 1000 - 3700;
  utimesSync(old.file, before, before);

  const { send } = await serve(t, dir);
  const late = await send('PATCH', old.location, CONTENT.subarray(1000), { 'Content-Range': '1000-2999999' });
  assert.equal(late.status, 202);
  rmSync(old.file);
  const gone = await send('PATCH', old.location, CONTENT.subarray(0, 1));
  assert.equal(gone.status, 404);
  assert.match(await gone.text(), /"BLOB_UPLOAD_UNKNOWN"/);
  assert.equal((await send('GET', young.location)).headers.get('range'), '0-1999');
  const put = await other.send('PUT', `${elsewhere.location}?digest=${DIGEST}`, CONTENT.subarray(1_000_000));
  assert.equal(put.status, 201);
  assert.equal((await send('HEAD', `/v2/team/app/blobs/${DIGEST}`)).status, 200);
  await assertValidLayout(join(dir, 'cache'));
});
