/** How a bundle is packed: by its file name when it is written, by its first bytes when it is read. */
import { Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { gunzip } from '../chart/archive/gunzip.js';
import { gzip } from '../chart/archive/gzip.js';
import { ChartError, cancelled, systemErrorCode, throwIfCancelled } from '../errors.js';
import { onAbort } from '../on-abort.js';

export type Compression = 'none' | 'gzip' | 'zstd';

/** Node has them from 22.15 and 23.8 on; the types are those of 20. */
interface ZstdOfNode {
  createZstdCompress?: () => ZstdStream;
  createZstdDecompress?: () => ZstdStream;
}
type ZstdStream = Transform & AsyncIterable<Buffer> & { readonly bytesWritten: number };
const zstd = zlib as unknown as ZstdOfNode;

const SUFFIXES: readonly (readonly [suffix: RegExp, compression: Compression | undefined])[] = [
  [/\.(?:tar\.gz|tgz)$/i, 'gzip'],
  [/\.(?:tar\.zst|tzst)$/i, 'zstd'],
  [/\.(?:gz|zst|xz|bz2|lz4|zip|7z)$/i, undefined],
];

/**
 * What a file's name asks for: `.tar.gz` and `.tgz`, `.tar.zst` and `.tzst`, otherwise none.
 *
 * @throws ChartError `USAGE` for a suffix of something else, and for zstd where Node has none
 */
export function compressionFor(file: string): Compression {
  const found = SUFFIXES.find(([suffix]) => suffix.test(file));
  if (found === undefined) return 'none';
  const compression = found[1];
  if (compression === undefined) {
    throw new ChartError('USAGE', `a bundle cannot be written as ${file}`, {
      hint: 'Use .tar, .tar.gz or .tar.zst; or write to - and pack it with another program.',
    });
  }
  if (compression === 'zstd' && !zstd.createZstdCompress)
    throw noZstd('USAGE', 'chart bundle REF... -o - | zstd > FILE');
  return compression;
}

/** Compresses. gzip gives the same bytes everywhere; zstd depends on the version in Node. */
export function compress(content: AsyncIterable<Uint8Array>, compression: Compression): AsyncIterable<Uint8Array> {
  if (compression === 'none') return content;
  if (compression === 'gzip') return gzip(content);
  return zstdPacked(content);
}

function zstdPacked(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const packer = (zstd.createZstdCompress as () => ZstdStream)();
  // Ended only when all is through: Node ends the frame twice where it knows of the end before, and the second is a frame of its own.
  const feed = async (): Promise<void> => {
    for await (const piece of content) await written(packer, piece);
    packer.end();
  };
  feed().catch((error: Error) => packer.destroy(error));
  return packer;
}

/** Unpacked bytes may be this many times the packed ones, beside {@link ALLOWANCE}: packed charts hardly shrink any more. */
const RATIO = 100;
const ALLOWANCE = 256 * 1024 ** 2;

/**
 * Unpacks, whatever it is packed with.
 *
 * @throws ChartError `ARCHIVE_INVALID`, `LIMIT_EXCEEDED` for what unpacks beyond all measure, `CANCELLED`; the source's errors
 */
export async function* decompress(source: Readable, signal?: AbortSignal): AsyncGenerator<Buffer, void, void> {
  let packed = 0;
  let unpacked = 0;
  const counted = async function* (head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, void> {
    packed += head.length;
    yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) {
      packed += next.value.length;
      yield next.value;
    }
  };
  const pieces = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const forget = onAbort(signal, () => void source.destroy(cancelled(signal as AbortSignal)));
  try {
    throwIfCancelled(signal);
    const head = await readHead(pieces);
    if (head.length === 0) throw new ChartError('ARCHIVE_INVALID', 'EOF');
    const compression = compressionOf(head);
    const whole = counted(head, pieces);
    const content =
      compression === 'none' ? whole : unpack(Readable.from(whole, { objectMode: false }), compression, signal);
    for await (const chunk of content) {
      unpacked += chunk.length;
      if (compression !== 'none' && unpacked > packed * RATIO + ALLOWANCE) throw bomb();
      yield chunk;
      throwIfCancelled(signal);
    }
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  } finally {
    forget();
    source.destroy();
  }
}

function unpack(source: Readable, compression: 'gzip' | 'zstd', signal?: AbortSignal): AsyncIterable<Buffer> {
  return compression === 'gzip' ? gunzip(source, signal) : unzstd(source);
}

/** One frame after another: Node stops where the first ends. */
async function* unzstd(source: Readable): AsyncGenerator<Buffer, void, void> {
  const open = zstd.createZstdDecompress;
  if (!open) throw noZstd('BUNDLE_UNREADABLE', 'zstd -dc FILE | chart unbundle -');
  const pieces = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let left: Buffer | undefined;
  do {
    const unpacker = open();
    let [sent, last] = [0, Buffer.alloc(0)];
    const feed = async (first: Buffer | undefined): Promise<void> => {
      for (let piece = first ?? (await pieces.next()).value; piece; piece = (await pieces.next()).value) {
        sent += piece.length;
        last = piece;
        // Not to come back where a frame ends within the piece.
        await written(unpacker, piece);
      }
      unpacker.end();
    };
    feed(left).catch((error: Error) => unpacker.destroy(error));
    try {
      yield* unpacker;
    } catch (error) {
      throw zstdFault(error);
    }
    const passedOver = sent - unpacker.bytesWritten;
    left = passedOver > 0 ? last.subarray(last.length - passedOver) : undefined;
  } while (left !== undefined);
}

function zstdFault(error: unknown): unknown {
  if (!/^(?:ZSTD|Z)_|ERR_ZLIB/.test(systemErrorCode(error) ?? '')) return error;
  const { message } = error as Error;
  const words = message.includes('unexpected end') ? 'unexpected EOF' : `zstd: ${message}`;
  return new ChartError('ARCHIVE_INVALID', words, { cause: error });
}

function written(stream: ZstdStream, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(piece, (error) => (error ? reject(error) : resolve()));
  });
}

/** The first bytes, as many as tell one format from another. */
async function readHead(pieces: AsyncIterator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < 6) {
    const next = await pieces.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

const FOREIGN: readonly (readonly [magic: string, name: string, program: string])[] = [
  ['fd377a585a00', 'xz', 'xz'],
  ['425a68', 'bzip2', 'bzip2'],
  ['504b0304', 'zip', 'unzip'],
  ['04224d18', 'lz4', 'lz4'],
];

function compressionOf(head: Buffer): Compression {
  const hex = head.toString('hex', 0, 6);
  if (hex.startsWith('1f8b')) return 'gzip';
  if (hex.startsWith('28b52ffd')) return 'zstd';
  const foreign = FOREIGN.find(([magic]) => hex.startsWith(magic));
  if (foreign) {
    throw new ChartError('BUNDLE_INVALID', `it is packed with ${foreign[1]}`, {
      hint: `A bundle is .tar, .tar.gz or .tar.zst. Unpack it with ${foreign[2]} first; chart unbundle - reads what is piped in.`,
    });
  }
  return 'none';
}

function bomb(): ChartError {
  return new ChartError('LIMIT_EXCEEDED', `it unpacks to more than ${RATIO} times its size`, {
    hint: 'No bundle does. If you trust it, unpack it with gzip or zstd and use the .tar.',
  });
}

function noZstd(code: 'USAGE' | 'BUNDLE_UNREADABLE', pipe: string): ChartError {
  return new ChartError(code, `this Node.js (${process.version}) has no zstd`, {
    hint: `Node.js has it from 22.15 on. Use .tar or .tar.gz, or the zstd program and a pipe: ${pipe}.`,
  });
}
