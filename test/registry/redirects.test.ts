import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { type Answer, type ExpectedRequest, startExchange } from '../helpers/http-exchange.js';
import { LAYER, readAll } from './artifacts.js';
import { openExchange } from './opened.js';

const { descriptor, bytes } = LAYER;
const PATH = `/v2/team/app/blobs/${descriptor.digest}`;
const USER = { username: 'user', password: 'hunter22' };
const BASIC = `Basic ${Buffer.from('user:hunter22').toString('base64')}`;

function get(path: string, answer: Answer, authorization: string | null = null): ExpectedRequest {
  return { method: 'GET', path, headers: { authorization }, answer };
}

function to(location: string, status = 307): Answer {
  return { status, headers: { location }, body: 'moved' };
}

const CHALLENGE: Answer = { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } };

test('GHSA-vh4v-2xq2-g5cg: credentials go to no other port or host, and not back again', async (t) => {
  const other = await startExchange(t, ({ host }) => [
    get('/signed?X-Amz-Signature=abc', to(`http://localhost:${host.split(':')[1]}/back`, 302)),
    { ...get('/back', { body: bytes }), headers: { authorization: null, host: /^localhost:/ } },
  ]);
  const { repository } = await openExchange(
    t,
    [get(PATH, CHALLENGE), get(PATH, to(`${other.url}/signed?X-Amz-Signature=abc`), BASIC)],
    { credentials: USER },
  );
  assert.deepEqual(await readAll(await repository.readBlob(descriptor)), bytes);
});

test('GHSA-vh4v-2xq2-g5cg: credentials are not sent again to the registry by way of another host', async (t) => {
  let back = '';
  const other = await startExchange(t, [{ method: 'GET', path: '/x', answer: () => to(back) }]);
  const { repository, server } = await openExchange(
    t,
    [get(PATH, CHALLENGE), get(PATH, to(`${other.url}/x`), BASIC), get('/loot', { body: bytes }, null)],
    { credentials: USER },
  );
  back = `${server.url}/loot`;
  assert.deepEqual(await readAll(await repository.readBlob(descriptor)), bytes);
});

test('credentials stay on a redirect within the registry', async (t) => {
  const { repository } = await openExchange(
    t,
    [get(PATH, CHALLENGE), get(PATH, to('/data/1', 308), BASIC), get('/data/1', { body: bytes }, BASIC)],
    { credentials: USER },
  );
  assert.deepEqual(await readAll(await repository.readBlob(descriptor)), bytes);
});

test('GHSA-whvf-jp7m-59f3: another host gets no headers but what reading takes', async (t) => {
  const other = await startExchange(t, [get('/x', { body: bytes })]);
  const { repository } = await openExchange(t, [get(PATH, CHALLENGE), get(PATH, to(`${other.url}/x`), BASIC)], {
    credentials: USER,
  });
  await readAll(await repository.readBlob(descriptor));
  assert.deepEqual(Object.keys(other.requests[0]?.headers ?? {}).sort(), ['connection', 'host', 'user-agent']);
});

test('a challenge from another host is not answered', async (t) => {
  const other = await startExchange(t, [get('/x', CHALLENGE)]);
  const { repository } = await openExchange(t, [get(PATH, CHALLENGE), get(PATH, to(`${other.url}/x`), BASIC)], {
    credentials: USER,
  });
  await assert.rejects(repository.readBlob(descriptor), (error) => isChartError(error, 'CREDENTIALS_REJECTED'));
});

test('a part of a blob is asked for at the other host too', async (t) => {
  const answer = { status: 206, headers: { 'content-range': `bytes 2-3/${bytes.length}` }, body: bytes.subarray(2, 4) };
  const other = await startExchange(t, [{ ...get('/x', answer), headers: { range: 'bytes=2-3' } }]);
  const { repository } = await openExchange(t, [get(PATH, to(`${other.url}/x`))]);
  assert.deepEqual(await readAll(await repository.readBlob(descriptor, { start: 2, end: 3 })), bytes.subarray(2, 4));
});

test('a redirect that goes on for ever ends', async (t) => {
  const { repository } = await openExchange(t, [
    get(PATH, to('/0')),
    ...Array.from({ length: 10 }, (_, i) => get(`/${i}`, to(`/${i + 1}`))),
  ]);
  await assert.rejects(repository.readBlob(descriptor), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_PROTOCOL'));
    assert.match(error.message, /goes on after 10 of them$/);
    return true;
  });
});

test('a redirect to nowhere, or to what is no web address, is not followed', async (t) => {
  for (const location of ['', 'file:///etc/passwd', 'http://[', 'javascript:x']) {
    const answer = location === '' ? { status: 302 } : to(location);
    const { repository } = await openExchange(t, [get(PATH, answer)]);
    await assert.rejects(
      repository.readBlob(descriptor),
      (error) => isChartError(error, 'REGISTRY_PROTOCOL'),
      location,
    );
  }
});

test('a user name in a redirect is not sent', async (t) => {
  const other = await startExchange(t, [get('/x', { body: bytes })]);
  const { repository } = await openExchange(t, [get(PATH, to(`http://user:secret@${other.host}/x`))]);
  await readAll(await repository.readBlob(descriptor));
});

test('what writes is not redirected', async (t) => {
  const { repository } = await openExchange(t, [{ method: 'DELETE', path: PATH, answer: to('/x') }]);
  await assert.rejects(repository.deleteBlob(descriptor.digest), (error) => isChartError(error, 'REGISTRY_PROTOCOL'));
});

test('GHSA-5jhf-2qmf-m8c5: a trace of a transfer holds no password, token or signed query', async (t) => {
  const other = await startExchange(t, [get('/x?X-Amz-Signature=SIGNATURE', { body: bytes })]);
  const lines: string[] = [];
  const { registry, repository } = await openExchange(
    t,
    ({ url }) => [
      get(PATH, { status: 401, headers: { 'www-authenticate': `Bearer realm="${url}/token?key=KEY",service="s"` } }),
      { method: 'POST', path: '/token?key=KEY', answer: { body: '{"access_token":"ACCESS"}' } },
      get(PATH, to(`${other.url}/x?X-Amz-Signature=SIGNATURE`), 'Bearer ACCESS'),
      { method: 'POST', path: '/token?key=KEY', answer: { body: '{"access_token":"WRITE"}' } },
      [
        { method: 'HEAD', path: PATH, answer: { status: 401, headers: { 'www-authenticate': 'Basic' } } },
        {
          method: 'POST',
          path: '/v2/team/app/blobs/uploads/',
          answer: { status: 202, headers: { location: '/u?_state=STATE' } },
        },
      ],
      { method: 'DELETE', path: '/u?_state=STATE', answer: {} },
    ],
    { credentials: { identityToken: 'IDENTITY' }, trace: (event) => lines.push(JSON.stringify(event)) },
  );
  await readAll(await repository.readBlob(descriptor));
  const failure = await repository.writeBlob(descriptor, LAYER.open).catch((error: Error) => error);
  assert.ok(failure instanceof Error);
  await registry.close();
  const log = [...lines, failure.message, failure.stack].join('\n');
  assert.equal(lines.length, 8);
  assert.match(
    lines[0] ?? '',
    /^\{"method":"GET","url":"http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/blobs\/sha256:[0-9a-f]+","status":401,"ms":/,
  );
  for (const secret of ['SIGNATURE', 'KEY', 'ACCESS', 'IDENTITY', 'WRITE', 'STATE'])
    assert.doesNotMatch(log, new RegExp(secret));
});
