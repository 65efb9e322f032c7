import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { type Digest, digestOf } from '../../src/oci/digest.js';
import { describeManifest } from '../../src/oci/manifest.js';
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.js';
import type { Answer, ExpectedRequest } from '../helpers/http-exchange.js';
import { LAYER, MANIFEST, manifestOf } from './artifacts.js';
import { openExchange } from './opened.js';

const { digest, size } = MANIFEST.descriptor;
const OTHER = manifestOf({ annotations: { other: 'yes' } });
const ACCEPT =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, ' +
  'application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json';

function head(reference: string, answer: Answer): ExpectedRequest {
  return { method: 'HEAD', path: `/v2/team/app/manifests/${reference}`, headers: { accept: ACCEPT }, answer };
}

function get(reference: string, answer: Answer): ExpectedRequest {
  return { method: 'GET', path: `/v2/team/app/manifests/${reference}`, headers: { accept: ACCEPT }, answer };
}

/** The headers of a manifest, and for GET its bytes. */
function shown(manifest = MANIFEST, headers: Record<string, string> = {}): Answer {
  return {
    headers: {
      'content-type': manifest.descriptor.mediaType,
      'content-length': `${manifest.bytes.length}`,
      'docker-content-digest': manifest.descriptor.digest,
      ...headers,
    },
    body: manifest.bytes,
  };
}

function plain(manifest = MANIFEST, type: string | undefined = manifest.descriptor.mediaType): Answer {
  return { headers: type === undefined ? {} : { 'content-type': type }, body: manifest.bytes };
}

test('resolves a tag with one HEAD', async (t) => {
  const { repository } = await openExchange(t, [head('1.0.0', shown())]);
  assert.deepEqual(await repository.resolve('1.0.0'), { mediaType: OCI_MANIFEST, digest, size });
});

test('asks for a tag with + as _', async (t) => {
  const { repository } = await openExchange(t, [head('1.0.0_build.5', shown()), get('1.0.0_build.5', shown())]);
  await repository.resolve('1.0.0+build.5');
  await repository.readManifest('1.0.0+build.5');
});

test('reads the manifest where HEAD is refused or does not tell enough, as GitLab has done', async (t) => {
  const noLength = shown(MANIFEST, { 'transfer-encoding': 'chunked' });
  for (const answer of [
    { status: 400 },
    { status: 405 },
    { status: 501 },
    { headers: { 'content-type': OCI_MANIFEST, 'content-length': `${size}` } },
    shown(MANIFEST, { 'content-type': 'application/octet-stream' }),
    {
      ...noLength,
      headers: { 'content-type': OCI_MANIFEST, 'docker-content-digest': digest, 'transfer-encoding': 'chunked' },
    },
  ] satisfies Answer[]) {
    const { repository } = await openExchange(t, [head('1.0.0', answer), get('1.0.0', plain())]);
    assert.deepEqual(await repository.resolve('1.0.0'), { mediaType: OCI_MANIFEST, digest, size });
  }
});

test('says in the words of Helm that a tag is not there, as it was written', async (t) => {
  const body = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}';
  const { repository, server } = await openExchange(t, [
    head('1.0.0_x', { status: 404 }),
    get('1.0.0_x', { status: 404, body }),
    head(digest, { status: 404 }),
  ]);
  const missing = (message: string, hint?: string) => (error: unknown) => {
    assert.ok(isChartError(error, 'MANIFEST_NOT_FOUND'));
    assert.equal(error.message, message);
    assert.equal(error.hint, hint);
    return true;
  };
  const name = `${server.host}/team/app`;
  const next = `chart tags ${name} lists what is there.`;
  await assert.rejects(repository.resolve('1.0.0+x'), missing(`${name}:1.0.0+x: not found`, next));
  const words = `${server.host} says: MANIFEST_UNKNOWN: manifest unknown. ${next}`;
  await assert.rejects(repository.readManifest('1.0.0+x'), missing(`${name}:1.0.0+x: not found`, words));
  await assert.rejects(repository.resolve(digest), missing(`${name}@${digest}: not found`));
});

test('tells a forbidden repository from a missing one', async (t) => {
  const body = '{"errors":[{"code":"DENIED","message":"requested access is denied"}]}';
  const { repository } = await openExchange(t, [get('1', { status: 403, body })]);
  await assert.rejects(repository.readManifest('1'), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_FORBIDDEN'));
    assert.equal(error.message, 'unexpected status code [manifests 1]: 403 Forbidden');
    assert.match(error.hint ?? '', /^127\.0\.0\.1:\d+ says: DENIED: requested access is denied\. The account may not/);
    return true;
  });
});

test('reads the exact bytes of a manifest, and describes them', async (t) => {
  const spaced = describeManifest(Buffer.from(` ${MANIFEST.bytes.toString()}\n`), OCI_MANIFEST);
  const { repository } = await openExchange(t, [get('1', shown(spaced)), get(spaced.descriptor.digest, plain(spaced))]);
  assert.deepEqual(await repository.readManifest('1'), {
    descriptor: spaced.descriptor,
    bytes: Buffer.from(spaced.bytes),
  });
  assert.deepEqual((await repository.readManifest(spaced.descriptor.digest)).descriptor, spaced.descriptor);
});

test('trusts what a manifest calls itself where the answer has no telling type', async (t) => {
  const docker = describeManifest(
    Buffer.from(JSON.stringify({ ...JSON.parse(MANIFEST.bytes.toString()), mediaType: DOCKER_MANIFEST })),
    DOCKER_MANIFEST,
  );
  for (const type of [
    undefined,
    'application/json',
    'text/plain; charset=utf-8',
    'application/octet-stream',
    '\u00e9',
  ]) {
    const { repository } = await openExchange(t, [get('1', plain(docker, type))]);
    assert.equal((await repository.readManifest('1')).descriptor.mediaType, DOCKER_MANIFEST);
  }
});

test('CVE-2025-24882: compares what came with the digest that was asked for', async (t) => {
  const { repository } = await openExchange(t, [
    get(digest, plain(OTHER)),
    get(digest, shown(OTHER)),
    get(digest, shown(OTHER, { 'docker-content-digest': digest })),
    head(digest, shown(OTHER)),
  ]);
  for (let i = 0; i < 3; i += 1) {
    await assert.rejects(repository.readManifest(digest), (error) => isChartError(error, 'BLOB_DIGEST_MISMATCH'));
  }
  await assert.rejects(repository.resolve(digest), (error) => isChartError(error, 'BLOB_DIGEST_MISMATCH'));
});

test('compares what came for a tag with the digest that was announced', async (t) => {
  const { repository } = await openExchange(t, [get('1', shown(OTHER, { 'docker-content-digest': digest }))]);
  await assert.rejects(repository.readManifest('1'), (error) => isChartError(error, 'BLOB_DIGEST_MISMATCH'));
});

test('reads by sha512 as well', async (t) => {
  const sha512 = digestOf(MANIFEST.bytes, 'sha512');
  const { repository } = await openExchange(t, [
    get(sha512, shown()),
    get('1', shown(MANIFEST, { 'docker-content-digest': sha512 })),
  ]);
  assert.equal((await repository.readManifest(sha512)).descriptor.digest, sha512);
  assert.equal((await repository.readManifest('1')).descriptor.digest, sha512);
});

test('CVE-2024-3727: what is no digest never becomes a URL, and is not believed', async (t) => {
  const { repository } = await openExchange(t, [
    head('1', shown(MANIFEST, { 'docker-content-digest': 'sha256:../../../etc/passwd' })),
    get('1', shown(MANIFEST, { 'docker-content-digest': `sha256:${'A'.repeat(64)}` })),
  ]);
  const invalid = (error: unknown): boolean => isChartError(error, 'DIGEST_INVALID');
  await assert.rejects(repository.resolve('1'), invalid);
  await assert.rejects(repository.readManifest('1'), invalid);
  for (const reference of ['sha256:../../x', 'sha256:', 'md5:00', `sha256:${'0'.repeat(63)}g`]) {
    await assert.rejects(async () => repository.resolve(reference), invalid);
    await assert.rejects(
      async () => repository.readBlob({ ...LAYER.descriptor, digest: reference as Digest }),
      invalid,
    );
    await assert.rejects(async () => repository.statBlob(reference as Digest), invalid);
    await assert.rejects(async () => repository.deleteBlob(reference as Digest), invalid);
    await assert.rejects(async () => repository.deleteManifest(reference as Digest), invalid);
  }
  for (const reference of ['', '../x', 'a/b', 'a b', '.x', 'x'.repeat(129), 'a?b', 'a%2fb']) {
    await assert.rejects(
      async () => repository.resolve(reference),
      (error) => isChartError(error, 'REFERENCE_INVALID'),
    );
  }
});

test('a name that is no repository never becomes a URL', async (t) => {
  const { registry } = await openExchange(t, []);
  for (const name of ['', '..', 'a/../b', 'A', '/a', 'a/', 'a//b', 'a?b', 'a b', 'a%2fb', 'x'.repeat(256)]) {
    const repository = registry.repository(name);
    await assert.rejects(
      async () => repository.resolve('1'),
      (error) => isChartError(error, 'REFERENCE_INVALID'),
      name,
    );
  }
});

test('GHSA-mc8v-mgrf-8f4m: refuses what is both manifest and index, and a type that differs from the answer', async (t) => {
  const both = manifestOf({ manifests: [] });
  const index = describeManifest(
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] })),
    OCI_INDEX,
  );
  for (const [manifest, type] of [
    [both, OCI_MANIFEST],
    [both, OCI_INDEX],
    [both, undefined],
    [index, OCI_MANIFEST],
    [MANIFEST, OCI_INDEX],
    [manifestOf({ mediaType: DOCKER_MANIFEST }), OCI_MANIFEST],
    [MANIFEST, 'application/vnd.docker.distribution.manifest.v1+prettyjws'],
  ] as const) {
    const { repository } = await openExchange(t, [get('1', plain(manifest, type))]);
    await assert.rejects(repository.readManifest('1'), (error) => isChartError(error, 'MANIFEST_INVALID'), type);
  }
});

test('refuses a type that it does not know without reading it', async (t) => {
  const { repository } = await openExchange(t, [
    head('1', shown(MANIFEST, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' })),
  ]);
  await assert.rejects(repository.resolve('1'), (error) => isChartError(error, 'MANIFEST_INVALID'));
});

test('refuses a manifest that is announced as too large, or turns out to be', async (t) => {
  const large = Buffer.alloc(4 * 1024 * 1024 + 1, 32);
  const { repository } = await openExchange(t, [
    get('1', { headers: { 'content-type': OCI_MANIFEST, 'content-length': '4611686018427387904' }, cutAfter: 0 }),
    get('1', { headers: { 'content-type': OCI_MANIFEST, 'content-length': `${large.length}` }, cutAfter: 0 }),
    get('1', { headers: { 'content-type': OCI_MANIFEST }, body: Buffer.alloc(65_536, 32), endless: true }),
  ]);
  const limited = (error: unknown): boolean => isChartError(error, 'LIMIT_EXCEEDED');
  await assert.rejects(repository.readManifest('1'), (error) => isChartError(error));
  await assert.rejects(repository.readManifest('1'), limited);
  await assert.rejects(repository.readManifest('1'), limited);
});

test('a manifest that stops halfway is an error', async (t) => {
  const { repository } = await openExchange(t, [get('1', { ...shown(), cutAfter: 20 })]);
  await assert.rejects(repository.readManifest('1'), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_UNREACHABLE'));
    assert.match(
      error.message,
      /^failed to do request: Get "http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/manifests\/1": unexpected EOF$/,
    );
    return true;
  });
});

test('stores a manifest under a tag, or else under its digest, and compares what the registry stored', async (t) => {
  const put = (reference: string, headers: Record<string, string>): ExpectedRequest => ({
    method: 'PUT',
    path: `/v2/team/app/manifests/${reference}`,
    headers: { 'content-type': OCI_MANIFEST, 'content-length': `${size}` },
    body: MANIFEST.bytes,
    answer: { status: 201, headers },
  });
  const { repository } = await openExchange(t, [
    put('1.0.0_x', { 'docker-content-digest': digest }),
    put(digest, {}),
    put('1', { 'docker-content-digest': OTHER.descriptor.digest }),
  ]);
  await repository.writeManifest(MANIFEST, '1.0.0+x');
  await repository.writeManifest(MANIFEST);
  await assert.rejects(repository.writeManifest(MANIFEST, '1'), (error) => isChartError(error, 'BLOB_DIGEST_MISMATCH'));
});

test('sends no manifest whose bytes are not what its descriptor says', async (t) => {
  const { repository } = await openExchange(t, []);
  const wrong = { descriptor: OTHER.descriptor, bytes: Buffer.from(OTHER.bytes).fill(32, 5, 6) };
  await assert.rejects(repository.writeManifest(wrong, '1'), (error) => isChartError(error, 'BLOB_DIGEST_MISMATCH'));
});

test('says why a registry does not take a manifest', async (t) => {
  const body = '{"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name team/app does not exist"}]}';
  const { repository } = await openExchange(t, [
    { method: 'PUT', path: '/v2/team/app/manifests/1', answer: { status: 404, body } },
  ]);
  await assert.rejects(repository.writeManifest(MANIFEST, '1'), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_REFUSED'));
    assert.match(
      error.message,
      /refused to store the manifest of 127.*\/team\/app:1: 404 Not Found \(NAME_UNKNOWN: The repository/,
    );
    assert.match(error.hint ?? '', /may have to be created/);
    return true;
  });
});

test('deletes by digest, and says where a tag cannot be deleted alone', async (t) => {
  const remove = (reference: string, answer: Answer): ExpectedRequest => ({
    method: 'DELETE',
    path: `/v2/team/app/manifests/${reference}`,
    answer,
  });
  const { repository } = await openExchange(t, [
    remove(digest, { status: 202 }),
    remove(digest, { status: 404 }),
    remove('1_x', { status: 202 }),
    remove('1', { status: 404 }),
    remove('1', { status: 405, body: '{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}' }),
    remove(digest, { status: 405 }),
  ]);
  await repository.deleteManifest(digest);
  await assert.rejects(repository.deleteManifest(digest), (error) => isChartError(error, 'MANIFEST_NOT_FOUND'));
  await repository.deleteTag('1+x');
  await assert.rejects(repository.deleteTag('1'), (error) => isChartError(error, 'MANIFEST_NOT_FOUND'));
  await assert.rejects(repository.deleteTag('1'), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_REFUSED'));
    assert.match(error.message, /cannot delete the tag 127\.0\.0\.1:\d+\/team\/app:1 alone/);
    return true;
  });
  await assert.rejects(repository.deleteManifest(digest), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_REFUSED'));
    assert.match(error.hint ?? '', /has it switched off/);
    return true;
  });
});
