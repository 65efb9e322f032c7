/**
 * Unpacks gzip (RFC 1952) and accepts nothing but whole members: neither a stream that is cut off anywhere, nor bytes after
 * the last member. Faults have Go's short words, since scripts know them from Helm.
 */
import { pipeline, type Readable } from 'node:stream';
import { createGunzip, type Gunzip, gunzipSync } from 'node:zlib';
import { ChartError, cancelled, systemErrorCode, throwIfCancelled } from '../../errors.js';
import { onAbort } from '../../on-abort.js';

/** Bytes of a member's header without its optional fields. */
const HEADER = 10;
const CHUNK = 64 * 1024;

/** A source of at most so many bytes is unpacked in one call, where at most so many come of it. */
const AT_ONCE = { packed: 256 * 1024, unpacked: 2 * 1024 * 1024 };

/**
 * The unpacked bytes, in chunks that are never reused. Destroys the source at the end, however it comes.
 *
 * @throws ChartError `ARCHIVE_INVALID`, `CANCELLED`; errors of the source as they are
 */
export async function* gunzip(source: Readable, signal?: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const stop = (): void => void source.destroy(cancelled(signal as AbortSignal));
  const forget = onAbort(signal, stop);
  try {
    if (signal?.aborted) stop();
    const rest = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const start = await readStart(rest);
    const whole = start.isAll ? unpackAtOnce(start.bytes) : undefined;
    for await (const chunk of whole ?? unpackStream(startingWith(start.bytes, rest))) {
      yield chunk;
      throwIfCancelled(signal);
    }
  } catch (error) {
    throwIfCancelled(signal);
    throw asArchiveError(error);
  } finally {
    forget();
    source.destroy();
  }
}

/** The first bytes of the source, and whether there are no more. */
async function readStart(source: AsyncIterator<Buffer>): Promise<{ readonly bytes: Buffer; readonly isAll: boolean }> {
  const pieces: Buffer[] = [];
  let size = 0;
  while (size <= AT_ONCE.packed) {
    const next = await source.next();
    if (next.done) return { bytes: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), isAll: true };
    pieces.push(next.value);
    size += next.value.length;
  }
  return { bytes: Buffer.concat(pieces), isAll: false };
}

async function* startingWith(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, void> {
  yield start;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** Whole members and no more, or undefined: what is wrong is then found by the stream, after the content before it. */
function unpackAtOnce(bytes: Buffer): Buffer[] | undefined {
  if (!isMember(bytes)) return undefined;
  try {
    const options = { maxOutputLength: AT_ONCE.unpacked, info: true };
    const { buffer, engine } = gunzipSync(bytes, options) as unknown as { buffer: Buffer; engine: Gunzip };
    return engine.bytesWritten === bytes.length ? [buffer] : undefined;
  } catch {
    return undefined;
  }
}

async function* unpackStream(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const inflate = createGunzip({ chunkSize: CHUNK });
  let received = 0;
  pipeline(
    async function* count() {
      for await (const chunk of startingWithHeader(source)) {
        received += chunk.length;
        yield chunk;
      }
    },
    inflate,
    () => {},
  );
  yield* inflate;
  if (inflate.bytesWritten !== received) throw invalid('gzip: invalid header', 'There are bytes after its end.');
}

/** Passes on what it reads once that can be a gzip member. */
async function* startingWithHeader(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let first: Uint8Array | undefined = new Uint8Array(0);
  for await (const chunk of chunks) {
    if (first === undefined) {
      yield chunk;
      continue;
    }
    first = Buffer.concat([first, chunk]);
    if (first.length < HEADER) continue;
    if (!isMember(first)) throw invalid('gzip: invalid header');
    yield first;
    first = undefined;
  }
  if (first !== undefined) throw invalid(first.length === 0 ? 'EOF' : 'unexpected EOF');
}

function isMember(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

function asArchiveError(error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code === 'Z_BUF_ERROR') return invalid('unexpected EOF', undefined, error);
  if (code === undefined || !code.startsWith('Z_')) return error;
  const words = error instanceof Error ? error.message : '';
  if (words.includes('header')) return invalid('gzip: invalid header', undefined, error);
  if (/data check|length check/.test(words)) return invalid('gzip: invalid checksum', undefined, error);
  return invalid('flate: corrupt input', undefined, error);
}

function invalid(words: string, detail?: string, cause?: unknown): ChartError {
  const hint = `The archive is damaged or is none.${detail === undefined ? '' : ` ${detail}`}`;
  return new ChartError('ARCHIVE_INVALID', words, { hint, cause });
}
