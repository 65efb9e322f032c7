/**
 * An upload in chunks, for registries that take no blob whole and for proxies that limit the size of a body.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
import type { Readable } from 'node:stream';
import type { Descriptor } from '../oci/descriptor.js';
import { discard, headerOf } from './answers.js';
import { commitUpload } from './commit.js';
import type { Refusal } from './refusals.js';
import { type RepositoryContext, scopesOf } from './repository-context.js';
import { nextLocation } from './upload-location.js';

/** Bytes; one chunk at a time is held in memory. */
export const CHUNK_SIZE = 8 * 1024 * 1024;
/** Below the smallest limit in common use, the 1 MB of nginx. */
export const SMALL_CHUNK_SIZE = 896 * 1024;

/** @returns the refusal, if it was refused */
export async function sendChunked(
  repository: RepositoryContext,
  upload: URL,
  descriptor: Descriptor,
  content: Readable,
  { signal, size }: { readonly signal: AbortSignal | undefined; readonly size: number },
): Promise<Refusal | undefined> {
  const scopes = scopesOf(repository, 'pull,push');
  let url = upload;
  let sent = 0;
  for await (const chunk of chunked(content, size)) {
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': `${chunk.length}`,
      'content-range': `${sent}-${sent + chunk.length - 1}`,
    };
    const response = await repository.client.send({ method: 'PATCH', url, scopes, headers, body: chunk, signal });
    if (response.status < 200 || response.status > 204) return repository.client.readRefusal(response);
    await discard(response);
    url = nextLocation(response, headerOf(response, 'location') ?? url.href);
    sent += chunk.length;
  }
  return commitUpload(repository, url, descriptor.digest, { headers: { 'content-length': '0' }, signal });
}

/** Cuts content into pieces of `size` bytes; the last one may be shorter. */
async function* chunked(content: Readable, size: number): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (let piece of content as AsyncIterable<Buffer>) {
    while (length + piece.length >= size) {
      const cut = size - length;
      yield Buffer.concat([...pieces, piece.subarray(0, cut)]);
      piece = piece.subarray(cut);
      pieces = [];
      length = 0;
    }
    if (piece.length > 0) pieces.push(piece);
    length += piece.length;
  }
  if (length > 0) yield Buffer.concat(pieces);
}
