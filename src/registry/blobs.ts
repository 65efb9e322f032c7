/** Blobs: looked up, read and deleted by digest. How they get there: uploads.ts. */
import type { Readable } from 'node:stream';
import { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, parseDigest } from '../oci/digest.js';
import type { CallOptions, ReadBlobOptions } from '../oci/target.js';
import { contentLength, discard, readContentRange } from './answers.js';
import { streamBlob } from './blob-stream.js';
import { pathOf, type RepositoryContext, scopesOf } from './repository-context.js';
import type { WireResponse } from './transport.js';

/** Reads a blob, or the bytes from `start` to `end` of it. Goes on where it was when a connection breaks. */
export async function readBlob(
  repository: RepositoryContext,
  descriptor: Descriptor,
  { start = 0, end = descriptor.size - 1, signal }: ReadBlobOptions,
): Promise<Readable> {
  const last = Math.min(end, descriptor.size - 1);
  const ask = async (from: number, stop: AbortSignal): Promise<WireResponse> => {
    const part = from > 0 || last < descriptor.size - 1;
    const response = await get(repository, descriptor.digest, part ? `bytes=${from}-${last}` : undefined, stop);
    if (response.status === 200 || (response.status === 206 && part)) return response;
    if (response.status === 404) throw await notFound(repository, descriptor.digest, response);
    throw await repository.client.refusal(response, {
      what: `send blob ${descriptor.digest} of ${repository.fullName}`,
    });
  };
  return streamBlob(ask, { descriptor, start, last, signal, retry: repository.client.retry });
}

/** Asks with HEAD; where that is refused or does not tell, with a GET of one byte. */
export async function statBlob(
  repository: RepositoryContext,
  digest: Digest,
  { signal }: CallOptions,
): Promise<number | undefined> {
  const response = await headBlob(repository, digest, 'pull', signal);
  if (response.status === 404) return undefined;
  const size = contentLength(response);
  if (response.status === 200 && size !== undefined) return size;
  if (response.status !== 200 && ![400, 405, 501].includes(response.status)) {
    throw await repository.client.refusal(response, { what: `look for blob ${digest} of ${repository.fullName}` });
  }
  const answer = await get(repository, digest, 'bytes=0-0', signal);
  if (answer.status === 404) {
    await discard(answer);
    return undefined;
  }
  answer.body.destroy();
  const total = answer.status === 206 ? readContentRange(answer)?.total : contentLength(answer);
  if (total !== undefined) return total;
  throw new ChartError('REGISTRY_PROTOCOL', `${repository.client.host} does not tell the size of blob ${digest}`);
}

/** The answer to HEAD, whatever its status. `actions` spares a writer a second token. */
export async function headBlob(
  repository: RepositoryContext,
  digest: Digest,
  actions: 'pull' | 'pull,push',
  signal?: AbortSignal,
): Promise<WireResponse> {
  const url = blobPath(repository, digest);
  const response = await repository.client.send({ method: 'HEAD', url, scopes: scopesOf(repository, actions), signal });
  await discard(response);
  return response;
}

export async function deleteBlob(
  repository: RepositoryContext,
  digest: Digest,
  { signal }: CallOptions,
): Promise<void> {
  const response = await repository.client.send({
    method: 'DELETE',
    url: blobPath(repository, digest),
    scopes: scopesOf(repository, 'pull,delete'),
    signal,
  });
  if (response.status >= 200 && response.status <= 204) return discard(response);
  if (response.status === 404) throw await notFound(repository, digest, response);
  throw await repository.client.refusal(response, { what: `delete blob ${digest} of ${repository.fullName}` });
}

function get(
  repository: RepositoryContext,
  digest: Digest,
  range: string | undefined,
  signal: AbortSignal | undefined,
): Promise<WireResponse> {
  return repository.client.send({
    method: 'GET',
    url: blobPath(repository, digest),
    scopes: scopesOf(repository, 'pull'),
    headers: range === undefined ? {} : { range },
    signal,
  });
}

function blobPath(repository: RepositoryContext, digest: Digest): string {
  return pathOf(repository, `blobs/${parseDigest(digest)}`);
}

async function notFound(repository: RepositoryContext, digest: Digest, response: WireResponse): Promise<ChartError> {
  const { words } = await repository.client.readRefusal(response);
  return new ChartError('BLOB_NOT_FOUND', `blob ${digest} of ${repository.fullName}: not found`, {
    hint: words === '' ? undefined : `${repository.client.host} says: ${words}.`,
  });
}
