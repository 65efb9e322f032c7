/** The client against a real registry: Distribution 2.8. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { digestOf } from '../../src/oci/digest.js';
import { readCredentials, removeCredentials, saveCredentials } from '../../src/registry/credentials.js';
import { login } from '../../src/registry/login.js';
import { openRegistry, type RegistryOptions } from '../../src/registry/registry.js';
import { type DockerRegistry, requireTools, startDockerRegistry } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { blob, CONFIG, collect, LAYER, MANIFEST, readAll } from './artifacts.js';
import { makeAuthority } from './certificates.js';
import { startTokenServer } from './token-server.js';

const skip = requireTools('docker-registry', 'htpasswd', 'openssl');
const USER = { username: 'user', password: 'pass' };

let open: DockerRegistry;

before(async () => {
  if (!skip) open = await startDockerRegistry();
});
after(() => open?.stop());

async function push(host: string, path: string, tag: string, options: RegistryOptions = {}): Promise<string[]> {
  const requests: string[] = [];
  const trace: RegistryOptions['trace'] = ({ method, status }) => requests.push(`${method} ${status}`);
  const registry = openRegistry(host, { ...options, trace });
  try {
    const repository = registry.repository(path);
    await Promise.all(
      [CONFIG, LAYER].map(({ descriptor, open: content }) => repository.writeBlob(descriptor, content)),
    );
    await repository.writeManifest(MANIFEST, tag);
  } finally {
    await registry.close();
  }
  return requests;
}

test('pushes, and reads back what it pushed', { skip }, async (t) => {
  const requests = await push(open.host, 'team/app', '1.0.0+build.5');
  assert.deepEqual(requests.sort(), ['HEAD 404', 'HEAD 404', 'POST 202', 'POST 202', 'PUT 201', 'PUT 201', 'PUT 201']);
  const registry = openRegistry(open.host);
  t.after(() => registry.close());
  const repository = registry.repository('team/app');
  assert.deepEqual(await repository.resolve('1.0.0+build.5'), MANIFEST.descriptor);
  const read = await repository.readManifest('1.0.0+build.5');
  assert.deepEqual([read.descriptor, Buffer.from(read.bytes)], [MANIFEST.descriptor, Buffer.from(MANIFEST.bytes)]);
  assert.deepEqual(await repository.readManifest(MANIFEST.descriptor.digest), read);
  assert.deepEqual(await readAll(await repository.readBlob(LAYER.descriptor)), LAYER.bytes);
  assert.deepEqual(
    await readAll(await repository.readBlob(LAYER.descriptor, { start: 2, end: 7 })),
    LAYER.bytes.subarray(2, 8),
  );
  assert.equal(await repository.statBlob(LAYER.descriptor.digest), LAYER.descriptor.size);
  assert.equal(await repository.statBlob(digestOf(Buffer.from('none'))), undefined);
  assert.deepEqual(await collect(repository.listTags()), ['1.0.0_build.5']);
  assert.ok((await collect(registry.listRepositories())).includes('team/app'));
});

test('sends no blob that is there', { skip }, async () => {
  await push(open.host, 'team/again', '1');
  const requests = await push(open.host, 'team/again', '2');
  assert.deepEqual(
    requests.filter((request) => request.startsWith('PUT')),
    ['PUT 201'],
  );
});

test('a blob of many pieces arrives, and an empty one', { skip }, async (t) => {
  const registry = openRegistry(open.host);
  t.after(() => registry.close());
  const repository = registry.repository('team/sizes');
  for (const each of [blob(Buffer.alloc(5_000_000, 'abc')), blob('')]) {
    await repository.writeBlob(each.descriptor, each.open);
    assert.deepEqual(await readAll(await repository.readBlob(each.descriptor)), each.bytes);
  }
});

test('lists many tags', { skip }, async (t) => {
  const registry = openRegistry(open.host);
  t.after(() => registry.close());
  const repository = registry.repository('team/many');
  await push(open.host, 'team/many', '0');
  await Promise.all(Array.from({ length: 30 }, (_, index) => repository.writeManifest(MANIFEST, `${index}`)));
  assert.equal((await collect(repository.listTags())).length, 30);
});

test('says what is not there', { skip }, async (t) => {
  const registry = openRegistry(open.host);
  t.after(() => registry.close());
  const repository = registry.repository('team/none');
  await assert.rejects(repository.resolve('1.0.0'), (error) => {
    assert.ok(isChartError(error, 'MANIFEST_NOT_FOUND'));
    assert.equal(error.message, `${open.host}/team/none:1.0.0: not found`);
    return true;
  });
  await assert.rejects(repository.readBlob(LAYER.descriptor), (error) => isChartError(error, 'BLOB_NOT_FOUND'));
  await assert.rejects(collect(repository.listTags()), (error) => isChartError(error, 'MANIFEST_NOT_FOUND'));
});

test('deletes manifests and blobs, and says that this registry cannot delete a tag alone', { skip }, async (t) => {
  await push(open.host, 'team/gone', '1');
  const registry = openRegistry(open.host);
  t.after(() => registry.close());
  const repository = registry.repository('team/gone');
  await assert.rejects(repository.deleteTag('1'), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_REFUSED'));
    assert.match(error.message, /cannot delete the tag .* alone$/);
    return true;
  });
  await repository.deleteManifest(MANIFEST.descriptor.digest);
  await assert.rejects(repository.resolve('1'), (error) => isChartError(error, 'MANIFEST_NOT_FOUND'));
  await repository.deleteBlob(LAYER.descriptor.digest);
  assert.equal(await repository.statBlob(LAYER.descriptor.digest), undefined);
  await assert.rejects(repository.deleteBlob(LAYER.descriptor.digest), (error) =>
    isChartError(error, 'BLOB_NOT_FOUND'),
  );
});

test('says that deletes are switched off', { skip }, async (t) => {
  const server = await startDockerRegistry({ deletes: false });
  t.after(() => server.stop());
  await push(server.host, 'team/app', '1');
  const registry = openRegistry(server.host);
  t.after(() => registry.close());
  await assert.rejects(registry.repository('team/app').deleteManifest(MANIFEST.descriptor.digest), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_REFUSED'));
    assert.match(error.hint ?? '', /switched off/);
    return true;
  });
});

test('a manifest whose blobs are missing is refused, and says so', { skip }, async (t) => {
  const registry = openRegistry(open.host);
  t.after(() => registry.close());
  await assert.rejects(registry.repository('team/holes').writeManifest(MANIFEST, '1'), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_REFUSED'));
    assert.match(error.message, /400 Bad Request \(MANIFEST_BLOB_UNKNOWN: /);
    return true;
  });
});

test('logs in to a registry with passwords, pushes, pulls and logs out', { skip }, async (t) => {
  const server = await startDockerRegistry({ htpasswd: { user: 'pass' } });
  t.after(() => server.stop());
  const file = `${temporaryDirectory(t)}/registry/config.json`;
  const lookup = (): ReturnType<typeof readCredentials> => readCredentials([file], server.host);
  await assert.rejects(push(server.host, 'a', '1', { credentials: lookup }), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_UNAUTHORIZED'));
    assert.equal(error.message, 'unexpected response: 401 Unauthorized');
    return true;
  });
  const wrong = { ...USER, password: 'wrong' };
  await assert.rejects(login(server.host, wrong), (error) => {
    assert.ok(isChartError(error, 'CREDENTIALS_REJECTED'));
    assert.equal(error.message, `login attempt to ${server.url}/v2/ failed with status: 401 Unauthorized`);
    return true;
  });
  assert.equal((await login(server.host, USER)).url, `${server.url}/v2/`);
  await saveCredentials(file, server.host, USER);
  await push(server.host, 'a', '1', { credentials: lookup });
  const registry = openRegistry(server.host, { credentials: lookup });
  t.after(() => registry.close());
  assert.deepEqual(await registry.repository('a').resolve('1'), MANIFEST.descriptor);
  assert.equal(await removeCredentials([file], server.host), true);
  await assert.rejects(push(server.host, 'a', '1', { credentials: lookup }), (error) =>
    isChartError(error, 'REGISTRY_UNAUTHORIZED'),
  );
  await assert.rejects(push(server.host, 'a', '1', { credentials: wrong }), (error) =>
    isChartError(error, 'CREDENTIALS_REJECTED'),
  );
});

test('pushes with a token of a user, pulls with one of nobody, and asks for each once', { skip }, async (t) => {
  const authority = makeAuthority(temporaryDirectory(t));
  const tokens = await startTokenServer({ signer: authority, users: { user: 'pass' } });
  t.after(() => tokens.stop());
  const { realm, service, issuer } = tokens;
  const server = await startDockerRegistry({ token: { realm, service, issuer, certificates: authority.cert } });
  t.after(() => server.stop());
  const requests = await push(server.host, 'team/app', '1', { credentials: USER });
  assert.deepEqual(tokens.given, [['repository:team/app:pull,push']]);
  assert.equal(requests.filter((request) => request.endsWith('401')).length, 4);

  const registry = openRegistry(server.host);
  t.after(() => registry.close());
  const repository = registry.repository('team/app');
  assert.deepEqual(await repository.resolve('1'), MANIFEST.descriptor);
  await repository.readManifest('1');
  assert.deepEqual(await readAll(await repository.readBlob(LAYER.descriptor)), LAYER.bytes);
  assert.deepEqual(await collect(repository.listTags()), ['1']);
  assert.deepEqual(tokens.given.slice(1), [['repository:team/app:pull']]);
  await assert.rejects(push(server.host, 'team/other', '1'), (error) => isChartError(error, 'REGISTRY_UNAUTHORIZED'));
  await assert.rejects(login(server.host, { ...USER, password: 'wrong' }), (error) =>
    isChartError(error, 'CREDENTIALS_REJECTED'),
  );
  await login(server.host, USER);
});

test('speaks TLS with passwords and an authority of its own', { skip }, async (t) => {
  const authority = makeAuthority(temporaryDirectory(t));
  const tls = authority.issue('server');
  const server = await startDockerRegistry({ tls, htpasswd: { user: 'pass' } });
  t.after(() => server.stop());
  const options = { caFile: authority.cert };
  assert.equal((await login(server.host, USER, options)).url, `${server.url}/v2/`);
  await push(server.host, 'a', '1', { ...options, credentials: USER });
  await assert.rejects(push(server.host, 'a', '1', { plainHttp: false, credentials: USER }), (error) =>
    isChartError(error, 'REGISTRY_TLS'),
  );
  await push(server.host, 'a', '1', { insecureSkipTlsVerify: true, credentials: USER });
});

test('a four-digit port has four digits', { skip }, async (t) => {
  const server = await startDockerRegistry({ port: 'four-digit' });
  t.after(() => server.stop());
  assert.match(server.host, /^localhost:\d{4}$/);
});
