import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { createServer, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { type ChartErrorCode, isChartError } from '../../src/errors.js';
import { openRegistry, type RegistryOptions } from '../../src/registry/registry.js';
import { freePort, requireTools } from '../helpers/docker-registry.js';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { startExchange } from '../helpers/http-exchange.js';
import { LAYER, readAll } from './artifacts.js';
import { makeAuthority } from './certificates.js';
import { openExchange } from './opened.js';

const ONCE = { retry: { attempts: 1 } };
const OPENSSL = { skip: requireTools('openssl') };

interface Failure {
  readonly code: ChartErrorCode;
  readonly message: string | RegExp;
  readonly hint: RegExp;
}

async function fails(
  t: TestContext,
  host: string,
  options: RegistryOptions,
  { code, message, hint }: Failure,
): Promise<void> {
  const registry = openRegistry(host, { ...ONCE, ...options });
  t.after(() => registry.close());
  await assert.rejects(registry.repository('t/c').resolve('1'), (error) => {
    assert.ok(isChartError(error), String(error));
    assert.equal(error.code, code);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
    return true;
  });
}

test('says in the words of Helm that nobody listens', async (t) => {
  const port = await freePort();
  await fails(
    t,
    `127.0.0.1:${port}`,
    {},
    {
      code: 'REGISTRY_UNREACHABLE',
      message: `failed to do request: Head "http://127.0.0.1:${port}/v2/t/c/manifests/1": dial tcp 127.0.0.1:${port}: connect: connection refused`,
      hint: /^Check that 127\.0\.0\.1:\d+ is the right name and port/,
    },
  );
  await fails(
    t,
    `127.0.0.2:${port}`,
    {},
    {
      code: 'REGISTRY_UNREACHABLE',
      message: `failed to do request: Head "https://127.0.0.2:${port}/v2/t/c/manifests/1": dial tcp 127.0.0.2:${port}: connect: connection refused`,
      hint: /./,
    },
  );
});

test('says that a host has no address', async (t) => {
  await fails(
    t,
    'nosuchhost.invalid',
    {},
    {
      code: 'REGISTRY_UNREACHABLE',
      message:
        /^failed to do request: Head "https:\/\/nosuchhost\.invalid\/v2\/t\/c\/manifests\/1": dial tcp: lookup nosuchhost\.invalid: (?:no such host|name resolution failed)$/,
      hint: /nosuchhost\.invalid/,
    },
  );
});

test('says that a registry speaks no TLS, and how to do without', async (t) => {
  const server = await startExchange(t, []);
  await fails(
    t,
    server.host,
    { plainHttp: false },
    {
      code: 'REGISTRY_TLS',
      message: /: http: server gave HTTP response to HTTPS client$/,
      hint: /--plain-http/,
    },
  );
});

test('waits no longer than it should for a connection, an answer, or the rest of one', async (t) => {
  const path = '/v2/t/c/manifests/1';
  const { host } = await startExchange(t, [{ method: 'HEAD', path, answer: { silence: true } }]);
  await fails(
    t,
    host,
    { timeouts: { headers: 100 } },
    {
      code: 'REGISTRY_UNREACHABLE',
      message: /: timeout awaiting response headers$/,
      hint: /slow or hangs/,
    },
  );
  const { repository } = await openExchange(
    t,
    [
      {
        method: 'GET',
        path: '/v2/team/app/manifests/1',
        answer: { body: '{', headers: { 'content-length': '9' }, stall: true },
      },
    ],
    { ...ONCE, timeouts: { body: 100 } },
  );
  await assert.rejects(repository.readManifest('1'), /: timeout awaiting the rest of the response$/);
  const silent = createTcpServer((socket) => socket.on('error', () => undefined));
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  t.after(() => silent.close());
  const port = (silent.address() as AddressInfo).port;
  await fails(
    t,
    `127.0.0.1:${port}`,
    { plainHttp: false, timeouts: { connect: 100 } },
    {
      code: 'REGISTRY_UNREACHABLE',
      message: /: dial tcp 127\.0\.0\.1:\d+: i\/o timeout$/,
      hint: /Check the network/,
    },
  );
});

test('an answer that is no HTTP, or has headers without end, is an error', async (t) => {
  for (const [answer, message] of [
    ['hello\r\n\r\n', /malformed HTTP response/],
    [
      `HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(100)}\r\n`,
      /more headers than are read|malformed HTTP response/,
    ],
    ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', /malformed HTTP response/],
  ] as const) {
    const server = createTcpServer((socket) =>
      socket.on('error', () => undefined).once('data', () => socket.end(answer)),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => server.close());
    await fails(
      t,
      `127.0.0.1:${(server.address() as AddressInfo).port}`,
      {},
      { code: 'REGISTRY_PROTOCOL', message, hint: /^/ },
    );
  }
});

test('opens no more connections to one registry than it may', async (t) => {
  const answers = Array(12).fill({ method: 'GET', path: /blobs/, answer: { body: LAYER.bytes } });
  const { repository, server } = await openExchange(t, [answers], { connections: 3 });
  await Promise.all(answers.map(async () => readAll(await repository.readBlob(LAYER.descriptor))));
  assert.equal(server.connections, 3);
});

test('a signal for many requests at once draws no warning', async (t) => {
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  t.after(() => process.off('warning', listen));
  const { signal } = new AbortController();
  const found = { headers: { 'content-length': `${LAYER.bytes.length}` } };
  const { repository } = await openExchange(t, [
    Array(30).fill({ method: 'HEAD', path: /blobs/, answer: found }),
    Array(30).fill({ method: 'GET', path: /blobs/, answer: { body: LAYER.bytes } }),
  ]);
  const thirty = Array.from({ length: 30 });
  await Promise.all(thirty.map(() => repository.statBlob(LAYER.descriptor.digest, { signal })));
  await Promise.all(thirty.map(async () => readAll(await repository.readBlob(LAYER.descriptor, { signal }))));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(warnings, []);
});

test('closing breaks off what is under way', async (t) => {
  const { registry, repository, server } = await openExchange(t, [
    { method: 'HEAD', path: /manifests/, answer: { silence: true } },
  ]);
  const asking = repository.resolve('1');
  while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await registry.close();
  await assert.rejects(asking, (error) => isChartError(error, 'CANCELLED'));
});

test('opening a registry asks nobody and reads nothing', async () => {
  const registry = openRegistry('r.example.com', {
    caFile: '/does/not/exist',
    credentials: () => Promise.reject(new Error('asked')),
  });
  await registry.close();
});

// Connections are kept for 4 seconds: who waits for them is late even on a fast machine.
test('a process ends at once although connections are kept alive', async (t) => {
  const server = await startExchange(t, [{ method: 'HEAD', path: '/v2/a/manifests/1', answer: { status: 404 } }]);
  const script = `
    import { openRegistry } from ${JSON.stringify(join(PROJECT, 'src/registry/registry.ts'))};
    const registry = openRegistry(${JSON.stringify(server.host)});
    await registry.repository('a').resolve('1').catch((error) => console.log(error.code));
    const start = Date.now();
    process.on('exit', () => console.log(Date.now() - start < 3500 ? 'at once' : 'late'));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script],
    { cwd: PROJECT },
  );
  assert.equal(stdout, 'MANIFEST_NOT_FOUND\nat once\n');
});

test('trusts an authority that is named, and tells what is wrong with other certificates', OPENSSL, async (t) => {
  const directory = temporaryDirectory(t);
  const authority = makeAuthority(directory);
  const other = makeAuthority(directory, 'other');
  const caFile = authority.cert;
  const manifest = { method: 'HEAD', path: '/v2/team/app/manifests/1', answer: { status: 404 } };

  const good = { tls: authority.issue('good').pem };
  const { repository } = await openExchange(t, [manifest], { ...good, caFile });
  await assert.rejects(repository.resolve('1'), (error) => isChartError(error, 'MANIFEST_NOT_FOUND'));
  const { repository: careless } = await openExchange(t, [manifest], { ...good, insecureSkipTlsVerify: true });
  await assert.rejects(careless.resolve('1'), (error) => isChartError(error, 'MANIFEST_NOT_FOUND'));

  const { host } = await startExchange(t, [], good);
  const unknown = {
    code: 'REGISTRY_TLS',
    message: /x509: certificate signed by unknown authority/,
    hint: /--ca-file/,
  } as const;
  await fails(t, host, { plainHttp: false }, unknown);
  await fails(t, host, { caFile: other.cert }, unknown);

  const { host: misnamed } = await startExchange(t, [], {
    tls: authority.issue('misnamed', { names: 'DNS:r.example.com' }).pem,
  });
  await fails(
    t,
    misnamed,
    { caFile },
    {
      code: 'REGISTRY_TLS',
      message: /x509: certificate is valid for r\.example\.com, not 127\.0\.0\.1$/,
      hint: /Use a name that the certificate of 127\.0\.0\.1:\d+ is valid for/,
    },
  );

  const { host: expired } = await startExchange(t, [], { tls: authority.issue('expired', { days: [-3, -1] }).pem });
  await fails(
    t,
    expired,
    { caFile },
    { code: 'REGISTRY_TLS', message: /x509: certificate has expired$/, hint: /must be renewed/ },
  );
  const { host: early } = await startExchange(t, [], { tls: authority.issue('early', { days: [1, 3] }).pem });
  await fails(
    t,
    early,
    { caFile },
    { code: 'REGISTRY_TLS', message: /x509: certificate is not yet valid$/, hint: /clock/ },
  );
});

test('says which file of a certificate cannot be used', OPENSSL, async (t) => {
  const directory = temporaryDirectory(t);
  const [empty, garbage] = [join(directory, 'empty.pem'), join(directory, 'garbage.pem')];
  writeFileSync(empty, '');
  writeFileSync(garbage, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  const { cert, key } = makeAuthority(directory);
  const broken = (message: RegExp): Failure => ({ code: 'REGISTRY_TLS', message, hint: /^/ });
  await fails(
    t,
    'r.example.com',
    { caFile: join(directory, 'none') },
    broken(/^cannot read \S*none: no such file or directory$/),
  );
  await fails(t, 'r.example.com', { caFile: empty }, broken(/empty\.pem holds no certificate$/));
  await fails(t, 'r.example.com', { caFile: garbage }, broken(/garbage\.pem holds a certificate that cannot be read$/));
  await fails(
    t,
    'r.example.com',
    { certFile: cert, keyFile: empty },
    broken(/certificate .*ca\.pem and the key .*empty\.pem cannot be used$/),
  );
  await fails(t, 'r.example.com', { certFile: cert }, { code: 'USAGE', message: /--key-file/, hint: /^/ });
  assert.ok(key);
});

test(
  'GHSA-h3wm-jjqf-8jm2: the client certificate is shown to the registry alone, not to token server or blob store',
  OPENSSL,
  async (t) => {
    const directory = temporaryDirectory(t);
    const authority = makeAuthority(directory);
    const { pem } = authority.issue('server');
    const client = authority.issue('client');
    const shown: string[] = [];
    const start = async (name: string, answer: Parameters<typeof createServer>[1]): Promise<string> => {
      const server: Server = createTlsServer(
        { ...pem, ca: authority.pem.cert, requestCert: true, rejectUnauthorized: false },
        (request, response) => {
          const { raw } = (request.socket as TLSSocket).getPeerCertificate();
          shown.push(`${name} ${raw ? new X509Certificate(raw).subject : 'nothing'}`);
          answer?.(request as never, response as never);
        },
      );
      await once(server.listen(0, '127.0.0.1'), 'listening');
      t.after(() => {
        server.closeAllConnections();
        server.close();
      });
      return `127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const store = await start('store', (_, response) => response.end(LAYER.bytes));
    const tokens = await start('tokens', (_, response) => response.end('{"token":"T"}'));
    const host = await start('registry', (request, response) => {
      const known = request.headers.authorization === 'Bearer T';
      const headers = known
        ? { location: `https://${store}/x` }
        : { 'www-authenticate': `Bearer realm="https://${tokens}/t"` };
      response.writeHead(known ? 307 : 401, headers).end();
    });
    const registry = openRegistry(host, { caFile: authority.cert, certFile: client.cert, keyFile: client.key });
    t.after(() => registry.close());
    assert.deepEqual(await readAll(await registry.repository('a').readBlob(LAYER.descriptor)), LAYER.bytes);
    assert.deepEqual(shown, ['registry CN=test client', 'tokens nothing', 'registry CN=test client', 'store nothing']);
  },
);

test(
  'GHSA-jxpm-75mh-9fp7: an upload goes on by https where a registry behind a proxy calls itself http',
  OPENSSL,
  async (t) => {
    const authority = makeAuthority(temporaryDirectory(t));
    const { descriptor } = LAYER;
    const steps = (location: string): Parameters<typeof startExchange>[1] => [
      [
        { method: 'HEAD', path: /blobs/, answer: { status: 404 } },
        { method: 'POST', path: /uploads/, answer: { status: 202, headers: { location } } },
      ],
    ];
    const options = { tls: authority.issue('server').pem, caFile: authority.cert };
    const put = { method: 'PUT', path: `/u?digest=${encodeURIComponent(descriptor.digest)}`, answer: { status: 201 } };
    const { repository } = await openExchange(t, [...(steps('http://127.0.0.1/u') as []), put], options);
    await repository.writeBlob(descriptor, LAYER.open);
    const { repository: other } = await openExchange(t, steps('http://localhost/u'), options);
    await assert.rejects(other.writeBlob(descriptor, LAYER.open), (error) => isChartError(error, 'REGISTRY_PROTOCOL'));
  },
);

test('follows no redirect and no realm from https to http', OPENSSL, async (t) => {
  const authority = makeAuthority(temporaryDirectory(t));
  const options = { tls: authority.issue('server').pem, caFile: authority.cert };
  const plain = await startExchange(t, []);
  const redirect = { status: 307, headers: { location: `${plain.url}/x` } };
  const { repository } = await openExchange(t, [{ method: 'GET', path: /blobs/, answer: redirect }], options);
  await assert.rejects(repository.readBlob(LAYER.descriptor), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_PROTOCOL'));
    assert.match(error.message, /is not followed: it leads from https to http:/);
    return true;
  });
  const challenge = { status: 401, headers: { 'www-authenticate': `Bearer realm="${plain.url}/token"` } };
  const { repository: asking } = await openExchange(t, [{ method: 'GET', path: /blobs/, answer: challenge }], options);
  await assert.rejects(asking.readBlob(LAYER.descriptor), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_PROTOCOL'));
    assert.match(error.message, /for a token: it is not encrypted, and the registry is$/);
    return true;
  });
});
