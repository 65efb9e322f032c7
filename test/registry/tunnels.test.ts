/** Registries that are asked through a proxy. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { openRegistry, type Registry, type RegistryOptions } from '../../src/registry/registry.js';
import { freePort, requireTools } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { startForwardProxy } from '../helpers/forward-proxy.js';
import { startExchange } from '../helpers/http-exchange.js';
import { LAYER, MANIFEST, readAll } from './artifacts.js';
import { makeAuthority } from './certificates.js';
import { fakeClock } from './fake-clock.js';

const OPENSSL = { skip: requireTools('openssl') };
const BASIC = `Basic ${Buffer.from('me:secret').toString('base64')}`;
const FOUND = {
  method: 'GET',
  path: /manifests/,
  answer: { body: MANIFEST.bytes, headers: { 'content-type': MANIFEST.descriptor.mediaType } },
};

function open(t: TestContext, host: string, options: RegistryOptions): Registry {
  const registry = openRegistry(host, { clock: fakeClock(), ...options });
  t.after(() => registry.close());
  return registry;
}

test('without TLS, a proxy is asked for the whole URL: registry, token server and blob store', async (t) => {
  const proxy = await startForwardProxy(t, { authorization: BASIC });
  const store = await startExchange(t, [
    {
      method: 'GET',
      path: '/x?sig=S',
      headers: { host: /^blobs\.test:/, authorization: null },
      answer: { body: LAYER.bytes },
    },
  ]);
  const tokens = await startExchange(t, [{ method: 'GET', path: /^\/token/, answer: { body: '{"token":"T"}' } }]);
  const server = await startExchange(t, [
    {
      method: 'GET',
      path: /blobs/,
      answer: { status: 401, headers: { 'www-authenticate': `Bearer realm="http://auth.test:${tokens.port}/token"` } },
    },
    {
      method: 'GET',
      path: /blobs/,
      headers: { host: /^r\.test:/, authorization: 'Bearer T', 'proxy-authorization': null },
      answer: { status: 307, headers: { location: `http://blobs.test:${store.port}/x?sig=S` } },
    },
  ]);
  const registry = open(t, `r.test:${server.port}`, {
    plainHttp: true,
    proxy: { httpProxy: proxy.url.replace('//', '//me:secret@') },
  });
  assert.deepEqual(await readAll(await registry.repository('a').readBlob(LAYER.descriptor)), LAYER.bytes);
  assert.deepEqual(
    proxy.requests.map((request) => request.replace(/\/v2.*|\/token.*|\/x.*/, '')),
    [
      `GET http://r.test:${server.port}`,
      `GET http://auth.test:${tokens.port}`,
      `GET http://r.test:${server.port}`,
      `GET http://blobs.test:${store.port}`,
    ],
  );
});

test(
  'with TLS, a proxy gives a tunnel and sees nothing, and the client certificate goes to the registry alone',
  OPENSSL,
  async (t) => {
    const authority = makeAuthority(temporaryDirectory(t));
    const tls = authority.issue('server', { names: 'DNS:r.test,IP:127.0.0.1' }).pem;
    const client = authority.issue('client');
    const proxy = await startForwardProxy(t, { authorization: BASIC, tls: { ...tls, ca: authority.pem.cert } });
    const server = await startExchange(t, [FOUND, FOUND], {
      tls: { ...tls, ca: authority.pem.cert, requestCert: true },
    });
    const events: unknown[] = [];
    const registry = open(t, `r.test:${server.port}`, {
      proxy: { httpsProxy: proxy.url.replace('//', '//me:secret@') },
      connections: 1,
      caFile: authority.cert,
      certFile: client.cert,
      keyFile: client.key,
      trace: (event) => events.push(event),
    });
    const repository = registry.repository('a');
    await repository.readManifest('1');
    await repository.readManifest('1');
    assert.deepEqual(proxy.requests, [`CONNECT r.test:${server.port}`]);
    assert.deepEqual(
      server.requests.map(({ headers }) => headers['proxy-authorization']),
      [undefined, undefined],
    );
    assert.equal(proxy.clientCertificates, 0);
    assert.match(JSON.stringify(events), new RegExp(`"proxy":"${proxy.host}"`));
    assert.doesNotMatch(JSON.stringify(events), /secret|bWU6c2VjcmV0/);
  },
);

test('a host that NO_PROXY names, and loopback, are asked directly', async (t) => {
  const proxy = await startForwardProxy(t);
  const server = await startExchange(t, [FOUND]);
  const registry = open(t, server.host, { proxy: { httpProxy: proxy.url, httpsProxy: proxy.url } });
  await registry.repository('a').readManifest('1');
  assert.deepEqual(proxy.requests, []);
});

test('says that a proxy refuses, why, and where to change that', async (t) => {
  const cases = [
    [
      407,
      true,
      /the proxy 127\.0\.0\.1:\d+ refused: 407 Proxy Authentication Required$/,
      /HTTPS_PROXY=http:\/\/USER:PASSWORD@/,
    ],
    [407, false, /refused: 407 Proxy Authentication Required$/, /HTTP_PROXY=http:\/\/USER:PASSWORD@/],
    [403, true, /refused: 403 Forbidden$/, /does not allow this; name r\.test in NO_PROXY/],
    [502, true, /refused: 502 Bad Gateway$/, /does not reach r\.test:5000/],
  ] as const;
  for (const [refusal, secure, message, hint] of cases) {
    const proxy = await startForwardProxy(t, { refusal });
    const registry = open(t, 'r.test:5000', {
      plainHttp: !secure,
      proxy: { httpProxy: proxy.url, httpsProxy: proxy.url },
    });
    await assert.rejects(registry.repository('a').readManifest('1'), (error) => {
      assert.ok(isChartError(error, 'REGISTRY_UNREACHABLE'), String(error));
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
      return true;
    });
    assert.equal(proxy.requests.length, refusal === 502 ? 4 : 1, 'only what may pass is tried again');
  }
});

test('says that a proxy is not there', async (t) => {
  const port = await freePort();
  for (const plainHttp of [true, false]) {
    const address = `http://127.0.0.1:${port}`;
    const registry = open(t, 'r.test', { plainHttp, proxy: { httpProxy: address, httpsProxy: address } });
    await assert.rejects(registry.repository('a').resolve('1'), (error) => {
      assert.ok(isChartError(error, 'REGISTRY_UNREACHABLE'), String(error));
      assert.match(error.message, /: proxyconnect tcp: dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/);
      assert.match(error.hint ?? '', /^HTTPS?_PROXY sends requests for r\.test through the proxy 127\.0\.0\.1:\d+:/);
      return true;
    });
  }
});

test('tells what is wrong with a certificate behind a proxy', OPENSSL, async (t) => {
  const authority = makeAuthority(temporaryDirectory(t));
  const proxy = await startForwardProxy(t);
  const server = await startExchange(t, [], { tls: authority.issue('server').pem });
  const registry = open(t, `r.test:${server.port}`, { proxy: { httpsProxy: proxy.url } });
  await assert.rejects(registry.repository('a').resolve('1'), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_TLS'), String(error));
    assert.match(error.message, /unknown authority/);
    return true;
  });
  const named = open(t, `r.test:${server.port}`, { proxy: { httpsProxy: proxy.url }, caFile: authority.cert });
  await assert.rejects(
    named.repository('a').resolve('1'),
    /certificate is valid for localhost, 127\.0\.0\.1, not r\.test$/,
  );
});
