/**
 * Blobs, whole or in part.
 *
 *     GET HEAD DELETE /v2/NAME/blobs/DIGEST
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
 */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../oci/digest.js';
import { entityTag, isNotModified, parseRange } from './conditions.js';
import { Refusal } from './errors.js';
import { answer, COMMON_HEADERS, digestFrom, type Endpoints, type Exchange } from './exchange.js';
import { readNamed, repositoryToWrite } from './names.js';
import type { Route } from './routes.js';
import { sendBlob } from './send-blob.js';

export const blobEndpoints: Endpoints = { GET: readBlob, HEAD: readBlob, DELETE: deleteBlob };

const BLOB_TYPE = 'application/octet-stream';

/** Bytes up to which an answer is collected first: head and body then leave in one packet train, with one system call. */
const COLLECT_LIMIT = 64 * 1024;

async function readBlob(exchange: Exchange, route: Route): Promise<void> {
  const { request, method } = exchange;
  const digest = digestFrom(route.last);
  const found = await readNamed(exchange.names, route.name, async (repository) => {
    const size = await repository.statBlob(digest);
    return size === undefined ? undefined : { repository, size };
  });
  if (found === undefined) throw new Refusal(404, 'BLOB_UNKNOWN', 'the blob is not known here', { detail: { digest } });
  const { repository, size } = found;
  if (isNotModified(request.headers, digest)) return answer(exchange, 304, headersOf(digest));
  if (method === 'HEAD') return answer(exchange, 200, { ...headersOf(digest), 'Content-Length': size });
  const range = parseRange(request.headers, size, digest);
  const length = range ? range.end - range.start + 1 : size;
  const headers = range
    ? { ...headersOf(digest), 'Content-Range': `bytes ${range.start}-${range.end}/${size}` }
    : headersOf(digest);
  const status = range ? 206 : 200;
  if (repository.openBlob && length > COLLECT_LIMIT) {
    const blob = await repository.openBlob(digest);
    return sendBlob(exchange, blob, { status, headers, start: range?.start ?? 0, length });
  }
  // With its end named, a file is read without asking it for more.
  const part = range ?? (size > 0 ? { start: 0, end: size - 1 } : {});
  const content = await repository.readBlob({ mediaType: BLOB_TYPE, digest, size }, part);
  if (length <= COLLECT_LIMIT) answer(exchange, status, headers, await collect(content, length));
  else await stream(exchange, status, headers, content, length);
}

async function deleteBlob(exchange: Exchange, route: Route): Promise<void> {
  const digest = digestFrom(route.last);
  await repositoryToWrite(exchange.names, route.name).deleteBlob(digest);
  answer(exchange, 202, {});
}

function headersOf(digest: Digest): Record<string, string> {
  return {
    'Content-Type': BLOB_TYPE,
    'Docker-Content-Digest': digest,
    ETag: entityTag(digest),
    'Accept-Ranges': 'bytes',
  };
}

function collect(content: Readable, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    content.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > length) content.destroy(wrongLength(length, size));
    });
    content.on('end', () => {
      if (size !== length) reject(wrongLength(length, size));
      else resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
    });
    content.on('error', reject);
    content.on('close', () => reject(wrongLength(length, size)));
  });
}

/** A body that stops short destroys the connection: under its announced length the client would wait for the rest. */
async function stream(
  { response, state }: Exchange,
  status: number,
  headers: Record<string, string>,
  content: Readable,
  length: number,
): Promise<void> {
  state.status = status;
  response.writeHead(status, { ...COMMON_HEADERS, 'Content-Length': length, ...headers });
  await pipeline(
    content,
    async function* exactly(source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        if (state.bytes + chunk.length > length) throw wrongLength(length, state.bytes + chunk.length);
        state.bytes += chunk.length;
        yield chunk;
      }
      if (state.bytes !== length) throw wrongLength(length, state.bytes);
    },
    response,
  );
}

function wrongLength(length: number, size: number): Error {
  return new Error(`a blob of ${length} bytes was read as ${size}`);
}
