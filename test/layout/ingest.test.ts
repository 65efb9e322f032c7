import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ChartError, type ChartErrorCode, isChartError } from '../../src/errors.js';
import { openLayout } from '../../src/layout/layout.js';
import type { Descriptor } from '../../src/oci/descriptor.js';
import { digestHex, digestOf } from '../../src/oci/digest.js';
import { tidyCache, withCode } from './cache.js';
import { collect } from './collect.js';

const TYPE = 'application/octet-stream';
const BIG = Buffer.alloc(1_500_000, 'big content, ');

function describe(bytes: Buffer): Descriptor {
  return { mediaType: TYPE, digest: digestOf(bytes), size: bytes.length };
}

function pieces(bytes: Buffer, size = 60_000): Readable {
  return Readable.from(
    (function* () {
      for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
    })(),
  );
}

test('a stream becomes a blob under the digest that it turns out to have', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const found = await layout.ingestBlob(pieces(BIG), { mediaType: TYPE });
  assert.deepEqual(found, describe(BIG));
  assert.ok(readFileSync(pathOf(found.digest)).equals(BIG));
  const sha512 = await layout.ingestBlob(pieces(BIG), { mediaType: TYPE, algorithm: 'sha512' });
  assert.equal(sha512.digest, digestOf(BIG, 'sha512'));
  assert.ok(readFileSync(pathOf(sha512.digest)).equals(BIG));
});

test('a stream of strings, of nothing, and of odd pieces is stored as it is', async (t) => {
  const { layout } = tidyCache(t);
  assert.equal((await layout.ingestBlob(Readable.from(['hö', 'lle']), { mediaType: TYPE })).size, 6);
  assert.equal((await layout.ingestBlob(Readable.from([]), { mediaType: TYPE })).size, 0);
  assert.deepEqual(await layout.ingestBlob(pieces(BIG, 1237), { mediaType: TYPE }), describe(BIG));
});

test('a blob that is here is not written again, and keeps the time at which it came', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const { digest } = await layout.ingestBlob(pieces(BIG), { mediaType: TYPE });
  utimesSync(pathOf(digest), 1000, 1000);
  const before = statSync(pathOf(digest));
  await layout.ingestBlob(pieces(BIG), { mediaType: TYPE });
  await layout.putBytes(BIG, TYPE);
  await layout.writeBlob(describe(BIG), () => assert.fail('it is here'));
  await layout.writeBlob(describe(BIG), () => assert.fail('it is here'), { verify: true });
  const upload = await layout.startUpload();
  await upload.append(pieces(BIG));
  await upload.commit(digest);
  const after = statSync(pathOf(digest));
  assert.deepEqual([after.mtimeMs, after.ino], [before.mtimeMs, before.ino]);
  assert.deepEqual(layout.statBlobFile(digest), { size: BIG.length, created: new Date(1_000_000) });
});

test('a damaged blob is replaced by whoever has the content', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const descriptor = await layout.putBytes(BIG, TYPE);
  const path = pathOf(descriptor.digest);
  const damages = [Buffer.alloc(BIG.length), BIG.subarray(1), Buffer.concat([BIG, BIG]), Buffer.alloc(0)];
  const uploading = async (): Promise<void> => {
    const upload = await layout.startUpload();
    await upload.append(pieces(BIG));
    await upload.commit(descriptor.digest);
  };
  const repairs: (() => Promise<unknown>)[] = [
    () => layout.putBytes(BIG, TYPE),
    () => layout.ingestBlob(pieces(BIG), { mediaType: TYPE }),
    () => layout.writeBlob(descriptor, async () => pieces(BIG), { verify: true }),
    uploading,
  ];
  for (const damage of damages) {
    for (const repair of repairs) {
      rmSync(path);
      writeFileSync(path, damage);
      await assert.rejects(layout.verifyBlob(descriptor));
      await repair();
      await layout.verifyBlob(descriptor);
    }
  }
});

test('writeBlob trusts the size of a file, and its content only where it is told to look', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const descriptor = await layout.putBytes(BIG, TYPE);
  rmSync(pathOf(descriptor.digest));
  writeFileSync(pathOf(descriptor.digest), Buffer.alloc(BIG.length));
  await layout.writeBlob(descriptor, () => assert.fail('the size is right'));
  let opened = 0;
  const open = async (): Promise<Readable> => {
    opened += 1;
    return pieces(BIG);
  };
  await layout.writeBlob(descriptor, open, { verify: true });
  await layout.writeBlob(descriptor, open, { verify: true });
  assert.equal(opened, 1);
});

test('content other than promised never becomes a blob', async (t) => {
  const { dir, layout } = tidyCache(t);
  const wanted = describe(BIG);
  const cases: [Readable, Descriptor, ChartErrorCode][] = [
    [pieces(Buffer.alloc(BIG.length)), wanted, 'BLOB_DIGEST_MISMATCH'],
    [pieces(BIG.subarray(1)), wanted, 'BLOB_SIZE_MISMATCH'],
    [pieces(Buffer.concat([BIG, Buffer.alloc(1)])), wanted, 'BLOB_SIZE_MISMATCH'],
    [pieces(BIG), { ...wanted, size: BIG.length - 1 }, 'BLOB_SIZE_MISMATCH'],
    [pieces(BIG), { ...wanted, size: BIG.length + 1 }, 'BLOB_SIZE_MISMATCH'],
    [Readable.from([]), wanted, 'BLOB_SIZE_MISMATCH'],
  ];
  for (const [content, descriptor, expected] of cases) {
    await assert.rejects(
      layout.writeBlob(descriptor, async () => content),
      withCode(expected),
    );
    assert.equal(content.destroyed, true);
  }
  const options = { mediaType: TYPE, expected: { digest: digestOf(Buffer.from('other')) } };
  await assert.rejects(layout.ingestBlob(pieces(BIG), options), withCode('BLOB_DIGEST_MISMATCH'));
  assert.deepEqual(readdirSync(join(dir, 'blobs/sha256')), []);
});

test('content without an end is cut off at the size that was promised', async (t) => {
  const { layout } = tidyCache(t);
  let produced = 0;
  const endless = new Readable({
    read() {
      produced += 65_536;
      this.push(Buffer.alloc(65_536));
    },
  });
  await assert.rejects(
    layout.writeBlob(describe(BIG), async () => endless),
    withCode('BLOB_SIZE_MISMATCH'),
  );
  assert.ok(produced < 2 * BIG.length, `${produced} bytes were taken`);
});

test('the fault of the content is passed on, and nothing stays behind', async (t) => {
  const { dir, layout } = tidyCache(t);
  const fault = new ChartError('REGISTRY_UNREACHABLE', 'gone');
  const broken = Readable.from(
    (function* () {
      yield BIG;
      throw fault;
    })(),
  );
  await assert.rejects(layout.ingestBlob(broken, { mediaType: TYPE }), fault);
  const open = async (): Promise<Readable> => {
    throw fault;
  };
  await assert.rejects(layout.writeBlob(describe(BIG), open), fault);
  const missing = Object.assign(new Error('no such file'), { code: 'EACCES' });
  const unreadable = new Readable({ read: () => undefined });
  unreadable.destroy(missing);
  await assert.rejects(layout.ingestBlob(unreadable, { mediaType: TYPE }), missing, 'is no fault of the cache');
  assert.deepEqual(readdirSync(join(dir, 'ingest')), []);
});

test('a transfer can be cancelled while it waits for content', async (t) => {
  const { layout } = tidyCache(t);
  const abort = new AbortController();
  let asked = 0;
  const stalled = new Readable({
    read() {
      asked += 1;
      if (asked === 1) this.push(BIG);
      else abort.abort();
    },
  });
  const write = layout.writeBlob(describe(Buffer.alloc(2 * BIG.length)), async () => stalled, { signal: abort.signal });
  await assert.rejects(write, withCode('CANCELLED'));
  assert.equal(stalled.destroyed, true);
  await assert.rejects(
    layout.ingestBlob(pieces(BIG), { mediaType: TYPE, signal: abort.signal }),
    withCode('CANCELLED'),
    'aborted before it began',
  );
});

test('the same content from many sides at once is stored once', async (t) => {
  const { dir, layout } = tidyCache(t);
  const other = openLayout(dir);
  const all = Array.from({ length: 12 }, (_, turn) =>
    (turn % 2 === 0 ? layout : other).ingestBlob(pieces(BIG), { mediaType: TYPE }),
  );
  for (const found of await Promise.all(all)) assert.deepEqual(found, describe(BIG));
  await other.close();
  assert.deepEqual(readdirSync(join(dir, 'blobs/sha256')), [digestHex(digestOf(BIG))]);
});

test('a blob is read whole or in part', async (t) => {
  const { layout } = tidyCache(t);
  for (const bytes of [BIG, Buffer.from('small content'), Buffer.alloc(0)]) {
    const descriptor = await layout.putBytes(bytes, TYPE);
    const read = async (range?: { start?: number; end?: number }): Promise<Buffer> =>
      Buffer.concat(await collect(await layout.readBlob(descriptor, range)));
    assert.ok((await read()).equals(bytes));
    assert.ok((await read({ start: 3 })).equals(bytes.subarray(3)));
    assert.ok((await read({ start: 3, end: 7 })).equals(bytes.subarray(3, 8)));
    assert.ok((await read({ start: 0, end: 0 })).equals(bytes.subarray(0, 1)));
    assert.ok((await read({ start: 1, end: 900_000 })).equals(bytes.subarray(1, 900_001)));
    assert.ok((await read({ start: 5, end: 10 ** 12 })).equals(bytes.subarray(5)));
    assert.equal((await read({ start: 10 ** 12 })).length, 0);
  }
});

test('reading stops when it is cancelled, and the file is closed', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const descriptor = await layout.putBytes(BIG, TYPE);
  const abort = new AbortController();
  const content = await layout.readBlob(descriptor, { signal: abort.signal });
  const reading = (async () => {
    for await (const _chunk of content) abort.abort();
  })();
  await assert.rejects(reading, withCode('CANCELLED'));
  await assert.rejects(layout.readBlob(descriptor, { signal: abort.signal }), withCode('CANCELLED'));
  await assert.rejects(layout.verifyBlob(descriptor, { signal: abort.signal }), withCode('CANCELLED'));
  if (process.platform !== 'linux') return;
  const open = readdirSync('/proc/self/fd').flatMap((fd) => {
    const stats = statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false });
    return stats && stats.ino === statSync(pathOf(descriptor.digest)).ino ? [fd] : [];
  });
  assert.deepEqual(open, []);
});

test('a blob that is not here is said to be missing, with the place where it should be', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  await layout.putBytes(Buffer.from('x'), TYPE);
  const descriptor = describe(BIG);
  const missing = (error: unknown): boolean => {
    assert.ok(isChartError(error, 'BLOB_NOT_FOUND'), String(error));
    assert.equal(error.message, `blob ${descriptor.digest} expected at ${pathOf(descriptor.digest)}: not found`);
    return true;
  };
  await assert.rejects(layout.readBlob(descriptor), missing);
  await assert.rejects(layout.verifyBlob(descriptor), missing);
  await assert.rejects(layout.readSmallBlob(descriptor), missing);
  assert.throws(() => layout.statBlobFile(descriptor.digest), missing);
});

test('without fsync everything else is the same', async (t) => {
  const { dir } = tidyCache(t);
  const layout = openLayout(dir, { fsync: false });
  const config = await layout.putBytes(Buffer.from('{}'), 'application/vnd.cncf.helm.config.v1+json');
  const layer = await layout.ingestBlob(pieces(BIG), { mediaType: 'application/tar+gzip' });
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [layer] }));
  const descriptor = await layout.putBytes(manifest, 'application/vnd.oci.image.manifest.v1+json');
  await layout.tag('c:1', descriptor);
  assert.equal((await layout.readIndex())[0]?.name, 'c:1');
});
