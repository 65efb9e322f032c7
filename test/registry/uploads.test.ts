import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { OCI_MANIFEST } from '../../src/oci/media-types.js';
import { openRegistry } from '../../src/registry/registry.js';
import type { Answer, ExpectedRequest } from '../helpers/http-exchange.js';
import { blob, LAYER, MANIFEST } from './artifacts.js';
import { openExchange } from './opened.js';

const UPLOADS = '/v2/team/app/blobs/uploads/';
const BIG = blob(Buffer.from(Array.from({ length: 2_000_000 }, (_, index) => index % 253)));

function head({ descriptor } = LAYER, answer: Answer = { status: 404 }): ExpectedRequest {
  return { method: 'HEAD', path: `/v2/team/app/blobs/${descriptor.digest}`, answer };
}

function post(location: string, answer: Answer = {}): ExpectedRequest {
  return { method: 'POST', path: UPLOADS, body: '', answer: { status: 202, headers: { location }, ...answer } };
}

function put(path: string, { descriptor, bytes } = LAYER, answer: Answer = { status: 201 }): ExpectedRequest {
  const query = `${path.includes('?') ? '&' : '?'}digest=${encodeURIComponent(descriptor.digest)}`;
  return {
    method: 'PUT',
    path: `${path}${query}`,
    headers: { 'content-type': 'application/octet-stream', 'content-length': `${descriptor.size}` },
    body: bytes,
    answer,
  };
}

test('sends a new blob in two round trips, to a relative or absolute place, with its query as it is', async (t) => {
  const query = '?_state=a%2Bb%20c%3D%3D&x=%7E+1';
  const { repository } = await openExchange(t, ({ url }) => [
    [head(), post(`${UPLOADS}1${query}`)],
    put(`${UPLOADS}1${query}`),
    [head(), post(`${url}/elsewhere/2`)],
    put('/elsewhere/2'),
    [head(), post('3')],
    put(`${UPLOADS}3`),
  ]);
  for (let i = 0; i < 3; i += 1) await repository.writeBlob(LAYER.descriptor, LAYER.open);
});

test('sends nothing of a blob that is there, and then no longer begins uploads ahead', async (t) => {
  const there = { status: 200 };
  const { repository } = await openExchange(t, [
    [head(LAYER, there), post(`${UPLOADS}1`)],
    [{ method: 'DELETE', path: `${UPLOADS}1`, answer: { status: 204 } }, head(LAYER, there)],
    head(LAYER),
    post(`${UPLOADS}2`),
    put(`${UPLOADS}2`),
    [head(LAYER, there), post('', { status: 403 })],
  ]);
  const { descriptor } = LAYER;
  const never = (): Promise<Readable> => Promise.reject(new Error('opened'));
  await repository.writeBlob(descriptor, never);
  await repository.writeBlob(descriptor, never);
  await repository.writeBlob(descriptor, LAYER.open);
  await repository.writeBlob(descriptor, never);
});

test('says in the words of Helm that it may not push', async (t) => {
  const { repository } = await openExchange(t, [[head(LAYER, { status: 401 }), post('', { status: 401 })]]);
  await assert.rejects(repository.writeBlob(LAYER.descriptor, LAYER.open), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_UNAUTHORIZED'));
    assert.equal(error.message, 'unexpected response: 401 Unauthorized');
    return true;
  });
});

test('says that a repository may have to be created first, as on ECR', async (t) => {
  const body = '{"errors":[{"code":"NAME_UNKNOWN","message":"The repository does not exist in the registry"}]}';
  const { repository } = await openExchange(t, [[head(), post('', { status: 404, body })]]);
  await assert.rejects(repository.writeBlob(LAYER.descriptor, LAYER.open), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_REFUSED'));
    assert.match(
      error.message,
      /refused to take an upload to .*\/team\/app: 404 Not Found \(NAME_UNKNOWN: The repository/,
    );
    assert.match(error.hint ?? '', /may have to be created/);
    return true;
  });
});

test('GHSA-jxpm-75mh-9fp7: sends nothing to an upload location on another host', async (t) => {
  const { open, opened } = { open: LAYER.open, opened: LAYER.opened };
  for (const place of [
    'https://evil.example.com/upload',
    '//evil.example.com/upload',
    'http://localhost:1/upload',
    'http://user:secret@127.0.0.1:1/upload',
    'ftp://127.0.0.1/upload',
    'http://[',
  ]) {
    const { repository } = await openExchange(t, [[head(), post(place)]], {
      credentials: { username: 'u', password: 'p' },
    });
    await assert.rejects(repository.writeBlob(LAYER.descriptor, open), (error) => {
      assert.ok(isChartError(error, 'REGISTRY_PROTOCOL'), place);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
  assert.equal(LAYER.opened, opened);
});

test('an upload without a location is an error', async (t) => {
  const { repository } = await openExchange(t, [[head(), { ...post(''), answer: { status: 202 } }]]);
  await assert.rejects(repository.writeBlob(LAYER.descriptor, LAYER.open), (error) =>
    isChartError(error, 'REGISTRY_PROTOCOL'),
  );
});

test('begins again after a fault, once it has looked whether the blob arrived all the same', async (t) => {
  const { repository, clock } = await openExchange(t, [
    [head(), post(`${UPLOADS}1`)],
    put(`${UPLOADS}1`, LAYER, { reset: true }),
    [head(), post(`${UPLOADS}2`)],
    put(`${UPLOADS}2`, LAYER, { status: 503 }),
    [head(), post(`${UPLOADS}3`)],
    put(`${UPLOADS}3`, LAYER, { status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}' }),
    [head(LAYER, { status: 200 }), post(`${UPLOADS}4`)],
    { method: 'DELETE', path: `${UPLOADS}4`, answer: { status: 500 } },
  ]);
  await repository.writeBlob(LAYER.descriptor, LAYER.open);
  assert.deepEqual(clock.slept, [150, 300, 600]);
});

test('sends in chunks where a registry takes no whole blob', async (t) => {
  for (const refusal of [
    { status: 405 },
    { status: 411 },
    { status: 501 },
    { status: 400, body: '{"errors":[{"code":"UNSUPPORTED"}]}' },
    { status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}' },
  ] satisfies Answer[]) {
    const { repository } = await openExchange(t, [
      [head(), post(`${UPLOADS}1`)],
      put(`${UPLOADS}1`, LAYER, refusal),
      post(`${UPLOADS}2?s=0`),
      {
        method: 'PATCH',
        path: `${UPLOADS}2?s=0`,
        headers: { 'content-range': `0-${LAYER.bytes.length - 1}`, 'content-length': `${LAYER.bytes.length}` },
        body: LAYER.bytes,
        answer: { status: 202, headers: { location: `${UPLOADS}2?s=1` } },
      },
      {
        method: 'PUT',
        path: `${UPLOADS}2?s=1&digest=${encodeURIComponent(LAYER.descriptor.digest)}`,
        headers: { 'content-length': '0' },
        body: '',
        answer: { status: 201 },
      },
    ]);
    await repository.writeBlob(LAYER.descriptor, LAYER.open);
  }
});

test('sends in small chunks where a proxy takes no large body', async (t) => {
  const parts: Buffer[] = [];
  const ranges: (string | undefined)[] = [];
  const patch: ExpectedRequest = {
    method: 'PATCH',
    path: `${UPLOADS}2`,
    answer: ({ body, headers }) => {
      parts.push(body);
      ranges.push(headers['content-range']);
      return { status: 202 };
    },
  };
  const { repository } = await openExchange(t, [
    [head(BIG), post(`${UPLOADS}1`)],
    put(`${UPLOADS}1`, BIG, { status: 413, body: '<html>' }),
    post(`${UPLOADS}2`),
    patch,
    patch,
    patch,
    { method: 'PUT', path: new RegExp(`^${UPLOADS}2\\?digest=`), body: '', answer: { status: 201 } },
  ]);
  await repository.writeBlob(BIG.descriptor, BIG.open);
  assert.deepEqual(ranges, ['0-917503', '917504-1835007', '1835008-1999999']);
  assert.deepEqual(Buffer.concat(parts), BIG.bytes);
});

test('says what the registry said where chunks are refused too', async (t) => {
  const { repository } = await openExchange(t, [
    [head(), post(`${UPLOADS}1`)],
    put(`${UPLOADS}1`, LAYER, { status: 405 }),
    post(`${UPLOADS}2`),
    {
      method: 'PATCH',
      path: `${UPLOADS}2`,
      answer: { status: 403, body: '{"errors":[{"code":"DENIED","message":"quota"}]}' },
    },
  ]);
  await assert.rejects(repository.writeBlob(LAYER.descriptor, LAYER.open), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_FORBIDDEN'));
    assert.match(
      error.message,
      /refused to store blob sha256:[0-9a-f]{64} in .*\/team\/app: 403 Forbidden \(DENIED: quota\)/,
    );
    return true;
  });
});

test('lets nobody see content as complete that differs from its descriptor', async (t) => {
  const { descriptor, bytes } = BIG;
  const other = Buffer.from(bytes);
  other[1_999_999] = 7;
  let received = 0;
  const server = createServer((request, response) => {
    if (request.method !== 'PUT')
      return response.writeHead(request.method === 'POST' ? 202 : 404, { location: '/1' }).end();
    return request.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const registry = openRegistry(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(async () => {
    await registry.close();
    server.closeAllConnections();
    server.close();
  });
  for (const [content, code] of [
    [other, 'BLOB_DIGEST_MISMATCH'],
    [bytes.subarray(1), 'BLOB_SIZE_MISMATCH'],
    [Buffer.concat([bytes, bytes]), 'BLOB_SIZE_MISMATCH'],
    [Buffer.alloc(0), 'BLOB_SIZE_MISMATCH'],
  ] as const) {
    received = 0;
    const open = async (): Promise<Readable> =>
      Readable.from([content.subarray(0, 900_000), content.subarray(900_000)], { objectMode: false });
    await assert.rejects(
      registry.repository('a').writeBlob(descriptor, open),
      (error) => isChartError(error, code),
      code,
    );
    assert.ok(received < descriptor.size, `${received}`);
  }
});

test('hands on what opening or reading the content fails with', async (t) => {
  const { repository } = await openExchange(t, [
    [head(), post(`${UPLOADS}1`)],
    [head(), post(`${UPLOADS}2`)],
  ]);
  const failure = new Error('the disk is broken');
  await assert.rejects(
    repository.writeBlob(LAYER.descriptor, () => Promise.reject(failure)),
    failure,
  );
  const open = async (): Promise<Readable> =>
    new Readable({
      read() {
        this.destroy(failure);
      },
    });
  await assert.rejects(repository.writeBlob(LAYER.descriptor, open), failure);
});

test('refuses to be told that something else was stored', async (t) => {
  const { repository } = await openExchange(t, [
    [head(), post(`${UPLOADS}1`)],
    put(`${UPLOADS}1`, LAYER, { status: 201, headers: { 'docker-content-digest': BIG.descriptor.digest } }),
    [head(), post(`${UPLOADS}2`)],
    put(`${UPLOADS}2`, LAYER, {
      status: 400,
      body: '{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}',
    }),
  ]);
  for (let i = 0; i < 2; i += 1) {
    const writing = repository.writeBlob(LAYER.descriptor, LAYER.open);
    await assert.rejects(writing, (error) => isChartError(error, 'BLOB_DIGEST_MISMATCH'));
  }
});

test('stops when cancelled', async (t) => {
  const controller = new AbortController();
  const cancel = (): Answer => {
    controller.abort();
    return { silence: true };
  };
  const { repository } = await openExchange(t, [
    [head(), post(`${UPLOADS}1`)],
    { ...put(`${UPLOADS}1`), answer: cancel },
  ]);
  const writing = repository.writeBlob(LAYER.descriptor, LAYER.open, { signal: controller.signal });
  await assert.rejects(writing, (error) => isChartError(error, 'CANCELLED'));
});

const SCOPE = 'repository:team/app:pull,push';

function mount(from: string, answer: Answer, { descriptor } = LAYER): ExpectedRequest {
  const path = `${UPLOADS}?mount=${encodeURIComponent(descriptor.digest)}&from=${encodeURIComponent(from)}`;
  return { method: 'POST', path, body: '', answer };
}

test('has a registry take a blob over from a repository that most likely holds it', async (t) => {
  const { repository } = await openExchange(t, [
    [head(), mount('team/other', { status: 201 })],
    [head(), mount('team/other', { status: 202, headers: { location: `${UPLOADS}1` } })],
    put(`${UPLOADS}1`),
    [head(), post(`${UPLOADS}2`)],
    put(`${UPLOADS}2`),
  ]);
  const mountFrom = ['team/app', 'team/other', 'team/third'];
  const never = (): Promise<Readable> => Promise.reject(new Error('opened'));
  await repository.writeBlob(LAYER.descriptor, never, { mountFrom });
  await repository.writeBlob(LAYER.descriptor, LAYER.open, { mountFrom });
  await repository.writeBlob(LAYER.descriptor, LAYER.open, { mountFrom: ['team/app', 'No/Repository'] });
});

test('sends a blob where a registry refuses to take it over, or knows no such request', async (t) => {
  for (const status of [400, 403, 404, 405]) {
    const { repository } = await openExchange(t, [
      [head(), mount('team/other', { status })],
      post(`${UPLOADS}1`),
      put(`${UPLOADS}1`),
    ]);
    await repository.writeBlob(LAYER.descriptor, LAYER.open, { mountFrom: ['team/other'] });
  }
});

test('asks for the right to read the other repository, and does without where it gets none', async (t) => {
  const realm = (url: string): Answer => ({
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="${url}/token",service="s"` },
  });
  const token = (scopes: string, answer: Answer): ExpectedRequest => ({
    method: 'GET',
    path: `/token?service=s&${scopes}`,
    answer,
  });
  const write = `scope=${encodeURIComponent(SCOPE)}`;
  const both = `${write}&scope=${encodeURIComponent('repository:team/other:pull')}`;
  const { repository } = await openExchange(t, ({ url }) => [
    [
      head(LAYER, realm(url)),
      mount('team/other', realm(url)),
      token(write, { body: '{"token":"WRITE"}' }),
      token(both, { status: 403, body: '{"details":"no"}' }),
      { ...head(), headers: { authorization: 'Bearer WRITE' } },
    ],
    { ...post(`${UPLOADS}1`), headers: { authorization: 'Bearer WRITE' } },
    put(`${UPLOADS}1`),
  ]);
  await repository.writeBlob(LAYER.descriptor, LAYER.open, { mountFrom: ['team/other'] });
});

test('takes what it has seen in one repository over into another', async (t) => {
  const manifest = { method: 'GET', path: '/v2/team/other/manifests/1' } as const;
  const { registry, repository } = await openExchange(t, [
    { ...manifest, answer: { headers: { 'content-type': OCI_MANIFEST }, body: MANIFEST.bytes } },
    [head(), mount('team/other', { status: 201 })],
  ]);
  await registry.repository('team/other').readManifest('1');
  await repository.writeBlob(LAYER.descriptor, () => Promise.reject(new Error('opened')));
});
