/**
 * A gzip member (RFC 1952) whose bytes depend on nothing but the content.
 *
 *     1f 8b 08 | flags 00 | mtime 00000000 | xfl 00 | os ff (unknown) | deflate data | crc32 | size mod 2^32
 *
 * The deflate data is what the reference zlib 1.x writes at level 6. Node's own zlib is a fork that finds other matches,
 * depending on its version and on the CPU; pako is a port of the reference in JavaScript, and `legacyHash` asks for its hash.
 * Chunks that cannot be shrunk (noise.ts) are stored: deflate would spend ten times as long on them to find nothing.
 */
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { Deflate, Z_FINISH, Z_FULL_FLUSH, Z_NO_FLUSH } from 'pako';
import { isNoise } from './noise.js';

const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
const NOTHING = new Uint8Array(0);
const LEVEL = 6;
/** Bytes given to deflate at once: the most tar blocks that fit a stored block of deflate. */
const CHUNK = 127 * 512;
/** Bytes taken from deflate at once. */
const PIECE = 64 * 1024;
/** Chunks after which other work gets its turn: some 20 ms. */
const TURN = 8;

/**
 * Compresses a stream. Into how many pieces it is cut does not show in the result; a piece may be reused by its owner once
 * the next one is asked for.
 */
export async function* gzip(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const ready: Uint8Array[] = [];
  const deflate = new Deflate({ level: LEVEL, raw: true, legacyHash: true, chunkSize: PIECE });
  deflate.onData = (piece) => ready.push(piece);
  let sum = 0;
  let size = 0;
  let turn = 0;
  let isDeflating = false;
  yield HEADER;
  for await (const chunk of fixedChunks(pieces)) {
    sum = crc32(chunk, sum);
    size += chunk.length;
    if (isNoise(chunk)) {
      if (isDeflating) deflate.push(NOTHING, Z_FULL_FLUSH);
      ready.push(storedBlock(chunk));
      isDeflating = false;
    } else {
      deflate.push(chunk, Z_NO_FLUSH);
      isDeflating = true;
    }
    yield* ready.splice(0);
    if (++turn % TURN === 0) await setImmediate();
  }
  deflate.push(NOTHING, Z_FINISH);
  if (deflate.err !== 0) throw new Error(`deflate failed: ${deflate.msg}`);
  yield* ready;
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  yield trailer;
}

/**
 * A block of deflate without compression (RFC 1951, 3.2.4). It must begin at a whole byte and be unknown to deflate, which a
 * full flush before it sees to: after it, deflate refers to nothing that came earlier.
 */
function storedBlock(chunk: Uint8Array): Uint8Array {
  const block = Buffer.alloc(5 + chunk.length);
  block.writeUInt16LE(chunk.length, 1);
  block.writeUInt16LE(chunk.length ^ 0xffff, 3);
  block.set(chunk, 5);
  return block;
}

/** Chunks of one size, but for the last; valid until the next one is asked for. */
async function* fixedChunks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const chunk = new Uint8Array(CHUNK);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const count = Math.min(piece.length - at, CHUNK - filled);
      chunk.set(piece.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled === CHUNK) {
        yield chunk;
        filled = 0;
      }
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}
