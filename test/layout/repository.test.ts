import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openLayout } from '../../src/layout/layout.js';
import type { Descriptor } from '../../src/oci/descriptor.js';
import { describeManifest, type RawManifest } from '../../src/oci/manifest.js';
import { OCI_INDEX } from '../../src/oci/media-types.js';
import { storeArtifact, storeNamed } from '../helpers/layout.js';
import { tidyCache, withCode } from './cache.js';
import { collect } from './collect.js';

const APP = 'r.example.com/team/app';
const NOWHERE = `sha256:${'0'.repeat(64)}` as const;

function raw({ manifest, bytes }: { manifest: Descriptor; bytes: Buffer }): RawManifest {
  return { descriptor: manifest, bytes };
}

function indexOf(...manifests: Descriptor[]): RawManifest {
  return describeManifest(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })));
}

test('a manifest is found by tag and by digest, with the bytes that were written', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository(APP);
  const stored = await storeArtifact(layout);
  await repository.writeManifest(raw(stored), '1.0.0');
  for (const reference of ['1.0.0', stored.manifest.digest]) {
    const { mediaType, digest, size } = await repository.resolve(reference);
    assert.deepEqual({ mediaType, digest, size }, stored.manifest);
    assert.ok(Buffer.from((await repository.readManifest(reference)).bytes).equals(stored.bytes));
  }
  for (const reference of ['1.0.1', NOWHERE, stored.config.digest]) {
    await assert.rejects(repository.resolve(reference), withCode('MANIFEST_NOT_FOUND'), reference);
    await assert.rejects(repository.readManifest(reference), withCode('MANIFEST_NOT_FOUND'), reference);
  }
  await assert.rejects(layout.repository('team/app').resolve('1.0.0'), withCode('MANIFEST_NOT_FOUND'));
});

test('what one instance writes, another one sees at once', async (t) => {
  const { dir, layout } = tidyCache(t);
  const other = openLayout(dir).repository(APP);
  for (let turn = 0; turn < 20; turn++) {
    const { manifest } = await storeNamed(layout, `${APP}:latest`, { content: `${turn}` });
    assert.equal((await other.resolve('latest')).digest, manifest.digest);
  }
});

test('a tag is found in the form that it has on the wire, and kept as it is on disk', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository(APP);
  const first = await storeNamed(layout, `${APP}:1.0.0+build.5`, { content: 'first' });
  assert.equal((await repository.resolve('1.0.0_build.5')).digest, first.manifest.digest);
  assert.deepEqual(await collect(repository.listTags()), ['1.0.0+build.5']);

  const second = await storeArtifact(layout, { content: 'second' });
  await repository.writeManifest(raw(second), '1.0.0_build.5');
  assert.deepEqual(await collect(repository.listTags()), ['1.0.0+build.5']);
  assert.equal((await repository.resolve('1.0.0+build.5')).digest, second.manifest.digest);

  const exact = await storeNamed(layout, `${APP}:1.0.0_build.5`, { content: 'exact' });
  assert.equal((await repository.resolve('1.0.0_build.5')).digest, exact.manifest.digest);
  assert.equal((await repository.resolve('1.0.0+build.5')).digest, second.manifest.digest);
  await repository.deleteTag('1.0.0_build.5');
  await repository.deleteTag('1.0.0_build.5');
  await assert.rejects(repository.deleteTag('1.0.0_build.5'), withCode('MANIFEST_NOT_FOUND'));
  assert.deepEqual(await collect(repository.listTags()), []);
});

test('a manifest without a tag is found by digest, and needed', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository(APP);
  const stored = await storeArtifact(layout);
  await repository.writeManifest(raw(stored));
  assert.equal((await repository.readManifest(stored.manifest.digest)).bytes.length, stored.bytes.length);
  assert.deepEqual(await collect(repository.listTags()), []);
  assert.deepEqual(await collect(layout.listRepositories()), [APP]);
  assert.deepEqual((await layout.planPrune()).blobs, []);

  await repository.writeManifest(raw(stored), '1.0.0');
  await repository.writeManifest(raw(stored));
  assert.deepEqual(
    (await layout.readIndex()).map(({ name }) => name),
    [`${APP}:1.0.0`],
  );
});

test('a manifest whose last tag is removed stays readable by digest', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository(APP);
  const { manifest } = await storeNamed(layout, `${APP}:1`);
  await layout.tag(`${APP}:2`, manifest);
  await repository.deleteTag('1');
  await repository.deleteTag('2');
  await assert.rejects(repository.resolve('2'), withCode('MANIFEST_NOT_FOUND'));
  assert.equal((await repository.resolve(manifest.digest)).digest, manifest.digest);
  await layout.applyPrune(await layout.planPrune());
  assert.equal((await repository.readManifest(manifest.digest)).descriptor.digest, manifest.digest);
});

test('a manifest that is deleted is gone with its tags, and stays where another repository has it', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository(APP);
  const { manifest } = await storeNamed(layout, `${APP}:1`);
  await layout.tagAll([
    { name: `${APP}:2`, descriptor: manifest },
    { name: 'other:1', descriptor: manifest },
  ]);
  await repository.deleteManifest(manifest.digest);
  assert.deepEqual(await collect(repository.listTags()), []);
  assert.equal((await layout.repository('other').readManifest('1')).descriptor.digest, manifest.digest);

  await layout.repository('other').deleteManifest(manifest.digest);
  await assert.rejects(repository.resolve(manifest.digest), withCode('MANIFEST_NOT_FOUND'));
  await assert.rejects(repository.deleteManifest(manifest.digest), withCode('MANIFEST_NOT_FOUND'));
  await assert.rejects(repository.deleteManifest(NOWHERE), withCode('MANIFEST_NOT_FOUND'));
});

test('a manifest is found by digest where it was written, and after its tag has moved on, but not in another repository', async (t) => {
  const { layout } = tidyCache(t);
  const [own, other] = [layout.repository(APP), layout.repository('other')];
  const one = await storeArtifact(layout, { content: 'one' });
  const two = await storeArtifact(layout, { content: 'two' });
  await own.writeManifest(raw(one), 'latest');
  await assert.rejects(other.resolve(one.manifest.digest), withCode('MANIFEST_NOT_FOUND'));
  await assert.rejects(other.readManifest(one.manifest.digest), withCode('MANIFEST_NOT_FOUND'));
  await own.writeManifest(raw(two), 'latest');
  assert.equal((await own.resolve(one.manifest.digest)).digest, one.manifest.digest);
  await other.writeManifest(raw(two));
  assert.equal((await other.resolve(two.manifest.digest)).digest, two.manifest.digest);
});

test('what an index lists is found by digest, and can be deleted', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository(APP);
  const one = await storeArtifact(layout, { content: 'one' });
  const two = await storeArtifact(layout, { content: 'two' });
  await repository.writeManifest(raw(one));
  await repository.writeManifest(raw(two));
  await repository.writeManifest(indexOf(one.manifest, two.manifest), 'all');
  assert.deepEqual(await collect(repository.listTags()), ['all']);
  assert.equal((await repository.readManifest(one.manifest.digest)).descriptor.mediaType, one.manifest.mediaType);
  assert.deepEqual((await layout.planPrune()).blobs, []);
  await repository.deleteManifest(one.manifest.digest);
  await assert.rejects(repository.resolve(one.manifest.digest), withCode('MANIFEST_NOT_FOUND'));
  assert.equal((await repository.resolve(two.manifest.digest)).digest, two.manifest.digest);
});

test('a manifest is not taken under another digest, size or type, nor without its blobs', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository(APP);
  const { manifest, bytes, config } = await storeArtifact(layout);
  const write = (descriptor: Descriptor, content: Buffer = bytes) =>
    repository.writeManifest({ descriptor, bytes: content }, '1');
  await assert.rejects(write({ ...manifest, digest: NOWHERE }), withCode('BLOB_DIGEST_MISMATCH'));
  await assert.rejects(write({ ...manifest, size: 1 }), withCode('BLOB_SIZE_MISMATCH'));
  await assert.rejects(write({ ...manifest, mediaType: OCI_INDEX }), withCode('MANIFEST_INVALID'));
  const missing = { ...config, digest: NOWHERE };
  const document = { schemaVersion: 2, mediaType: manifest.mediaType, config: missing, layers: [] };
  const incomplete = describeManifest(Buffer.from(JSON.stringify(document)));
  await assert.rejects(repository.writeManifest(incomplete, '1'), withCode('BLOB_NOT_FOUND'));
  assert.deepEqual(await layout.readIndex(), []);
});

test('a document of a type that is not known is kept as it is, with what it seems to refer to', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository(APP);
  const { digest } = await layout.putBytes(Buffer.from('blob'), 'text/plain');
  const bytes = Buffer.from(JSON.stringify({ blobs: [{ digest }] }));
  const { descriptor } = describeManifest(bytes, 'application/vnd.oci.artifact.manifest.v1+json');
  await repository.writeManifest({ descriptor, bytes }, '1');
  assert.equal((await repository.readManifest('1')).descriptor.mediaType, descriptor.mediaType);
  await layout.close();
  assert.deepEqual((await layout.planPrune()).blobs, []);
});

test('sha512 manifests are stored and found as such', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const repository = layout.repository(APP);
  const { bytes, manifest } = await storeArtifact(layout);
  const wide = describeManifest(bytes, manifest.mediaType, 'sha512');
  await repository.writeManifest(wide, '1');
  assert.ok(wide.descriptor.digest.startsWith('sha512:'));
  assert.ok(readFileSync(pathOf(wide.descriptor.digest)).equals(bytes));
  assert.equal((await repository.resolve('1')).digest, wide.descriptor.digest);
});

test('a manifest that was changed on disk is not handed out', async (t) => {
  const { layout } = tidyCache(t);
  const stored = await storeNamed(layout, `${APP}:1`);
  const changed = Buffer.from(stored.bytes.toString().replace('"size":', '"SIZE":'));
  const { default: fs } = await import('node:fs');
  const cache = layout.dir;
  const path = `${cache}/blobs/sha256/${stored.manifest.digest.slice(7)}`;
  fs.rmSync(path);
  fs.writeFileSync(path, changed);
  const repository = layout.repository(APP);
  await assert.rejects(repository.readManifest('1'), withCode('BLOB_DIGEST_MISMATCH'));
  await repository.writeManifest(raw(stored), '1');
  assert.ok(Buffer.from((await repository.readManifest('1')).bytes).equals(stored.bytes));
});

test('repositories are listed, and found by the end of their name', async (t) => {
  const { layout } = tidyCache(t);
  const { manifest } = await storeNamed(layout, `${APP}:1`);
  const names = [`${APP}:2`, 'localhost:5001/team/app:1', 'team/app:1', 'my-team/app:1', 'app:1', 'x.y/other:1'];
  await layout.tagAll(names.map((name) => ({ name, descriptor: manifest })));
  assert.deepEqual((await collect(layout.listRepositories())).sort(), [
    ...['app', 'localhost:5001/team/app', 'my-team/app', 'r.example.com/team/app', 'team/app', 'x.y/other'],
  ]);
  const found = (await layout.findRepositories?.('team/app')) ?? [];
  assert.deepEqual([...found].sort(), ['localhost:5001/team/app', 'r.example.com/team/app', 'team/app']);
});

test('referrers are listed by the repository that has them, tagged or not, and through an index', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository(APP);
  const subject = (await storeNamed(layout, `${APP}:1`)).manifest;
  const list = async (): Promise<string[]> => {
    const found = (await repository.listReferrers?.(subject.digest)) ?? [];
    return found.map(({ artifactType }) => artifactType ?? '').sort();
  };
  assert.deepEqual(await list(), []);
  const store = (type: string) => storeArtifact(layout, { content: type, configType: type, subject });
  await repository.writeManifest(raw(await store('application/vnd.one')));
  await repository.writeManifest(raw(await store('application/vnd.two')), 'tagged');
  const listed = await store('application/vnd.three');
  await repository.writeManifest(raw(listed));
  await repository.writeManifest(indexOf(listed.manifest), 'list');
  await layout.repository('elsewhere').writeManifest(raw(await store('application/vnd.four')));
  assert.deepEqual(await list(), ['application/vnd.one', 'application/vnd.three', 'application/vnd.two']);
  await repository.deleteTag('tagged');
  assert.equal((await list()).length, 3, 'it is still there by digest');
  const two = await repository.listReferrers?.(subject.digest);
  for (const { digest } of two ?? []) await repository.deleteManifest(digest);
  assert.deepEqual(await list(), []);
});

test('a blob is deleted unless a manifest needs it', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const repository = layout.repository(APP);
  const stored = await storeNamed(layout, `${APP}:1`);
  const loose = await layout.putBytes(Buffer.from('loose'), 'text/plain');
  assert.equal(await repository.statBlob(loose.digest), 5);
  await repository.deleteBlob(loose.digest);
  assert.equal(existsSync(pathOf(loose.digest)), false);
  assert.equal(await repository.statBlob(loose.digest), undefined);
  await assert.rejects(repository.deleteBlob(loose.digest), withCode('BLOB_NOT_FOUND'));
  await assert.rejects(repository.deleteBlob(stored.config.digest), withCode('BLOB_IN_USE'));
  await repository.deleteManifest(stored.manifest.digest);
  await repository.deleteBlob(stored.config.digest);
  assert.equal(await repository.statBlob(stored.config.digest), undefined);
});
