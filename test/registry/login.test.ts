import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { type LoginResult, login } from '../../src/registry/login.js';
import { freePort, requireTools } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { type Answer, type ExpectedRequest, startExchange } from '../helpers/http-exchange.js';
import { makeAuthority } from './certificates.js';
import { fakeClock } from './fake-clock.js';

const USER = { username: 'user', password: 'pass' };
const BASIC = `Basic ${Buffer.from('user:pass').toString('base64')}`;
const WANTS_BASIC: Answer = {
  status: 401,
  headers: { 'www-authenticate': 'Basic realm="r"' },
  body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
};

function ask(authorization: string | null, answer: Answer): ExpectedRequest {
  return { method: 'GET', path: '/v2/', headers: { authorization }, answer };
}

test('tries TLS first on loopback, then without, and says what it tried', async (t) => {
  const server = await startExchange(t, [ask(null, WANTS_BASIC), ask(BASIC, {})]);
  const { url, failed }: LoginResult = await login(server.host, USER);
  assert.equal(url, `${server.url}/v2/`);
  assert.deepEqual(
    failed.map((attempt) => [attempt.url, attempt.error.message]),
    [
      [
        `https://${server.host}/v2/`,
        `Get "https://${server.host}/v2/": http: server gave HTTP response to HTTPS client`,
      ],
    ],
  );
});

test('cuts scheme and path off what was typed', async (t) => {
  for (const shape of ['http://HOST', 'https://HOST', 'HOST/', 'HOST/v2/', 'oci://HOST/a/b']) {
    const server = await startExchange(t, [ask(null, {})]);
    assert.equal((await login(shape.replace('HOST', server.host), USER)).url, `${server.url}/v2/`);
  }
});

test('goes straight to http where that is asked for', async (t) => {
  const server = await startExchange(t, [ask(null, {})]);
  assert.deepEqual(await login(server.host, USER, { plainHttp: true }), { url: `${server.url}/v2/`, failed: [] });
});

test('does not leave TLS for any other host, nor where TLS is asked for', async (t) => {
  const server = await startExchange(t, []);
  for (const [host, options] of [
    [server.host.replace('127.0.0.1', '127.0.0.2'), {}],
    [server.host, { plainHttp: false }],
    [server.host, { insecureSkipTlsVerify: true }],
  ] as const) {
    await assert.rejects(login(host, USER, { ...options, clock: fakeClock() }), (error) => {
      assert.ok(isChartError(error, host === server.host ? 'REGISTRY_TLS' : 'REGISTRY_UNREACHABLE'));
      return true;
    });
  }
});

test('accepts anything where the registry asks for nothing', async (t) => {
  const server = await startExchange(t, [ask(null, {})]);
  await login(server.host, { username: '', password: '' });
});

test('says in the words of Helm that the password is wrong', async (t) => {
  const server = await startExchange(t, [ask(null, WANTS_BASIC), ask(BASIC, WANTS_BASIC)]);
  await assert.rejects(login(server.host, USER), (error) => {
    assert.ok(isChartError(error, 'CREDENTIALS_REJECTED'));
    assert.equal(error.message, `login attempt to ${server.url}/v2/ failed with status: 401 Unauthorized`);
    assert.equal(error.hint, `${server.host} says: UNAUTHORIZED: authentication required.`);
    return true;
  });
});

test('says in the words of Helm that Basic takes a user name and a password', async (t) => {
  for (const credentials of [{ username: 'user', password: '' }, { identityToken: 'token' }]) {
    const server = await startExchange(t, [ask(null, WANTS_BASIC)]);
    await assert.rejects(login(server.host, credentials), (error) => {
      assert.ok(isChartError(error, 'CREDENTIALS_REJECTED'));
      assert.equal(error.message, `Get "${server.url}/v2/": no basic auth credentials`);
      return true;
    });
  }
});

test('logs in where a token server decides', async (t) => {
  const challenge = (url: string): Answer => ({
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="${url}/token",service="s"` },
  });
  const token = (answer: Answer): ExpectedRequest => ({
    method: 'GET',
    path: '/token?service=s',
    headers: { authorization: BASIC },
    answer,
  });
  const server = await startExchange(t, ({ url }) => [
    ask(null, challenge(url)),
    token({ body: '{"token":"T"}' }),
    ask('Bearer T', {}),
    ask(null, challenge(url)),
    token({ status: 401, body: '{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}' }),
  ]);
  await login(server.host, USER);
  await assert.rejects(login(server.host, USER), (error) => {
    assert.ok(isChartError(error, 'CREDENTIALS_REJECTED'));
    assert.equal(error.message, `login attempt to ${server.url}/v2/ failed with status: 401 Unauthorized`);
    assert.match(error.hint ?? '', /refused to give a token .*incorrect username or password/);
    return true;
  });
});

test('says in the words of Helm that there is no registry', async (t) => {
  const port = await freePort();
  await assert.rejects(login(`127.0.0.1:${port}`, USER), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_UNREACHABLE'));
    assert.equal(
      error.message,
      `Get "http://127.0.0.1:${port}/v2/": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    );
    return true;
  });
  const server = await startExchange(t, [ask(null, { status: 404 })]);
  await assert.rejects(login(server.host, USER), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_REFUSED'));
    assert.equal(error.message, `login attempt to ${server.url}/v2/ failed with status: 404 Not Found`);
    return true;
  });
});

test('refuses a user name with a colon, which Basic cannot send', async () => {
  await assert.rejects(login('r.example.com', { username: 'a:b', password: 'x' }), (error) =>
    isChartError(error, 'CREDENTIALS_INVALID'),
  );
});

test('does not go on without TLS where a certificate is wrong', { skip: requireTools('openssl') }, async (t) => {
  const server = await startExchange(t, [], { tls: makeAuthority(temporaryDirectory(t)).issue('server').pem });
  await assert.rejects(login(server.host, USER), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_TLS'));
    assert.match(error.message, /^Get "https:.*unknown authority/);
    return true;
  });
});
