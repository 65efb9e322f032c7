import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type CopyEvent, copyArtifact, copyContent, copyManifest } from '../src/copy.js';
import { ChartError, isChartError } from '../src/errors.js';
import type { Descriptor } from '../src/oci/descriptor.js';
import { digestOf } from '../src/oci/digest.js';
import { checkBytes, describeManifest, type RawManifest } from '../src/oci/manifest.js';
import { OCI_INDEX, OCI_MANIFEST } from '../src/oci/media-types.js';
import type { Destination, Source } from '../src/oci/target.js';
import { openRegistry } from '../src/registry/registry.js';
import { requireTools, startDockerRegistry } from './helpers/docker-registry.js';
import { type ExpectedRequest, startExchange } from './helpers/http-exchange.js';
import { blob, CONFIG, collect, LAYER, MANIFEST, manifestOf, readAll } from './registry/artifacts.js';

/** Content by digest, manifests by tag, and a log of what was done in which order. */
class Memory implements Source, Destination {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, RawManifest>();
  readonly log: string[] = [];
  /** Reads of blobs under way, and the most there were. */
  reading = 0;
  busiest = 0;

  constructor(blobs: readonly { bytes: Buffer }[] = [], manifests: Readonly<Record<string, RawManifest>> = {}) {
    for (const { bytes } of blobs) this.blobs.set(digestOf(bytes), bytes);
    for (const [name, manifest] of Object.entries(manifests)) this.manifests.set(name, manifest);
  }

  async resolve(reference: string): Promise<Descriptor> {
    return (await this.readManifest(reference)).descriptor;
  }

  async readManifest(reference: string): Promise<RawManifest> {
    const manifest = this.manifests.get(reference);
    if (!manifest) throw new ChartError('MANIFEST_NOT_FOUND', `${reference}: not found`);
    this.log.push(`read manifest ${reference.slice(0, 12)}`);
    return manifest;
  }

  async readBlob({ digest }: Descriptor): Promise<Readable> {
    const bytes = this.blobs.get(digest);
    if (!bytes) throw new ChartError('BLOB_NOT_FOUND', `${digest}: not found`);
    this.busiest = Math.max(this.busiest, ++this.reading);
    await new Promise((resolve) => setImmediate(resolve));
    const stream = Readable.from(bytes.length > 0 ? [bytes.subarray(0, 3), bytes.subarray(3)] : [], {
      objectMode: false,
    });
    stream.once('close', () => this.reading--);
    return stream;
  }

  async statBlob(digest: string): Promise<number | undefined> {
    return this.blobs.get(digest)?.length;
  }

  async *listTags(): AsyncGenerator<string> {
    yield* this.manifests.keys();
  }

  async writeBlob(descriptor: Descriptor, open: () => Promise<Readable>): Promise<void> {
    if (this.blobs.has(descriptor.digest)) return;
    const bytes = await readAll(await open());
    checkBytes(bytes, descriptor, 'blob');
    this.blobs.set(descriptor.digest, bytes);
    this.log.push(`blob ${bytes.toString().slice(0, 16)}`);
  }

  async writeManifest(manifest: RawManifest, tag?: string): Promise<void> {
    this.log.push(`manifest ${tag ?? 'without tag'}`);
    for (const name of [manifest.descriptor.digest, ...(tag === undefined ? [] : [tag])])
      this.manifests.set(name, manifest);
  }
}

function indexOf(manifests: readonly RawManifest[], members: object = {}): RawManifest {
  const listed = manifests.map(({ descriptor }) => descriptor);
  return describeManifest(Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: listed, ...members })), OCI_INDEX);
}

/** All of the manifests, by digest. */
function byDigest(...manifests: readonly RawManifest[]): Record<string, RawManifest> {
  return Object.fromEntries(manifests.map((manifest) => [manifest.descriptor.digest, manifest]));
}

test('copies content first and the manifest last, and says how much', async () => {
  const source = new Memory([CONFIG, LAYER], { '1.0.0': MANIFEST });
  const destination = new Memory();
  const copied = await copyArtifact(source, destination, '1.0.0', { tag: '2.0.0' });
  assert.deepEqual(copied, {
    ...MANIFEST,
    copiedBytes: CONFIG.bytes.length + LAYER.bytes.length,
    copiedBlobs: 2,
    skippedBlobs: 0,
  });
  assert.deepEqual(destination.log.slice(0, 2).sort(), ['blob a packed chart', 'blob {"name":"app","v']);
  assert.equal(destination.log[2], 'manifest 2.0.0');
  assert.equal(destination.manifests.get('2.0.0')?.bytes, MANIFEST.bytes);
});

test('reads nothing that the destination has', async () => {
  const source = new Memory([CONFIG], { '1': MANIFEST });
  const destination = new Memory([LAYER]);
  const copied = await copyArtifact(source, destination, '1', {});
  assert.deepEqual([copied.copiedBytes, copied.copiedBlobs, copied.skippedBlobs], [CONFIG.bytes.length, 1, 1]);
  assert.deepEqual(destination.log.at(-1), 'manifest without tag');
});

test('tells of every blob how far it is, and of the manifest that it is there', async () => {
  const events: CopyEvent[] = [];
  await copyArtifact(new Memory([LAYER], { '1': MANIFEST }), new Memory([CONFIG]), '1', {
    tag: '1',
    concurrency: 1,
    onEvent: (event) => events.push(event),
  });
  assert.deepEqual(events, [
    { kind: 'blob-done', descriptor: CONFIG.descriptor, skipped: true },
    { kind: 'blob', descriptor: LAYER.descriptor, bytes: 3 },
    { kind: 'blob', descriptor: LAYER.descriptor, bytes: LAYER.bytes.length },
    { kind: 'blob-done', descriptor: LAYER.descriptor, skipped: false },
    { kind: 'manifest-done', descriptor: MANIFEST.descriptor, tag: '1' },
  ]);
});

test('copies what an index lists before the index, and content that is listed twice once', async () => {
  const second = manifestOf({ annotations: { n: '2' } });
  const inner = indexOf([second, MANIFEST]);
  const outer = indexOf([MANIFEST, inner, MANIFEST]);
  const source = new Memory([CONFIG, LAYER], { all: outer, ...byDigest(MANIFEST, second, inner) });
  const destination = new Memory();
  const copied = await copyArtifact(source, destination, 'all', { tag: 'all' });
  assert.deepEqual([copied.copiedBlobs, copied.skippedBlobs], [2, 0]);
  assert.equal(destination.log.filter((line) => line.startsWith('blob')).length, 2);
  assert.deepEqual(destination.log.slice(-4), [
    'manifest without tag',
    'manifest without tag',
    'manifest without tag',
    'manifest all',
  ]);
  assert.equal(source.log.filter((line) => line.startsWith('read manifest sha256')).length, 3);
});

test('copies what a manifest refers to, and not the manifest, where that is asked for', async () => {
  const destination = new Memory();
  const counts = await copyContent(new Memory([CONFIG, LAYER]), destination, MANIFEST);
  assert.equal(counts.copiedBlobs, 2);
  assert.equal(destination.manifests.size, 0);
  await copyManifest(new Memory(), destination, MANIFEST, { tag: 'x' });
  assert.ok(destination.manifests.has('x'));
});

test('reads no more blobs at a time than it may', async () => {
  const layers = Array.from({ length: 9 }, (_, index) => blob(`layer ${index}`));
  const manifest = manifestOf({ layers: layers.map(({ descriptor }) => descriptor) });
  const source = new Memory([CONFIG, ...layers], { '1': manifest });
  await copyArtifact(source, new Memory(), '1', { concurrency: 3 });
  assert.equal(source.busiest, 3);
});

test('writes no manifest when a blob fails, and says which one', async () => {
  const destination = new Memory();
  await assert.rejects(
    copyArtifact(new Memory([CONFIG], { '1': MANIFEST }), destination, '1', { tag: '1' }),
    (error) => {
      assert.ok(isChartError(error, 'BLOB_NOT_FOUND'));
      assert.match(error.message, new RegExp(LAYER.descriptor.digest));
      return true;
    },
  );
  assert.equal(destination.manifests.size, 0);
});

test('stops the others when one blob fails', async () => {
  const source = new Memory([CONFIG], { '1': MANIFEST });
  const stalled = new Readable({ read() {} });
  source.readBlob = async ({ digest }) => {
    if (digest === LAYER.descriptor.digest) throw new ChartError('BLOB_NOT_FOUND', 'gone');
    return stalled;
  };
  await assert.rejects(copyArtifact(source, new Memory(), '1', {}), (error) => isChartError(error, 'BLOB_NOT_FOUND'));
  assert.equal(stalled.destroyed, true);
});

test('stops when cancelled', async () => {
  const controller = new AbortController();
  const destination = new Memory();
  const copying = copyArtifact(new Memory([CONFIG, LAYER], { '1': MANIFEST }), destination, '1', {
    signal: controller.signal,
    concurrency: 1,
    onEvent: () => controller.abort(),
  });
  await assert.rejects(copying, (error) => isChartError(error, 'CANCELLED'));
  assert.equal(destination.manifests.size, 0);
});

test('CVE-2025-24882: compares a manifest with the digest that it was asked for by, whatever the source did', async () => {
  const other = manifestOf({ annotations: { other: 'yes' } });
  const source = new Memory([CONFIG, LAYER], { [MANIFEST.descriptor.digest]: other });
  const copying = copyArtifact(source, new Memory(), MANIFEST.descriptor.digest, {});
  await assert.rejects(copying, (error) => isChartError(error, 'BLOB_DIGEST_MISMATCH'));
  const listed = new Memory([CONFIG, LAYER], { all: indexOf([MANIFEST]), [MANIFEST.descriptor.digest]: other });
  await assert.rejects(copyArtifact(listed, new Memory(), 'all', {}), (error) => {
    return isChartError(error, 'BLOB_DIGEST_MISMATCH') || isChartError(error, 'BLOB_SIZE_MISMATCH');
  });
});

test('refuses a manifest that its index calls something else', async () => {
  const index = indexOf([{ ...MANIFEST, descriptor: { ...MANIFEST.descriptor, mediaType: OCI_INDEX } }]);
  const source = new Memory([CONFIG, LAYER], { all: index, ...byDigest(MANIFEST) });
  await assert.rejects(copyArtifact(source, new Memory(), 'all', {}), (error) =>
    isChartError(error, 'MANIFEST_INVALID'),
  );
});

test('cuts a blob off that is longer than promised, even one without end, and refuses a shorter one', async () => {
  const promise = blob('ten bytes!');
  const manifest = manifestOf({ layers: [promise.descriptor] });
  for (const endless of [true, false]) {
    const source = new Memory([CONFIG], { '1': manifest });
    let given = 0;
    source.readBlob = async (descriptor) =>
      descriptor.digest !== promise.descriptor.digest
        ? Readable.from([CONFIG.bytes])
        : new Readable({
            read() {
              given += 4;
              this.push(!endless && given > 8 ? null : 'four');
            },
          });
    const destination = new Memory();
    let stored = 0;
    destination.writeBlob = async (descriptor, open) => {
      for await (const chunk of await open()) if (descriptor.size === 10) stored += (chunk as Buffer).length;
    };
    await assert.rejects(copyArtifact(source, destination, '1', {}), (error) =>
      isChartError(error, 'BLOB_SIZE_MISMATCH'),
    );
    assert.ok(stored <= 10, `${stored}`);
  }
});

test('GHSA-f36w-mj3v-6jqv: a descriptor of 2^62 bytes is refused before anything is read', async () => {
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, config: CONFIG.descriptor, layers: [{ ...LAYER.descriptor, size: 2 ** 62 }] }),
  );
  const source = new Memory([CONFIG, LAYER], {
    '1': { descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length }, bytes },
  });
  source.readBlob = () => Promise.reject(new Error('read'));
  await assert.rejects(copyArtifact(source, new Memory(), '1', {}), (error) => isChartError(error, 'MANIFEST_INVALID'));
});

test('an index that holds indexes without end, or manifests without end, is refused', async () => {
  const deep: RawManifest[] = [indexOf([MANIFEST])];
  for (let depth = 0; depth < 6; depth += 1) deep.push(indexOf([deep.at(-1) as RawManifest]));
  const nested = new Memory([CONFIG, LAYER], { all: deep.at(-1) as RawManifest, ...byDigest(MANIFEST, ...deep) });
  await assert.rejects(copyArtifact(nested, new Memory(), 'all', {}), (error) => isChartError(error, 'LIMIT_EXCEEDED'));
  const many = Array.from({ length: 1001 }, (_, index) => manifestOf({ annotations: { n: `${index}` } }));
  const wide = new Memory([CONFIG, LAYER], { all: indexOf(many), ...byDigest(...many) });
  await assert.rejects(copyArtifact(wide, new Memory(), 'all', {}), (error) => isChartError(error, 'LIMIT_EXCEEDED'));
});

test('CVE-2020-15157: the urls of a layer are ignored', async (t) => {
  const elsewhere = await startExchange(t, []);
  const urls = [`${elsewhere.url}/layer`];
  const manifest = manifestOf({ layers: [{ ...LAYER.descriptor, urls }] });
  const get = (path: string, body: Uint8Array, type: string): ExpectedRequest => ({
    method: 'GET',
    path: `/v2/a/${path}`,
    answer: { headers: { 'content-type': type }, body },
  });
  const server = await startExchange(t, [
    get('manifests/1', manifest.bytes, OCI_MANIFEST),
    [
      get(`blobs/${CONFIG.descriptor.digest}`, CONFIG.bytes, 'a/b'),
      get(`blobs/${LAYER.descriptor.digest}`, LAYER.bytes, 'a/b'),
    ],
  ]);
  const destination = new Memory();
  await copyArtifact(connect(t, server.host), destination, '1', {});
  assert.deepEqual(destination.blobs.get(LAYER.descriptor.digest), LAYER.bytes);
});

test('needs three round trips, one after another, for a new chart of one layer', async (t) => {
  const stored = { status: 201 };
  const upload = (name: string): ExpectedRequest => ({
    method: 'POST',
    path: '/v2/a/blobs/uploads/',
    answer: { status: 202, headers: { location: `/u/${name}` } },
  });
  const look = ({ descriptor }: typeof LAYER): ExpectedRequest => ({
    method: 'HEAD',
    path: `/v2/a/blobs/${descriptor.digest}`,
    answer: { status: 404 },
  });
  const server = await startExchange(
    t,
    [
      [look(CONFIG), look(LAYER), upload('1'), upload('2')],
      [
        { method: 'PUT', path: /^\/u\//, answer: stored },
        { method: 'PUT', path: /^\/u\//, answer: stored },
      ],
      { method: 'PUT', path: '/v2/a/manifests/1', body: MANIFEST.bytes, answer: stored },
    ],
    { together: true },
  );
  await copyArtifact(new Memory([CONFIG, LAYER], { '1': MANIFEST }), connect(t, server.host), '1', { tag: '1' });
});

test('copies from one repository of a real registry to another, which takes the blobs over by itself', {
  skip: requireTools('docker-registry'),
}, async (t) => {
  const server = await startDockerRegistry();
  t.after(() => server.stop());
  const layer = blob(Buffer.alloc(3_000_000, 'chart'));
  const manifest = manifestOf({ layers: [layer.descriptor] });
  const registry = openRegistry(server.host);
  t.after(() => registry.close());
  const [one, two] = [registry.repository('one'), registry.repository('two')];
  await copyArtifact(new Memory([CONFIG, layer], { '1': manifest }), one, '1', { tag: '1' });
  const copied = await copyArtifact(one, two, '1', { tag: '1' });
  assert.deepEqual([copied.copiedBlobs, copied.skippedBlobs], [0, 2]);
  assert.deepEqual(await two.resolve('1'), manifest.descriptor);
  assert.deepEqual(await readAll(await two.readBlob(layer.descriptor)), layer.bytes);
  assert.deepEqual(await collect(two.listTags()), ['1']);
  assert.equal((await copyArtifact(one, two, '1', { tag: '2' })).skippedBlobs, 2);
});

function connect(t: TestContext, host: string): ReturnType<ReturnType<typeof openRegistry>['repository']> {
  const registry = openRegistry(host);
  t.after(() => registry.close());
  return registry.repository('a');
}
