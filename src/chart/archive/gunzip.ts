/**
 * Unpacks gzip (RFC 1952) and accepts nothing but whole members: neither a stream that is cut off anywhere, nor bytes after
 * the last member. Faults have Go's short words, since scripts know them from Helm.
 */
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ChartError, cancelled, systemErrorCode, throwIfCancelled } from '../../errors.js';

/** Bytes of a member's header without its optional fields. */
const HEADER = 10;
const CHUNK = 64 * 1024;

/**
 * The unpacked bytes, in chunks that are never reused. Destroys the source at the end, however it comes.
 *
 * @throws ChartError `ARCHIVE_INVALID`, `CANCELLED`; errors of the source as they are
 */
export async function* gunzip(source: Readable, signal?: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const inflate = createGunzip({ chunkSize: CHUNK });
  const onAbort = (): void => void source.destroy(cancelled(signal as AbortSignal));
  let received = 0;
  pipeline(
    source,
    async function* count(chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of startingWithHeader(chunks)) {
        received += chunk.length;
        yield chunk;
      }
    },
    inflate,
    () => {},
  );
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal?.aborted) onAbort();
    for await (const chunk of inflate) {
      yield chunk as Buffer;
      throwIfCancelled(signal);
    }
  } catch (error) {
    throwIfCancelled(signal);
    throw asArchiveError(error);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    source.destroy();
  }
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
    if (first[0] !== 0x1f || first[1] !== 0x8b || first[2] !== 8) throw invalid('gzip: invalid header');
    yield first;
    first = undefined;
  }
  if (first !== undefined) throw invalid(first.length === 0 ? 'EOF' : 'unexpected EOF');
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
