/** Registries that many people use, each by an exchange that is written out after its documentation and what its users report. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { OCI_MANIFEST } from '../../src/oci/media-types.js';
import type { Repository } from '../../src/oci/target.js';
import { openRegistry, type RegistryOptions } from '../../src/registry/registry.js';
import { requireTools } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { startForwardProxy } from '../helpers/forward-proxy.js';
import { type Answer, type Exchange, type ExpectedRequest, startExchange } from '../helpers/http-exchange.js';
import { blob, collect, LAYER, MANIFEST, readAll } from './artifacts.js';
import { makeAuthority } from './certificates.js';
import { fakeClock } from './fake-clock.js';

const BLOB = `/v2/team/app/blobs/${LAYER.descriptor.digest}`;
const UPLOADS = '/v2/team/app/blobs/uploads/';
const MANIFESTS = '/v2/team/app/manifests/';
const DIGEST = `digest=${encodeURIComponent(LAYER.descriptor.digest)}`;
const SHOWN: Answer = {
  headers: {
    'content-type': OCI_MANIFEST,
    'docker-content-digest': MANIFEST.descriptor.digest,
    'content-length': `${MANIFEST.descriptor.size}`,
  },
};

interface Named {
  readonly repository: Repository;
  readonly server: Exchange;
}

type Steps = (server: {
  readonly host: string;
  readonly url: string;
}) => readonly (ExpectedRequest | ExpectedRequest[])[];

/** A registry that is called `name`, on a port of this machine; steps hear of it under that name. */
async function called(t: TestContext, name: string, steps: Steps, options: RegistryOptions = {}): Promise<Named> {
  // Before the server ends, which looks whether all has come.
  t.after(() => registry.close());
  const proxy = await startForwardProxy(t);
  const inThatName: Steps = ({ host }) => {
    const named = `${name}:${host.split(':')[1]}`;
    return steps({ host: named, url: `http://${named}` });
  };
  const server = await startExchange(t, inThatName);
  const registry = openRegistry(`${name}:${server.port}`, {
    plainHttp: true,
    proxy: { httpProxy: proxy.url },
    clock: fakeClock(),
    ...options,
  });
  return { server, repository: registry.repository('team/app') };
}

function ask(method: string, path: string, answer: Answer, authorization?: string | null): ExpectedRequest {
  return { method, path, answer, ...(authorization !== undefined && { headers: { authorization } }) };
}

function refusing(code: string, message: string, status: number): Answer {
  return { status, body: JSON.stringify({ errors: [{ code, message }] }) };
}

function challenged(value: string): Answer {
  return { status: 401, headers: { 'www-authenticate': value } };
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** PUT of the whole layer to where the upload goes on. */
function whole(path: string, answer: Answer = { status: 201 }): ExpectedRequest {
  return { method: 'PUT', path, body: LAYER.bytes, answer };
}

async function hinted(work: Promise<unknown>, message: RegExp, hint: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isChartError(error), String(error));
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
    return true;
  });
}

const write = (repository: Repository): Promise<void> => repository.writeBlob(LAYER.descriptor, LAYER.open);

test('ECR: Basic as user AWS; the repository must exist first, and the hint is the command that makes it', async (t) => {
  const auth = basic('AWS', 'password');
  const { repository } = await called(
    t,
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    ({ url }) => [
      ask('HEAD', `${MANIFESTS}1`, challenged(`Basic realm="${url}/",service="ecr.amazonaws.com"`), null),
      ask('HEAD', `${MANIFESTS}1`, SHOWN, auth),
      [
        ask('HEAD', BLOB, { status: 404 }, auth),
        ask(
          'POST',
          UPLOADS,
          refusing('NAME_UNKNOWN', "The repository with name 'team/app' does not exist in the registry", 404),
          auth,
        ),
      ],
    ],
    { credentials: { username: 'AWS', password: 'password' } },
  );
  await repository.resolve('1');
  await hinted(
    write(repository),
    /404 Not Found \(NAME_UNKNOWN: The repository with name 'team\/app'/,
    /aws ecr create-repository --region eu-west-1 --repository-name team\/app\.$/,
  );
});

test('ECR: hands blobs out from S3, which must see no Authorization; says how to get a new password', async (t) => {
  const auth = basic('AWS', 'password');
  const expired = refusing('DENIED', 'Your authorization token has expired. Reauthenticate and try again.', 403);
  const store = await startExchange(t, [ask('GET', '/bucket/layer?X-Amz-Signature=x', { body: LAYER.bytes }, null)]);
  const { repository } = await called(
    t,
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    ({ url }) => [
      ask('GET', BLOB, challenged(`Basic realm="${url}/",service="ecr.amazonaws.com"`)),
      ask('GET', BLOB, { status: 307, headers: { location: `${store.url}/bucket/layer?X-Amz-Signature=x` } }, auth),
      ask('HEAD', `${MANIFESTS}1`, expired, auth),
      ask('PUT', `${MANIFESTS}1`, refusing('UNSUPPORTED', 'Invalid parameter at ImageManifest', 405), auth),
    ],
    { credentials: { username: 'AWS', password: 'password' } },
  );
  assert.deepEqual(await readAll(await repository.readBlob(LAYER.descriptor)), LAYER.bytes);
  await hinted(
    repository.resolve('1'),
    /403 Forbidden/,
    /aws ecr get-login-password --region eu-west-1 \| chart registry/,
  );
  await hinted(repository.writeManifest(MANIFEST, '1'), /405 Method Not Allowed \(UNSUPPORTED/, /does not offer this/);
});

test('ACR: exchanges the identity token of the null GUID by OAuth2, and adds metadata_read for a tag list', async (t) => {
  const wanted = 'repository:team/app:metadata_read';
  const form = (scopes: string): string =>
    new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'helm-chart-cache',
      refresh_token: 'REFRESH',
      service: 'acme.azurecr.io',
      scope: scopes,
    }).toString();
  const list = '/v2/team/app/tags/list?n=1000';
  const { repository } = await called(
    t,
    'acme.azurecr.io',
    ({ url }) => {
      const challenge = (scope: string): Answer =>
        challenged(
          `Bearer realm="${url}/oauth2/token",service="acme.azurecr.io",scope="${scope}",error="invalid_token"`,
        );
      const token = (scopes: string, value: string): ExpectedRequest => ({
        method: 'POST',
        path: '/oauth2/token',
        body: form(scopes),
        answer: { body: `{"access_token":"${value}"}` },
      });
      return [
        ask('HEAD', `${MANIFESTS}1`, challenge('repository:team/app:pull'), null),
        token('repository:team/app:pull', 'PULL'),
        ask('HEAD', `${MANIFESTS}1`, SHOWN, 'Bearer PULL'),
        ask('GET', list, challenge(wanted), 'Bearer PULL'),
        token(`repository:team/app:pull ${wanted}`, 'LIST'),
        ask('GET', list, { body: '{"name":"team/app","tags":["1"]}' }, 'Bearer LIST'),
        ask('HEAD', `${MANIFESTS}2`, refusing('DENIED', 'requested access to the resource is denied', 403)),
      ];
    },
    { credentials: { identityToken: 'REFRESH', username: '00000000-0000-0000-0000-000000000000' } },
  );
  await repository.resolve('1');
  assert.deepEqual(await collect(repository.listTags()), ['1']);
  await hinted(repository.resolve('2'), /403 Forbidden/, /az acr login --name acme/);
});

test('GAR: a whole blob in one PUT to an upload elsewhere on the host; says what is missing of repository or right', async (t) => {
  const upload = '/artifacts-uploads/namespaces/p/repositories/r/uploads/AF3x';
  const auth = basic('oauth2accesstoken', 'ya29.x');
  const { repository } = await called(
    t,
    'europe-west1-docker.pkg.dev',
    ({ url }) => [
      [
        ask('HEAD', BLOB, challenged(`Bearer realm="${url}/v2/token",service="europe-west1-docker.pkg.dev"`)),
        ask('POST', UPLOADS, challenged(`Bearer realm="${url}/v2/token",service="europe-west1-docker.pkg.dev"`)),
        {
          method: 'GET',
          path: /^\/v2\/token\?service=europe-west1-docker\.pkg\.dev&scope=repository%3Ateam%2Fapp%3Apull%2Cpush$/,
          headers: { authorization: auth },
          answer: { body: '{"token":"T","expires_in":3600}' },
        },
        ask('HEAD', BLOB, { status: 404 }, 'Bearer T'),
        ask('POST', UPLOADS, { status: 202, headers: { location: upload } }, 'Bearer T'),
      ],
      whole(`${upload}?${DIGEST}`),
      ask(
        'PUT',
        `${MANIFESTS}1`,
        refusing(
          'DENIED',
          'Permission "artifactregistry.repositories.uploadArtifacts" denied (or it may not exist)',
          403,
        ),
      ),
    ],
    { credentials: { username: 'oauth2accesstoken', password: 'ya29.x' } },
  );
  await write(repository);
  await hinted(
    repository.writeManifest(MANIFEST, '1'),
    /403 Forbidden \(DENIED: Permission/,
    /gcloud artifacts repositories create .*gcloud auth print-access-token \| chart registry login europe-west1-docker\.pkg\.dev/,
  );
});

test('Docker Hub: docker.io is registry-1.docker.io, with tokens of auth.docker.io; a limit is explained', {
  skip: requireTools('openssl'),
}, async (t) => {
  const authority = makeAuthority(temporaryDirectory(t));
  const names = 'DNS:registry-1.docker.io,DNS:auth.docker.io';
  const tls = authority.issue('hub', { names }).pem;
  const limited = { ...refusing('TOOMANYREQUESTS', 'You have reached your pull rate limit.', 429) };
  const bearer = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"';
  const auth = await startExchange(
    t,
    [
      ask(
        'GET',
        '/token?service=registry.docker.io&scope=repository%3Aacme%2Fapp%3Apull',
        { body: '{"token":"T","access_token":"T","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}' },
        null,
      ),
    ],
    { tls },
  );
  const server = await startExchange(
    t,
    [
      ask('HEAD', '/v2/acme/app/manifests/1', challenged(bearer), null),
      {
        ...ask('HEAD', '/v2/acme/app/manifests/1', { ...SHOWN }, 'Bearer T'),
        answer: {
          headers: { ...SHOWN.headers, 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '99;w=21600' },
        },
      },
      ask('GET', '/v2/acme/app/manifests/1', limited, 'Bearer T'),
    ],
    { tls },
  );
  const ports = { 'registry-1.docker.io:443': server.port, 'auth.docker.io:443': auth.port };
  const proxy = await startForwardProxy(t, { ports });
  const registry = openRegistry('docker.io', {
    caFile: authority.cert,
    proxy: { httpsProxy: proxy.url },
    retry: { attempts: 1 },
  });
  t.after(() => registry.close());
  const repository = registry.repository('acme/app');
  await repository.resolve('1');
  await hinted(
    repository.readManifest('1'),
    /429 Too Many Requests/,
    /chart registry login docker\.io, or try again later/,
  );
});

test('GHCR: public reads take an anonymous token; uploads are whole, and the hint names the scope', async (t) => {
  const upload = '/v2/team/app/blobs/upload/2f0c';
  const denied = refusing('DENIED', 'permission_denied: The token provided does not match expected scopes.', 403);
  const { repository } = await called(t, 'ghcr.io', ({ url }) => [
    ask(
      'HEAD',
      `${MANIFESTS}1`,
      challenged(`Bearer realm="${url}/token",service="ghcr.io",scope="repository:team/app:pull"`),
      null,
    ),
    ask('GET', '/token?service=ghcr.io&scope=repository%3Ateam%2Fapp%3Apull', { body: '{"token":"ANON"}' }, null),
    ask('HEAD', `${MANIFESTS}1`, SHOWN, 'Bearer ANON'),
    [
      ask('HEAD', BLOB, { status: 404 }),
      ask('POST', UPLOADS, { status: 202, headers: { location: upload } }),
      ask('GET', '/token?service=ghcr.io&scope=repository%3Ateam%2Fapp%3Apull%2Cpush', { body: '{"token":"W"}' }, null),
    ],
    whole(`${upload}?${DIGEST}`),
    ask('PUT', `${MANIFESTS}1`, denied, 'Bearer W'),
  ]);
  await repository.resolve('1');
  await write(repository);
  await hinted(repository.writeManifest(MANIFEST, '1'), /403 Forbidden \(DENIED: permission_denied/, /write:packages/);
});

test('Harbor: says that a project must exist, that a tag is immutable, and who may not write', async (t) => {
  const token = '/service/token?service=harbor-registry&scope=repository%3Ateam%2Fapp%3Apull%2Cpush';
  const unauthorized = refusing('UNAUTHORIZED', 'unauthorized to access repository: team/app, action: push', 401);
  const { repository } = await called(
    t,
    'harbor.example.com',
    ({ url }) => {
      const challenge = `Bearer realm="${url}/service/token",service="harbor-registry"`;
      return [
        ask('PUT', `${MANIFESTS}1`, challenged(challenge)),
        ask('GET', token, { body: '{"token":"T","expires_in":1800}' }, basic('robot$team+ci', 'secret')),
        ask('PUT', `${MANIFESTS}1`, refusing('NOT_FOUND', 'project team not found', 404), 'Bearer T'),
        ask(
          'PUT',
          `${MANIFESTS}2`,
          refusing('PRECONDITION', "Failed to process request due to 'team/app:2' configured as immutable.", 412),
        ),
        ask('PUT', `${MANIFESTS}3`, { ...unauthorized, headers: { 'www-authenticate': challenge } }, 'Bearer T'),
        ask('GET', token, { body: '{"token":"T2"}' }),
        ask('PUT', `${MANIFESTS}3`, unauthorized, 'Bearer T2'),
      ];
    },
    { credentials: { username: 'robot$team+ci', password: 'secret' } },
  );
  await hinted(repository.writeManifest(MANIFEST, '1'), /project team not found/, /must exist .*: create team\.$/);
  await hinted(repository.writeManifest(MANIFEST, '2'), /412 Precondition Failed/, /push under another version/);
  await hinted(repository.writeManifest(MANIFEST, '3'), /401 Unauthorized/, /project may not exist, or the account/);
});

test('Quay: lists in pages by next_page, and may refuse the media type of a provenance file', async (t) => {
  const { repository } = await called(t, 'quay.io', ({ url }) => [
    ask('GET', '/v2/team/app/tags/list?n=1000', {
      headers: { link: '</v2/team/app/tags/list?n=50&next_page=gAAAA%3D%3D>; rel="next"' },
      body: '{"name":"team/app","tags":["1"]}',
    }),
    ask('GET', '/v2/team/app/tags/list?n=50&next_page=gAAAA%3D%3D', { body: '{"name":"team/app","tags":["2"]}' }),
    ask('PUT', `${MANIFESTS}1`, refusing('MANIFEST_INVALID', 'manifest invalid', 400)),
    ask('PUT', `${MANIFESTS}2`, challenged(`Bearer realm="${url}/v2/auth",service="quay.io"`)),
    ask('GET', '/v2/auth?service=quay.io&scope=repository%3Ateam%2Fapp%3Apull%2Cpush', { body: '{"token":"READS"}' }),
    ask('PUT', `${MANIFESTS}2`, refusing('UNAUTHORIZED', 'access to the requested resource is not authorized', 401)),
  ]);
  assert.deepEqual(await collect(repository.listTags()), ['1', '2']);
  await hinted(repository.writeManifest(MANIFEST, '1'), /MANIFEST_INVALID/, /may not allow artifacts of this kind/);
  await hinted(repository.writeManifest(MANIFEST, '2'), /401 Unauthorized/, /robot account/);
});

test('GitLab: a HEAD by digest that answers 400 is followed by a GET; tokens come from jwt/auth', async (t) => {
  const path = `${MANIFESTS}${MANIFEST.descriptor.digest}`;
  const { repository } = await called(
    t,
    'registry.gitlab.example.com',
    ({ host }) => {
      const realm = `http://gitlab.example.com:${host.split(':')[1]}/jwt/auth`;
      return [
        ask(
          'HEAD',
          path,
          challenged(`Bearer realm="${realm}",service="container_registry",scope="repository:team/app:pull"`),
        ),
        ask(
          'GET',
          '/jwt/auth?service=container_registry&scope=repository%3Ateam%2Fapp%3Apull',
          { body: '{"token":"T"}' },
          basic('gitlab+deploy-token-1', 'secret'),
        ),
        ask('HEAD', path, { status: 400 }, 'Bearer T'),
        ask('GET', path, { headers: { 'content-type': OCI_MANIFEST }, body: MANIFEST.bytes }, 'Bearer T'),
      ];
    },
    { credentials: { username: 'gitlab+deploy-token-1', password: 'secret' } },
  );
  assert.deepEqual(await repository.resolve(MANIFEST.descriptor.digest), MANIFEST.descriptor);
});

test('Artifactory: takes PATCH where it refuses a whole PUT, and an upload that may not be cancelled fails nothing', async (t) => {
  const { repository } = await called(
    t,
    'acme.jfrog.io',
    () => [
      [ask('HEAD', BLOB, { status: 404 }), ask('POST', UPLOADS, { status: 202, headers: { location: `${UPLOADS}1` } })],
      whole(`${UPLOADS}1?${DIGEST}`, { status: 405 }),
      ask('POST', UPLOADS, { status: 202, headers: { location: `${UPLOADS}2` } }),
      {
        method: 'PATCH',
        path: `${UPLOADS}2`,
        headers: { 'content-range': `0-${LAYER.bytes.length - 1}` },
        body: LAYER.bytes,
        answer: { status: 202, headers: { location: `${UPLOADS}2?part=1` } },
      },
      { method: 'PUT', path: `${UPLOADS}2?part=1&${DIGEST}`, body: '', answer: { status: 201 } },
      [ask('HEAD', BLOB, { status: 200 }), ask('POST', UPLOADS, { status: 202, headers: { location: `${UPLOADS}3` } })],
      ask('DELETE', `${UPLOADS}3`, refusing('DENIED', 'not enough permissions to delete', 403)),
    ],
    { credentials: { username: 'u', password: 'p' } },
  );
  await write(repository);
  await write(repository);
});

test('a blob that a registry stored although its answer was lost is there at the second attempt: 201 after a retried success', async (t) => {
  const created: Answer = { status: 201, headers: { 'docker-content-digest': MANIFEST.descriptor.digest } };
  const { repository } = await called(t, 'registry.example.com', () => [
    [ask('HEAD', BLOB, { status: 404 }), ask('POST', UPLOADS, { status: 202, headers: { location: `${UPLOADS}1` } })],
    whole(`${UPLOADS}1?${DIGEST}`, { reset: true }),
    [ask('HEAD', BLOB, { status: 404 }), ask('POST', UPLOADS, { status: 202, headers: { location: `${UPLOADS}2` } })],
    whole(`${UPLOADS}2?${DIGEST}`, { status: 201 }),
    { method: 'PUT', path: `${MANIFESTS}1`, body: MANIFEST.bytes, answer: { reset: true } },
    { method: 'PUT', path: `${MANIFESTS}1`, body: MANIFEST.bytes, answer: created },
  ]);
  await write(repository);
  await repository.writeManifest(MANIFEST, '1');
});

test('an IPv6 host is spoken to as such', async (t) => {
  const path = `/v2/team/app/blobs/${blob('').descriptor.digest}`;
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.host, request.url);
    response.writeHead(404).end();
  });
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(0, '::1', () => resolve(true));
  });
  if (!listening) return t.skip('there is no IPv6 here');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const registry = openRegistry(`[::1]:${port}`);
  t.after(() => registry.close());
  assert.equal(await registry.repository('team/app').statBlob(blob('').descriptor.digest), undefined);
  assert.deepEqual(seen, [`[::1]:${port}`, path]);
});
