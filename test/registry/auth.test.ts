import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ChartError, isChartError } from '../../src/errors.js';
import type { Repository } from '../../src/oci/target.js';
import { openRegistry, type RegistryOptions } from '../../src/registry/registry.js';
import { type Exchange, type ExpectedRequest, startExchange } from '../helpers/http-exchange.js';
import { fakeClock } from './fake-clock.js';

const USER = { username: 'user', password: 'pass:word' };
const BASIC = `Basic ${Buffer.from('user:pass:word').toString('base64')}`;
const TAGS = '/v2/team/app/tags/list?n=1000';
const PULL = 'repository:team/app:pull';

type Steps = Parameters<typeof startExchange>[1];

/** A registry that was opened on written-out exchanges. */
async function open(
  t: TestContext,
  steps: Steps,
  options: RegistryOptions = {},
): Promise<{ server: Exchange; repository: Repository; tags: () => Promise<string[]> }> {
  const server = await startExchange(t, steps);
  const registry = openRegistry(server.host, { clock: fakeClock(), ...options });
  t.after(() => registry.close());
  const repository = registry.repository('team/app');
  return { server, repository, tags: () => collect(repository.listTags()) };
}

async function collect(list: AsyncIterable<string>): Promise<string[]> {
  const items: string[] = [];
  for await (const item of list) items.push(item);
  return items;
}

function list(authorization: string | null, answer: ExpectedRequest['answer']): ExpectedRequest {
  return { method: 'GET', path: TAGS, headers: { authorization }, answer };
}

function challenge(value: string): ExpectedRequest['answer'] {
  return {
    status: 401,
    headers: { 'www-authenticate': value },
    body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
  };
}

function bearer(url: string, scope = PULL): string {
  return `Bearer realm="${url}/token",service="the, registry",scope="${scope}"`;
}

function token(authorization: string | null, answer: unknown, scope = PULL): ExpectedRequest {
  const path = `/token?service=the%2C+registry&scope=${encodeURIComponent(scope)}`;
  return { method: 'GET', path, headers: { authorization }, answer: { body: JSON.stringify(answer) } };
}

const TAG_LIST = { body: '{"tags":["1.0.0"]}' };

test('sends no credentials to a registry that asks for none, and does not look for any', async (t) => {
  const { tags } = await open(t, [list(null, TAG_LIST)], { credentials: () => Promise.reject(new Error('looked')) });
  assert.deepEqual(await tags(), ['1.0.0']);
});

test('answers a Basic challenge, and from then on sends credentials at once', async (t) => {
  const steps = [list(null, challenge('Basic realm="r"')), list(BASIC, TAG_LIST), list(BASIC, TAG_LIST)];
  const { tags } = await open(t, steps, { credentials: USER });
  assert.deepEqual(await tags(), ['1.0.0']);
  assert.deepEqual(await tags(), ['1.0.0']);
});

test('says in the words of Helm that a registry wants credentials, and how to log in', async (t) => {
  const refused = challenge('Basic realm="r"');
  const steps: Steps = [
    { method: 'HEAD', path: '/v2/team/app/manifests/1', answer: { ...refused, body: '' } },
    list(null, refused),
  ];
  const { repository, tags, server } = await open(t, steps);
  await assert.rejects(repository.resolve('1'), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_UNAUTHORIZED'));
    assert.equal(error.message, 'unexpected status code [manifests 1]: 401 Unauthorized');
    assert.equal(error.hint, `Log in with chart registry login ${server.host}.`);
    return true;
  });
  await assert.rejects(tags(), /401 Unauthorized \(UNAUTHORIZED: authentication required\)/);
});

test('tells rejected credentials from missing ones, after one attempt', async (t) => {
  const steps = [list(null, challenge('Basic realm="r"')), list(BASIC, challenge('Basic realm="r"'))];
  const { tags } = await open(t, steps, { credentials: USER });
  await assert.rejects(
    tags(),
    (error) => isChartError(error, 'CREDENTIALS_REJECTED') && !error.message.includes('word'),
  );
});

test('gets an anonymous token for a bearer challenge', async (t) => {
  const { tags } = await open(t, ({ url }) => [
    list(null, challenge(bearer(url))),
    token(null, { token: 'T1' }),
    list('Bearer T1', TAG_LIST),
    list('Bearer T1', TAG_LIST),
  ]);
  assert.deepEqual(await tags(), ['1.0.0']);
  assert.deepEqual(await tags(), ['1.0.0']);
});

test('identifies to the token server with user and password, and keeps the query of the realm', async (t) => {
  const { tags } = await open(
    t,
    ({ url }) => [
      list(null, challenge(`Bearer realm="${url}/token?account=x",service="s"`)),
      {
        method: 'GET',
        path: `/token?account=x&service=s&scope=${encodeURIComponent(PULL)}`,
        headers: { authorization: BASIC },
        answer: { body: '{"access_token":"T1"}' },
      },
      list('Bearer T1', TAG_LIST),
    ],
    { credentials: USER },
  );
  assert.deepEqual(await tags(), ['1.0.0']);
});

test('prefers a bearer challenge to a Basic one in the same header', async (t) => {
  const { tags } = await open(
    t,
    ({ url }) => [
      list(null, challenge(`Basic realm="a, b", ${bearer(url)}`)),
      token(BASIC, { token: 'T1' }),
      list('Bearer T1', TAG_LIST),
    ],
    { credentials: USER },
  );
  assert.deepEqual(await tags(), ['1.0.0']);
});

test('exchanges an identity token by OAuth2', async (t) => {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'helm-chart-cache',
    refresh_token: 'identity+/=',
    service: 'the, registry',
    scope: PULL,
  });
  const { tags } = await open(
    t,
    ({ url }) => [
      list(null, challenge(bearer(url))),
      {
        method: 'POST',
        path: '/token',
        headers: { authorization: null, 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
        answer: { body: '{"access_token":"T1","expires_in":300}' },
      },
      list('Bearer T1', TAG_LIST),
    ],
    { credentials: { identityToken: 'identity+/=' } },
  );
  assert.deepEqual(await tags(), ['1.0.0']);
});

test('falls back to GET where a token server has no OAuth2', async (t) => {
  const guid = '00000000-0000-0000-0000-000000000000';
  for (const [status, username, sent] of [
    [404, guid, guid],
    [405, undefined, '<token>'],
    [401, undefined, '<token>'],
  ] as const) {
    const basic = `Basic ${Buffer.from(`${sent}:identity`).toString('base64')}`;
    const { tags } = await open(
      t,
      ({ url }) => [
        list(null, challenge(bearer(url))),
        { method: 'POST', path: '/token', answer: { status } },
        token(basic, { token: 'T1' }),
        list('Bearer T1', TAG_LIST),
      ],
      { credentials: { identityToken: 'identity', ...(username && { username }) } },
    );
    assert.deepEqual(await tags(), ['1.0.0']);
  }
});

test('sends a registry token as it is', async (t) => {
  const { tags } = await open(t, ({ url }) => [list(null, challenge(bearer(url))), list('Bearer R', TAG_LIST)], {
    credentials: { registryToken: 'R' },
  });
  assert.deepEqual(await tags(), ['1.0.0']);
});

test('gets a new token when one expires, and before the registry refuses it', async (t) => {
  const clock = fakeClock();
  const { tags } = await open(
    t,
    ({ url }) => [
      list(null, challenge(bearer(url))),
      token(null, { token: 'T1', expires_in: 300 }),
      list('Bearer T1', TAG_LIST),
      list('Bearer T1', TAG_LIST),
      token(null, { token: 'T2' }),
      list('Bearer T2', TAG_LIST),
      token(null, { token: 'T3', expires_in: 1 }),
      list('Bearer T3', TAG_LIST),
      list('Bearer T3', TAG_LIST),
    ],
    { clock },
  );
  await tags();
  clock.advance(289_000);
  await tags();
  clock.advance(2_000);
  await tags();
  clock.advance(51_000);
  await tags();
  clock.advance(40_000);
  await tags();
});

test('refreshes a token that the registry refuses once, and then gives up', async (t) => {
  const { tags } = await open(t, ({ url }) => [
    list(null, challenge(bearer(url))),
    token(null, { token: 'T1' }),
    list('Bearer T1', TAG_LIST),
    list('Bearer T1', challenge(bearer(url))),
    token(null, { token: 'T2' }),
    list('Bearer T2', TAG_LIST),
    list('Bearer T2', challenge(bearer(url))),
    token(null, { token: 'T3' }),
    list('Bearer T3', challenge(bearer(url))),
  ]);
  await tags();
  await tags();
  await assert.rejects(tags(), (error) => isChartError(error, 'REGISTRY_UNAUTHORIZED'));
});

test('has concurrent requests share one request for a token', async (t) => {
  const { tags, server } = await open(t, ({ url }) => [
    [1, 2, 3, 4].map(() => list(null, challenge(bearer(url)))),
    token(null, { token: 'T1' }),
    [1, 2, 3, 4].map(() => list('Bearer T1', TAG_LIST)),
  ]);
  assert.deepEqual(await Promise.all([tags(), tags(), tags(), tags()]), Array(4).fill(['1.0.0']));
  assert.equal(server.requests.filter(({ path }) => path.startsWith('/token')).length, 1);
});

test('keeps a shared token for the others when one who waits is cancelled', async (t) => {
  const controller = new AbortController();
  const cancelling =
    (answer: object): (() => object) =>
    () => {
      controller.abort();
      return answer;
    };
  const { tags, repository } = await open(t, ({ url }) => [
    [list(null, challenge(bearer(url))), list(null, challenge(bearer(url)))],
    { ...token(null, {}), answer: cancelling({ body: '{"token":"T1"}' }) },
    list('Bearer T1', TAG_LIST),
  ]);
  const [cancelled, kept] = await Promise.allSettled([
    collect(repository.listTags({ signal: controller.signal })),
    tags(),
  ]);
  assert.ok(cancelled.status === 'rejected' && isChartError(cancelled.reason, 'CANCELLED'));
  assert.deepEqual(kept, { status: 'fulfilled', value: ['1.0.0'] });
});

test('asks at once for a token for the next repository', async (t) => {
  const server = await startExchange(t, ({ url }) => [
    list(null, challenge(bearer(url))),
    token(null, { token: 'T1' }),
    list('Bearer T1', TAG_LIST),
    token(null, { token: 'T2' }, 'repository:other:pull'),
    { method: 'GET', path: '/v2/other/tags/list?n=1000', headers: { authorization: 'Bearer T2' }, answer: TAG_LIST },
  ]);
  const registry = openRegistry(server.host);
  t.after(() => registry.close());
  await collect(registry.repository('team/app').listTags());
  await collect(registry.repository('other').listTags());
});

test('adds a scope that the registry names beyond what was asked for, as ACR does for tag lists', async (t) => {
  const wanted = 'repository:team/app:metadata_read';
  const both = `service=the%2C+registry&scope=${encodeURIComponent(PULL)}&scope=${encodeURIComponent(wanted)}`;
  const { tags } = await open(t, ({ url }) => [
    list(null, challenge(bearer(url, wanted))),
    { method: 'GET', path: `/token?${both}`, answer: { body: '{"token":"T1"}' } },
    list('Bearer T1', TAG_LIST),
    list('Bearer T1', TAG_LIST),
  ]);
  await tags();
  await tags();
});

test('says what the token server said, and that it was not the registry', async (t) => {
  const body = '{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password pass:word \\u001b[31m"}]}';
  const { tags } = await open(
    t,
    ({ url }) => [list(null, challenge(bearer(url))), { ...token(BASIC, {}), answer: { status: 401, body } }],
    { credentials: USER },
  );
  await assert.rejects(tags(), (error) => {
    assert.ok(isChartError(error, 'CREDENTIALS_REJECTED'));
    assert.match(
      error.message,
      /refused to give a token \(asked 127\.0\.0\.1:\d+\): 401 Unauthorized \(UNAUTHORIZED: incorrect/,
    );
    assert.doesNotMatch(`${error.message}${error.hint}`, /pass:word|\u001b/);
    return true;
  });
});

test('refuses a token that cannot be a header, and answers without any', async (t) => {
  for (const body of ['{"token":"a\\r\\nx: y"}', '{"token":""}', '{"token":5}', '[]', 'T1', '']) {
    const { tags } = await open(t, ({ url }) => [
      list(null, challenge(bearer(url))),
      { ...token(null, {}), answer: { body } },
    ]);
    await assert.rejects(tags(), (error) => isChartError(error, 'REGISTRY_PROTOCOL'), body);
  }
});

test('reads no more than a mebibyte of a token', async (t) => {
  const { tags } = await open(t, ({ url }) => [
    list(null, challenge(bearer(url))),
    { ...token(null, {}), answer: { body: ' '.repeat(65_536), endless: true } },
  ]);
  await assert.rejects(tags(), (error) => isChartError(error, 'LIMIT_EXCEEDED'));
});

test('GHSA-xf85-363p-868w: says nothing to a realm on a link-local address', async (t) => {
  const steps = [list(null, challenge('Bearer realm="http://169.254.169.254/token",service="s"'))];
  const { tags } = await open(t, steps, { credentials: USER });
  await assert.rejects(tags(), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_PROTOCOL'));
    assert.match(
      error.message,
      /^127\.0\.0\.1:\d+ sends clients to http:\/\/169\.254\.169\.254 for a token: it is a link-local address$/,
    );
    return true;
  });
});

test('goes on without credentials where looking for them failed, and says why where they were needed', async (t) => {
  const broken = new ChartError('CREDENTIALS_HELPER_FAILED', 'docker-credential-x is not installed');
  const { tags } = await open(
    t,
    ({ url }) => [
      list(null, challenge(bearer(url))),
      token(null, { token: 'T1' }),
      list('Bearer T1', TAG_LIST),
      list('Bearer T1', challenge('Basic realm="x"')),
    ],
    { credentials: () => Promise.reject(broken) },
  );
  assert.deepEqual(await tags(), ['1.0.0']);
  await assert.rejects(tags(), (error) => error === broken);
});

test('asks for push and pull at once when it writes', async (t) => {
  const scope = 'repository:team/app:pull,push';
  const { repository } = await open(t, ({ url }) => [
    {
      method: 'DELETE',
      path: /^\/v2\/team\/app\/manifests\/sha256:/,
      answer: challenge(bearer(url, 'repository:team/app:delete')),
    },
    token(null, { token: 'D' }, 'repository:team/app:delete,pull'),
    { method: 'DELETE', path: /^\/v2\//, headers: { authorization: 'Bearer D' }, answer: { status: 202 } },
    token(null, { token: 'W' }, scope),
    [
      {
        method: 'HEAD',
        path: /^\/v2\/team\/app\/blobs\/sha256:/,
        headers: { authorization: 'Bearer W' },
        answer: { status: 200 },
      },
      {
        method: 'POST',
        path: '/v2/team/app/blobs/uploads/',
        headers: { authorization: 'Bearer W' },
        answer: { status: 403 },
      },
    ],
  ]);
  const digest = `sha256:${'0'.repeat(64)}` as const;
  await repository.deleteManifest(digest);
  await repository.writeBlob({ mediaType: 'a/b', digest, size: 1 }, () => Promise.reject(new Error('opened')));
});
