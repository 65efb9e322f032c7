import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Layout } from '../../src/layout/layout.js';
import { digestHex } from '../../src/oci/digest.js';
import { describeManifest } from '../../src/oci/manifest.js';
import { CHART_LAYER_CURRENT, CHART_LAYER_LEGACY, CHART_PROVENANCE, OCI_INDEX } from '../../src/oci/media-types.js';
import { storeArtifact, storeNamed } from '../helpers/layout.js';
import { tidyCache, withCode } from './cache.js';

const HELM = 'org.opencontainers.image.ref.name';
const HIDDEN = 'io.helm-chart-cache.ref.name';

function indexText(dir: string): string {
  return readFileSync(join(dir, 'index.json'), 'utf8');
}

async function names(layout: Layout): Promise<(string | undefined)[]> {
  return (await layout.readIndex()).map(({ name }) => name);
}

test('a new name is appended, an old one is replaced in its place, and removing keeps the order', async (t) => {
  const { dir, layout } = tidyCache(t);
  for (const name of ['c:1', 'c:2', 'c:3']) await storeNamed(layout, name);
  const { manifest } = await storeNamed(layout, 'c:2', { content: 'newer' });
  assert.deepEqual(await names(layout), ['c:1', 'c:2', 'c:3']);
  assert.equal((await layout.readIndex())[1]?.descriptor?.digest, manifest.digest);
  assert.equal((await layout.untag('c:1'))?.name, 'c:1');
  assert.equal(await layout.untag('c:1'), undefined);
  assert.deepEqual(await names(layout), ['c:2', 'c:3']);
  await layout.untagAll(['c:2', 'c:3', 'c:4']);
  assert.equal(indexText(dir), '{"schemaVersion":2,"manifests":[]}');
});

test('an entry is written as Helm 3.6.3 writes it', async (t) => {
  const { dir, layout } = tidyCache(t);
  const { manifest } = await storeNamed(layout, 'r.example.com/c:1');
  assert.equal(
    indexText(dir),
    `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"${manifest.digest}",` +
      `"size":${manifest.size},"annotations":{"org.opencontainers.image.ref.name":"r.example.com/c:1"}}]}`,
  );
});

test('what a command does not touch survives it, members that nobody knows included', async (t) => {
  const { dir, layout } = tidyCache(t);
  await storeNamed(layout, 'c:1');
  const { manifest } = await storeNamed(layout, 'c:2');
  const [first, second] = (await layout.readIndex()).map(({ raw }) => JSON.stringify(raw));
  const odd = (first ?? '')
    .replace(
      '"annotations":{',
      '"platform":{"os":"linux"},"x-new":[1,{"a":null}],"annotations":{"com.example.who":"me","__proto__":"x",',
    )
    .replace('{', '{"urls":["u"],');
  const unnamed = JSON.stringify({ ...manifest, data: 'e30=' });
  const around = ['{"bogus":true,"schemaVersion":2,"manifests":[', '],"annotations":{"top":"1"},"__proto__":{}}'];
  writeFileSync(join(dir, 'index.json'), around.join([odd, unnamed, second].join(',')));
  const { manifest: third } = await storeNamed(layout, 'c:3');
  await layout.untag('c:2');
  const added = JSON.stringify({ ...third, annotations: { [HELM]: 'c:3' } });
  assert.equal(indexText(dir), around.join([odd, unnamed, added].join(',')));
  assert.deepEqual(await names(layout), ['c:1', undefined, 'c:3']);
});

test('many names are one write', async (t) => {
  const { dir, layout } = tidyCache(t);
  const items = [];
  for (let turn = 0; turn < 40; turn++) {
    items.push({ name: `c:${turn}`, descriptor: (await storeArtifact(layout, { content: `${turn}` })).manifest });
  }
  await layout.tagAll(items);
  assert.equal((await layout.readIndex()).length, 40);
  const before = statSync(join(dir, 'index.json')).ino;
  await layout.untagAll(items.map(({ name }) => name).slice(1));
  assert.deepEqual(await names(layout), ['c:0']);
  assert.notEqual(statSync(join(dir, 'index.json')).ino, before);
});

test('names that are given at the same time go into few writes', async (t) => {
  const { dir, layout } = tidyCache(t);
  const { manifest } = await storeNamed(layout, 'c:first');
  const versions = new Set<string>();
  const watch = (): void => {
    const { ino, mtimeNs } = statSync(join(dir, 'index.json'), { bigint: true });
    versions.add(`${ino} ${mtimeNs}`);
  };
  await Promise.all(Array.from({ length: 60 }, (_, turn) => layout.tag(`c:${turn}`, manifest).then(watch)));
  assert.equal((await layout.readIndex()).length, 61);
  assert.ok(versions.size <= 3, `${versions.size} versions of index.json were seen`);
});

test('a name that says the same already changes nothing on disk', async (t) => {
  const { dir, layout } = tidyCache(t);
  const { manifest } = await storeNamed(layout, 'c:1');
  const before = statSync(join(dir, 'index.json'), { bigint: true });
  assert.equal((await layout.tag('c:1', manifest))?.descriptor?.digest, manifest.digest);
  assert.equal(await layout.untag('c:2'), undefined);
  const after = statSync(join(dir, 'index.json'), { bigint: true });
  assert.deepEqual([after.ino, after.mtimeNs], [before.ino, before.mtimeNs]);
});

test('of several entries with one name none but the new one is left', async (t) => {
  const { dir, layout } = tidyCache(t);
  await storeNamed(layout, 'c:1', { content: 'a' });
  await storeNamed(layout, 'd:1', { content: 'b' });
  await storeNamed(layout, 'c:2', { content: 'c' });
  writeFileSync(join(dir, 'index.json'), indexText(dir).replace('c:2', 'c:1'));
  const { manifest } = await storeNamed(layout, 'c:1', { content: 'new' });
  assert.deepEqual(await names(layout), ['c:1', 'd:1']);
  assert.equal((await layout.readIndex())[0]?.descriptor?.digest, manifest.digest);
  writeFileSync(join(dir, 'index.json'), indexText(dir).replace('d:1', 'c:1'));
  await layout.untag('c:1');
  assert.deepEqual(await names(layout), []);
});

test('a name replaces the same name in the other annotation', async (t) => {
  const { dir, layout } = tidyCache(t);
  await storeNamed(layout, 'c:1', { layerTypes: [CHART_LAYER_CURRENT] });
  assert.ok(indexText(dir).includes(HIDDEN));
  await storeNamed(layout, 'c:1', { layerTypes: [CHART_LAYER_LEGACY] });
  assert.ok(!indexText(dir).includes(HIDDEN));
  assert.deepEqual(await names(layout), ['c:1']);
});

test('only what Helm 3.6.3 can read has a name where Helm looks', async (t) => {
  const { dir, layout } = tidyCache(t);
  await storeNamed(layout, 'legacy:1');
  await storeNamed(layout, 'legacy:20210304');
  await storeNamed(layout, 'current:1', { layerTypes: [CHART_LAYER_CURRENT] });
  await storeNamed(layout, 'signed:1', { layerTypes: [CHART_LAYER_LEGACY, CHART_PROVENANCE] });
  await storeNamed(layout, 'image:1', { configType: 'application/vnd.oci.image.config.v1+json' });
  const { manifest } = await storeNamed(layout, 'plain:1');
  const list = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [manifest] }));
  await layout.tag('index:1', await layout.putBytes(list, OCI_INDEX));
  const { manifests } = JSON.parse(indexText(dir)) as { manifests: { annotations: Record<string, string> }[] };
  assert.deepEqual(
    manifests.map(({ annotations }) => annotations[HELM]),
    ['legacy:1', undefined, undefined, undefined, undefined, 'plain:1', undefined],
  );
  assert.deepEqual(await names(layout), [
    ...['legacy:1', 'legacy:20210304', 'current:1', 'signed:1', 'image:1', 'plain:1', 'index:1'],
  ]);
});

test('nothing gets a name that is not here whole, and then none of the batch does', async (t) => {
  const { dir, layout } = tidyCache(t);
  const good = await storeNamed(layout, 'good:1');
  const bad = await storeArtifact(layout, { content: 'bad' });
  const path = join(dir, 'blobs/sha256', digestHex(bad.layers[0]?.digest ?? bad.config.digest));
  const bytes = readFileSync(path);
  const items = [
    { name: 'good:2', descriptor: good.manifest },
    { name: 'bad:1', descriptor: bad.manifest },
  ];
  rmSync(path);
  await assert.rejects(layout.tagAll(items), withCode('BLOB_NOT_FOUND'));
  writeFileSync(path, bytes.subarray(1));
  await assert.rejects(layout.tagAll(items), withCode('BLOB_SIZE_MISMATCH'));
  await assert.rejects(
    layout.tag('x:1', { ...good.manifest, digest: `sha256:${'0'.repeat(64)}` }),
    withCode('BLOB_NOT_FOUND'),
  );
  await assert.rejects(layout.tag('x:1', { ...good.manifest, size: 1 }), withCode('BLOB_SIZE_MISMATCH'));
  await assert.rejects(layout.tag('x:1', { ...good.manifest, mediaType: OCI_INDEX }), withCode('MANIFEST_INVALID'));
  assert.deepEqual(await names(layout), ['good:1']);
  rmSync(path);
  writeFileSync(path, bytes);
  await layout.tagAll(items);
  await layout.close();
});

test('layers that are not for distribution may be missing, and so may the manifests of an index', async (t) => {
  const { layout } = tidyCache(t);
  const { config, manifest } = await storeNamed(layout, 'c:1');
  const elsewhere = {
    mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    digest: `sha256:${'1'.repeat(64)}`,
    size: 7,
  };
  const sparse = { ...manifest, digest: `sha256:${'2'.repeat(64)}` };
  const documents = [
    { schemaVersion: 2, mediaType: manifest.mediaType, config, layers: [elsewhere] },
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [sparse] },
  ];
  for (const [turn, document] of documents.entries()) {
    const { bytes, descriptor } = describeManifest(Buffer.from(JSON.stringify(document)));
    await layout.putBytes(bytes, descriptor.mediaType);
    await layout.tag(`sparse:${turn}`, descriptor);
  }
  assert.deepEqual(await names(layout), ['c:1', 'sparse:0', 'sparse:1']);
  await layout.untag('sparse:0');
});

test('what an index lists loses the entry that it had for want of a name', async (t) => {
  const { layout } = tidyCache(t);
  const repository = layout.repository('r.example.com/c');
  const { manifest, bytes } = await storeArtifact(layout);
  await repository.writeManifest({ descriptor: manifest, bytes });
  assert.deepEqual(await names(layout), [`r.example.com/c@${manifest.digest}`]);
  const list = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [manifest] }));
  await layout.tag('r.example.com/c:1', await layout.putBytes(list, OCI_INDEX));
  assert.deepEqual(await names(layout), ['r.example.com/c:1']);
  assert.equal((await repository.readManifest(manifest.digest)).descriptor.mediaType, manifest.mediaType);
  await layout.close();
});

test('waiting for a turn can be cancelled, and the others are not', async (t) => {
  const { layout } = tidyCache(t);
  const { manifest } = await storeNamed(layout, 'c:1');
  const abort = new AbortController();
  const cancelled = layout.tag('c:cancelled', manifest, { signal: abort.signal });
  const kept = layout.tag('c:kept', manifest);
  abort.abort();
  await assert.rejects(cancelled, withCode('CANCELLED'));
  await kept;
  await assert.rejects(layout.tag('c:late', manifest, { signal: abort.signal }), withCode('CANCELLED'));
  assert.deepEqual(await names(layout), ['c:1', 'c:kept']);
});
