import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { type Layout, openLayout } from '../../src/layout/layout.js';
import { digestHex } from '../../src/oci/digest.js';
import { assertValidLayout, storeArtifact, storeNamed } from '../helpers/layout.js';
import { looseCache, withCode } from './cache.js';
import { collect } from './collect.js';
import { isRoot, withoutPrivileges } from './privileges.js';

const NAME = 'r.example.com/c:v1';

test('a directory that does not exist is an empty cache, and reading does not make it', async (t) => {
  const { dir, layout } = looseCache(t);
  assert.deepEqual(await layout.readIndex(), []);
  const repository = layout.repository('r.example.com/c');
  await assert.rejects(repository.resolve('v1'), withCode('MANIFEST_NOT_FOUND'));
  assert.equal(await repository.statBlob(`sha256:${'a'.repeat(64)}`), undefined);
  assert.deepEqual(await collect(layout.listRepositories()), []);
  assert.deepEqual((await layout.planPrune()).blobs, []);
  assert.equal(existsSync(dir), false);
});

test('the first write makes what Helm 3.6.3 makes, with its modes', async (t) => {
  const { dir, layout } = looseCache(t);
  const umask = process.umask(0o022);
  t.after(() => process.umask(umask));
  const { manifest } = await storeNamed(layout, NAME);
  const modeOf = (path: string): string => (statSync(join(dir, path)).mode & 0o777).toString(8);
  assert.deepEqual(readdirSync(dir).sort(), ['blobs', 'index.json', 'ingest', 'oci-layout']);
  assert.deepEqual(readdirSync(join(dir, 'ingest')), []);
  assert.equal(readFileSync(join(dir, 'oci-layout'), 'utf8'), '{"imageLayoutVersion":"1.0.0"}');
  const blob = `blobs/sha256/${digestHex(manifest.digest)}`;
  assert.deepEqual([modeOf(blob), modeOf('index.json'), modeOf('oci-layout')], ['444', '644', '644']);
  assert.deepEqual(['.', 'blobs', 'blobs/sha256', 'ingest'].map(modeOf), ['755', '755', '755', '755']);
  assertValidLayout(dir);
});

test('umask 077 keeps others out', async (t) => {
  const { dir, layout } = looseCache(t);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  const { manifest } = await storeNamed(layout, NAME);
  const upload = await layout.startUpload();
  const uploaded = await upload.commit(`sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`);
  const modeOf = (path: string): string => (statSync(join(dir, path)).mode & 0o777).toString(8);
  for (const { digest } of [manifest, uploaded]) assert.equal(modeOf(`blobs/sha256/${digestHex(digest)}`), '400');
  assert.deepEqual(['.', 'blobs', 'blobs/sha256', 'ingest'].map(modeOf), ['700', '700', '700', '700']);
  assert.deepEqual(['index.json', 'oci-layout'].map(modeOf), ['600', '600']);
  assertValidLayout(dir);
});

test('index.json keeps the mode that it was given', async (t) => {
  const { dir, layout } = looseCache(t);
  await storeNamed(layout, NAME);
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  await storeNamed(layout, 'r.example.com/c:v2');
  assert.equal(statSync(join(dir, 'index.json')).mode & 0o777, 0o644 & ~before);
  assertValidLayout(dir);
});

test('a broken entry has a fault, and the others are there', async (t) => {
  const { dir, layout } = looseCache(t);
  const { manifest } = await storeNamed(layout, NAME);
  const index = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8'));
  const named = (name: string) => ({ annotations: { 'org.opencontainers.image.ref.name': name } });
  index.manifests.unshift({ ...manifest, digest: 'sha256:xyz', ...named('r.example.com/bad:digest') });
  index.manifests.push({ digest: manifest.digest, size: 1, ...named('r.example.com/bad:type') }, null, { ...manifest });
  writeFileSync(join(dir, 'index.json'), JSON.stringify(index));
  const entries = await layout.readIndex();
  assert.deepEqual(
    entries.map(({ name, descriptor, fault }) => [name, descriptor?.digest, fault?.code]),
    [
      ['r.example.com/bad:digest', undefined, 'DIGEST_INVALID'],
      [NAME, manifest.digest, undefined],
      ['r.example.com/bad:type', undefined, 'MANIFEST_INVALID'],
      [undefined, undefined, 'MANIFEST_INVALID'],
      [undefined, manifest.digest, undefined],
    ],
  );
  await assert.rejects(layout.repository('r.example.com/bad').resolve('digest'), withCode('DIGEST_INVALID'));

  await layout.untagAll(['r.example.com/bad:digest', 'r.example.com/bad:type']);
  assert.equal((await layout.readIndex()).length, 3);
});

test('of several entries with one name the last has it', async (t) => {
  const { dir, layout } = looseCache(t);
  const first = await storeNamed(layout, NAME, { content: 'first' });
  const second = await storeNamed(layout, 'r.example.com/c:v2', { content: 'second' });
  const path = join(dir, 'index.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('c:v2', 'c:v1'));
  const entries = await layout.readIndex();
  assert.deepEqual(
    entries.map(({ name, descriptor }) => [name, descriptor?.digest]),
    [
      [undefined, first.manifest.digest],
      [NAME, second.manifest.digest],
    ],
  );
  assert.equal((await layout.repository('r.example.com/c').resolve('v1')).digest, second.manifest.digest);
});

test('an index.json that cannot be used is refused by name, and never overwritten', async (t) => {
  const { dir, layout } = looseCache(t);
  const { manifest } = await storeNamed(layout, NAME);
  const path = join(dir, 'index.json');
  for (const text of ['{not json\n', '', '[]', readFileSync(path, 'utf8').slice(0, 60)]) {
    writeFileSync(path, text);
    const refusal = withCode('LAYOUT_INVALID', /index\.json cannot be used/);
    await assert.rejects(openLayout(dir).readIndex(), refusal);
    await assert.rejects(layout.readIndex(), refusal);
    await assert.rejects(layout.tag(NAME, manifest), refusal);
    await assert.rejects(layout.untag(NAME), refusal);
    await assert.rejects(layout.planPrune(), refusal);
    assert.equal(readFileSync(path, 'utf8'), text);
    assert.deepEqual(readdirSync(dir).sort(), ['blobs', 'index.json', 'ingest', 'oci-layout'], 'no lock is left');
  }
});

test('text after index.json is ignored, and gone after the next change', async (t) => {
  const { dir, layout } = looseCache(t);
  await storeNamed(layout, NAME);
  const path = join(dir, 'index.json');
  writeFileSync(path, `\ufeff${readFileSync(path, 'utf8')}garbage after\n`);
  assert.deepEqual(
    (await layout.readIndex()).map(({ name }) => name),
    [NAME],
  );
  await storeNamed(layout, 'r.example.com/c:v2');
  assertValidLayout(dir);
});

test('a missing oci-layout is made anew by the next write', async (t) => {
  const { dir, layout } = looseCache(t);
  await storeNamed(layout, NAME);
  rmSync(join(dir, 'oci-layout'));
  const other = openLayout(dir);
  assert.equal((await other.readIndex()).length, 1);
  assert.equal(existsSync(join(dir, 'oci-layout')), false);
  await other.untag(NAME);
  assertValidLayout(dir);
});

test('an oci-layout of another version, or that says nothing, is refused and left alone', async (t) => {
  const cases: [string, RegExp][] = [
    ['{"imageLayoutVersion":"2.0.0"}', /^unsupported_version/],
    ['x\n', /oci-layout cannot be used/],
    ['', /oci-layout cannot be used/],
    ['{}', /oci-layout cannot be used/],
  ];
  for (const [text, words] of cases) {
    const { dir, layout } = looseCache(t);
    const { manifest } = await storeNamed(layout, NAME);
    writeFileSync(join(dir, 'oci-layout'), text);
    const other = openLayout(dir);
    await assert.rejects(other.readIndex(), withCode('LAYOUT_INVALID', words));
    await assert.rejects(other.tag(NAME, manifest), withCode('LAYOUT_INVALID', words));
    await assert.rejects(other.putBytes(Buffer.from('x'), 'text/plain'), withCode('LAYOUT_INVALID', words));
    assert.equal(readFileSync(join(dir, 'oci-layout'), 'utf8'), text);
  }
});

test('a file where the cache should be is said so, in the words of Helm 3.6.3', async (t) => {
  const { dir, layout } = looseCache(t);
  writeFileSync(dir, 'x');
  const refusal = (error: unknown): boolean => {
    assert.ok(isChartError(error, 'LAYOUT_INVALID'), String(error));
    assert.equal(error.message, `mkdir ${dir}: not a directory`);
    return true;
  };
  await assert.rejects(layout.readIndex(), refusal);
  await assert.rejects(layout.putBytes(Buffer.from('x'), 'text/plain'), refusal);
  await assert.rejects(layout.untag(NAME), refusal);
  await assert.rejects(layout.startUpload(), refusal);
  assert.equal(readFileSync(dir, 'utf8'), 'x');
});

test('blobs/ and ingest/ that were deleted are made again, also under a layout that is open', async (t) => {
  const { dir, layout } = looseCache(t);
  await storeNamed(layout, NAME);
  rmSync(join(dir, 'blobs'), { recursive: true });
  await assert.rejects(
    layout.readManifest((await storeless(layout)).descriptor),
    withCode('BLOB_NOT_FOUND', /expected at .*: not found/),
  );
  await storeNamed(layout, NAME);
  assertValidLayout(dir);
  rmSync(join(dir, 'ingest'), { recursive: true });
  await storeNamed(layout, 'r.example.com/c:v2');
  assertValidLayout(dir);
  rmSync(dir, { recursive: true });
  await storeNamed(layout, NAME);
  assertValidLayout(dir);
});

async function storeless(layout: Layout) {
  const [entry] = await layout.readIndex();
  assert.ok(entry?.descriptor);
  return { descriptor: entry.descriptor };
}

test("what other programs have in ingest/ is in nobody's way", async (t) => {
  const { dir, layout } = looseCache(t);
  mkdirSync(join(dir, 'ingest/abc'), { recursive: true });
  writeFileSync(join(dir, 'ingest/abc/data'), 'half');
  await storeNamed(layout, NAME);
  assert.deepEqual(readdirSync(join(dir, 'ingest')), ['abc']);
  assertValidLayout(dir);
});

test('a manifest of another size than index.json says is damaged', async (t) => {
  const { dir, layout } = looseCache(t);
  await storeNamed(layout, NAME);
  const path = join(dir, 'index.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"size":\d+/, '"size":9999'));
  const { descriptor } = await storeless(layout);
  await assert.rejects(layout.readManifest(descriptor), withCode('BLOB_SIZE_MISMATCH', /instead of 9999/));
  await assert.rejects(layout.repository('r.example.com/c').readManifest('v1'), withCode('BLOB_SIZE_MISMATCH'));
});

test('many small blobs are read in one call, each with its own result', async (t) => {
  const { dir, layout } = looseCache(t);
  const good = await layout.putBytes(Buffer.from('good'), 'text/plain');
  const empty = await layout.putBytes(Buffer.alloc(0), 'text/plain');
  const changed = await layout.putBytes(Buffer.from('changed'), 'text/plain');
  const short = await layout.putBytes(Buffer.from('short'), 'text/plain');
  const long = await layout.putBytes(Buffer.from('long'), 'text/plain');
  const pathOf = (digest: `sha256:${string}`): string =>
    join(dir, 'blobs/sha256', digestHex(digest as typeof good.digest));
  for (const { digest } of [changed, short, long]) rmSync(pathOf(digest as `sha256:${string}`));
  writeFileSync(pathOf(changed.digest as `sha256:${string}`), 'CHANGED');
  writeFileSync(pathOf(short.digest as `sha256:${string}`), 'shor');
  writeFileSync(pathOf(long.digest as `sha256:${string}`), 'longer');
  const missing = { ...good, digest: `sha256:${'0'.repeat(64)}` as const };
  const huge = { ...good, size: 2 ** 40 };
  const found = layout.readSmallBlobs([good, empty, changed, short, long, missing, huge]);
  assert.deepEqual(
    found.map((item) => (item instanceof Error ? (item as { code?: string }).code : Buffer.from(item).toString())),
    [
      'good',
      '',
      'BLOB_DIGEST_MISMATCH',
      'BLOB_SIZE_MISMATCH',
      'BLOB_SIZE_MISMATCH',
      'BLOB_NOT_FOUND',
      'LIMIT_EXCEEDED',
    ],
  );
});

test('CVE-2024-3727: what is no digest never becomes a path', async (t) => {
  const { layout } = looseCache(t);
  const digest = 'sha256:../../../index.json' as `sha256:${string}`;
  assert.throws(() => layout.statBlobFile(digest), withCode('DIGEST_INVALID'));
  const descriptor = { mediaType: 'text/plain', digest, size: 3 };
  await assert.rejects(layout.readBlob(descriptor), withCode('DIGEST_INVALID'));
  const open = (): never => assert.fail('nothing is fetched');
  await assert.rejects(layout.writeBlob(descriptor, open), withCode('DIGEST_INVALID'));
  await assert.rejects(layout.repository('c').deleteBlob(digest), withCode('DIGEST_INVALID'));
  await assert.rejects(layout.repository('c').resolve(digest), withCode('DIGEST_INVALID'));
});

test('readers work on a directory that they cannot write to, and writers say why they do not', async (t) => {
  const { dir, layout } = looseCache(t);
  const { manifest, config, layers } = await storeNamed(layout, NAME);
  await withoutPrivileges(dir, async () => {
    const reader = openLayout(dir);
    assert.equal((await reader.readIndex()).length, 1);
    const repository = reader.repository('r.example.com/c');
    assert.equal((await repository.readManifest('v1')).descriptor.digest, manifest.digest);
    assert.equal(await repository.statBlob(config.digest), config.size);
    const chunks = await collect(await repository.readBlob(layers[0] ?? config));
    assert.equal(Buffer.concat(chunks).length, layers[0]?.size);
    assert.deepEqual((await reader.planPrune()).blobs, []);

    const refusal = withCode('LAYOUT_UNWRITABLE', /^cannot write .*: permission denied$/);
    await assert.rejects(reader.tag('r.example.com/c:v2', manifest), refusal);
    await assert.rejects(reader.untag(NAME), refusal);
    await assert.rejects(reader.putBytes(Buffer.from('new'), 'text/plain'), refusal);
    await assert.rejects(reader.startUpload(), refusal);
    await assert.rejects(reader.applyPrune(await reader.planPrune()), refusal);
  });
  assertValidLayout(dir);
  assert.deepEqual(readdirSync(join(dir, 'ingest')), []);
});

test('a cache that may not even be read is said so', async (t) => {
  const { dir, layout } = looseCache(t);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  const { manifest } = await storeNamed(layout, NAME);
  if (!isRoot) return t.skip('its owner may read it: needs to run as root, to become another user');
  await withoutPrivileges(dir, async () => {
    await assert.rejects(openLayout(dir).readIndex(), withCode('LAYOUT_UNREADABLE', /permission denied/));
    await assert.rejects(openLayout(dir).readManifest(manifest), withCode('LAYOUT_UNREADABLE', /permission denied/));
  });
});

test('a layout that was opened for reading refuses every change', async (t) => {
  const { dir, layout } = looseCache(t);
  const { manifest, bytes, config } = await storeNamed(layout, NAME);
  const before = readdirSync(join(dir, 'blobs/sha256'));
  const reader = openLayout(dir, { readOnly: true });
  const repository = reader.repository('r.example.com/c');
  assert.equal(await repository.statBlob(config.digest), config.size);
  const refusal = withCode('LAYOUT_UNWRITABLE', /opened for reading only/);
  await assert.rejects(reader.tagAll([{ name: 'c:1', descriptor: manifest }]), refusal);
  await assert.rejects(reader.untagAll([NAME]), refusal);
  await assert.rejects(reader.putBytes(Buffer.from('x'), 'text/plain'), refusal);
  await assert.rejects(reader.startUpload(), refusal);
  await assert.rejects(repository.writeManifest({ descriptor: manifest, bytes }, 'v2'), refusal);
  await assert.rejects(repository.deleteTag('v1'), refusal);
  await assert.rejects(repository.deleteManifest(manifest.digest), refusal);
  await assert.rejects(repository.deleteBlob(config.digest), refusal);
  await assert.rejects(reader.applyPrune(await reader.planPrune()), refusal);
  assert.deepEqual(readdirSync(join(dir, 'blobs/sha256')), before);
  assert.deepEqual(readdirSync(join(dir, 'ingest')), []);
  assertValidLayout(dir);
});

test('a damaged chart is mended by storing it again', async (t) => {
  const { dir, layout } = looseCache(t);
  const stored = await storeNamed(layout, NAME);
  for (const { digest } of [stored.manifest, stored.config, ...stored.layers]) {
    const path = join(dir, 'blobs/sha256', digestHex(digest));
    const bytes = readFileSync(path);
    const damages: (() => void)[] = [
      () => rmSync(path),
      () => truncateSync(path, 1),
      () => writeFileSync(path, Buffer.alloc(bytes.length, 'x')),
      () => writeFileSync(path, Buffer.concat([bytes, bytes])),
    ];
    for (const damage of damages) {
      rmSync(path, { force: true });
      writeFileSync(path, bytes);
      damage();
      await storeArtifact(layout, { content: NAME });
      assertValidLayout(dir);
    }
  }
});
