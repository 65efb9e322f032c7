import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { gunzip } from '../../../src/chart/archive/gunzip.js';
import { ChartError, isChartError } from '../../../src/errors.js';
import { streamOf } from './tar-builder.js';

const CONTENT = Buffer.from(Array.from({ length: 400 }, (_, i) => `line ${i * i}\n`).join(''));

async function unpack(packed: Uint8Array, chunk?: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const piece of gunzip(streamOf(packed, chunk))) chunks.push(piece);
  return Buffer.concat(chunks);
}

function invalid(message: string) {
  return (error: unknown): boolean => {
    assert.ok(isChartError(error, 'ARCHIVE_INVALID'), String(error));
    assert.equal(error.message, message);
    return true;
  };
}

test('unpacks one member, or several one after the other', async () => {
  const two = Buffer.concat([gzipSync(CONTENT), gzipSync('tail')]);
  for (const chunk of [1, 100, 100_000]) {
    assert.deepEqual(await unpack(gzipSync(CONTENT), chunk), CONTENT);
    assert.deepEqual(await unpack(two, chunk), Buffer.concat([CONTENT, Buffer.from('tail')]));
  }
});

test('refuses a stream that is cut off at any byte, in one chunk or byte by byte', async () => {
  const packed = gzipSync(CONTENT);
  await assert.rejects(unpack(Buffer.alloc(0)), invalid('EOF'));
  for (let length = 1; length < packed.length; length++) {
    await assert.rejects(unpack(packed.subarray(0, length)), invalid('unexpected EOF'), `${length} bytes`);
  }
  for (const length of [5, 9, 10, 11, 50, packed.length - 9, packed.length - 8, packed.length - 1]) {
    await assert.rejects(unpack(packed.subarray(0, length), 1), invalid('unexpected EOF'), `${length} bytes`);
  }
});

test('refuses bytes after the end, wherever the chunks end', async () => {
  const packed = gzipSync(CONTENT);
  for (const tail of ['\0', '\0'.repeat(600), 'garbage', 'x'.repeat(200_000), '\x1f', '\x1f\x8b\x08']) {
    const longer = Buffer.concat([packed, Buffer.from(tail, 'latin1')]);
    for (const chunk of [longer.length, packed.length, 1000]) {
      await assert.rejects(unpack(longer, chunk), (error: unknown) => isChartError(error, 'ARCHIVE_INVALID'));
    }
  }
});

test('names what is damaged', async () => {
  const packed = gzipSync(CONTENT);
  const damaged = (at: number): Buffer => {
    const copy = Buffer.from(packed);
    copy[at]! ^= 0xff;
    return copy;
  };
  for (const at of [0, 1, 2]) await assert.rejects(unpack(damaged(at)), invalid('gzip: invalid header'));
  await assert.rejects(unpack(damaged(packed.length - 8)), invalid('gzip: invalid checksum'));
  await assert.rejects(unpack(damaged(packed.length - 4)), invalid('gzip: invalid checksum'));
  await assert.rejects(unpack(Buffer.from('not gzip, but long enough')), invalid('gzip: invalid header'));
  const badBlock = Buffer.concat([packed.subarray(0, 10), Buffer.alloc(30, 0xff)]);
  await assert.rejects(unpack(badBlock), invalid('flate: corrupt input'));
});

test('hands on the error of its source as it is', async () => {
  const fault = new ChartError('BLOB_NOT_FOUND', 'gone');
  const packed = gzipSync(CONTENT);
  async function* failing(): AsyncGenerator<Buffer> {
    yield packed.subarray(0, 100);
    throw fault;
  }
  await assert.rejects(async () => {
    for await (const _ of gunzip(Readable.from(failing())));
  }, fault);
});

test('ends at once when it is cancelled, also while its source says nothing', async () => {
  const source = new PassThrough();
  source.write(gzipSync(CONTENT).subarray(0, 50));
  const controller = new AbortController();
  const reading = assert.rejects(
    async () => {
      for await (const _ of gunzip(source, controller.signal));
    },
    (error: unknown) => isChartError(error, 'CANCELLED'),
  );
  setImmediate(() => controller.abort());
  await reading;
  assert.equal(source.destroyed, true);
  const late = streamOf(gzipSync(CONTENT));
  await assert.rejects(
    async () => {
      for await (const _ of gunzip(late, AbortSignal.abort()));
    },
    (error: unknown) => isChartError(error, 'CANCELLED'),
  );
});

test('closes its source when its reader stops early', async () => {
  const source = streamOf(gzipSync(Buffer.alloc(5_000_000)), 100);
  const closed = once(source, 'close');
  for await (const _ of gunzip(source)) break;
  await closed;
});
