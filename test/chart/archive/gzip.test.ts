import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { gzip } from '../../../src/chart/archive/gzip.js';

async function compress(content: Uint8Array, piece: number): Promise<Buffer> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const reused = Buffer.alloc(piece);
    for (let at = 0; at < content.length; at += piece) {
      const part = content.subarray(at, at + piece);
      reused.set(part);
      yield reused.subarray(0, part.length);
    }
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of gzip(pieces())) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Text with repetitions near and far, the same on every machine. */
function sample(size: number): Buffer {
  const words = ['replicas', 'image', '{{ .Values.', 'name', '}}', '\n  ', 'app.kubernetes.io/', ': ', '"0.1.', 'true'];
  let state = 7;
  let text = '';
  while (text.length < size) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    text += words[(state >> 16) % words.length];
  }
  return Buffer.from(text.slice(0, size));
}

test('writes a fixed header, and a trailer that other programs check', async () => {
  const content = sample(300_000);
  const packed = await compress(content, 1000);
  assert.equal(packed.subarray(0, 10).toString('hex'), '1f8b08000000000000ff');
  assert.deepEqual(gunzipSync(packed), content);
});

test('gives the same bytes however the content is cut into pieces', async () => {
  const content = sample(300_000);
  const whole = await compress(content, content.length);
  for (const piece of [1, 7, 512, 65_535, 65_536, 65_537]) assert.deepEqual(await compress(content, piece), whole);
});

/** Bytes without any pattern, the same on every machine. */
function noise(size: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    createHash('sha256').update(String(i)).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

test('stores what cannot be shrunk, and shrinks what is around it', async () => {
  const mixed = Buffer.concat([noise(500_000), sample(200_000), noise(300_000), sample(10), noise(70_000)]);
  const packed = await compress(mixed, 10_000);
  assert.deepEqual(gunzipSync(packed), mixed);
  assert.deepEqual(await compress(mixed, 65_536), packed);
  assert.ok(packed.length < 870_010 + 200_000 / 3, String(packed.length));
  const noisy = await compress(noise(1_000_000), 10_000);
  assert.ok(noisy.length < 1_000_400, String(noisy.length));
  assert.deepEqual(gunzipSync(noisy), noise(1_000_000));
});

test('shrinks what has a pattern although no byte is more frequent than another', async () => {
  const counting = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i & 255));
  assert.ok((await compress(counting, 10_000)).length < 3000);
  const repeated = Buffer.concat(Array.from({ length: 20 }, () => noise(20_000)));
  assert.ok((await compress(repeated, 10_000)).length < 60_000);
});

test('gives the bytes of the reference zlib at level 6', async () => {
  // zlib.compressobj(6, zlib.DEFLATED, -15) of Python with zlib 1.2.13, between the header and trailer above.
  const digests = {
    0: '9b4fb24edd6d1d8830e272398263cdbf026b97392cc35387b991dc0248a628f9',
    1: '48ce34f78614ba8ec52b5aba6bb70ef72e2fbef6ad808a60f1d6aa84159903fd',
    300000: 'cd3678fe84c4e06f76371cc4f9d4413b0740bb71452436b808e91e32340022ef',
  };
  for (const [size, digest] of Object.entries(digests)) {
    const packed = await compress(sample(Number(size)), 4096);
    assert.equal(createHash('sha256').update(packed.subarray(10, -8)).digest('hex'), digest);
  }
});
