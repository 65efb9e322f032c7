/**
 * Blobs on their way to the registry.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#push
 *
 *     HEAD blobs/DIGEST                 200: it is there, nothing is sent
 *     POST blobs/uploads/...            mount.ts. At the same time as HEAD while blobs turn out to be new, so that such a
 *                                       blob takes two round trips; an upload that is not needed is cancelled
 *     PUT  Location&digest=DIGEST       the whole content: 201
 *     PATCH Location, ..., PUT          in chunks, where the registry refuses the above: chunked-upload.ts
 */
import type { Readable } from 'node:stream';
import { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { BytesReadable, SMALL_BLOB } from '../oci/small-content.js';
import type { WriteBlobOptions } from '../oci/target.js';
import { discard } from './answers.js';
import { headBlob } from './blobs.js';
import { CHUNK_SIZE, SMALL_CHUNK_SIZE, sendChunked } from './chunked-upload.js';
import { commitUpload } from './commit.js';
import { ContentFault, checkedBytes, checkedContent } from './content.js';
import { beginUpload, startUpload } from './mount.js';
import type { Refusal } from './refusals.js';
import { type RepositoryContext, scopesOf } from './repository-context.js';

/**
 * Stores a blob unless it is there. A fault on the way is answered by looking again, for it may have arrived all the same,
 * and then by a new upload from the first byte.
 */
export async function writeBlob(
  repository: RepositoryContext,
  descriptor: Descriptor,
  open: () => Promise<Readable>,
  options: WriteBlobOptions,
): Promise<void> {
  const { client } = repository;
  const { retry, whereabouts } = client;
  const signal = client.ownSignal(options.signal);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const upload = await startUnlessThere(repository, descriptor, options.mountFrom ?? [], signal);
      if (upload !== undefined) await send(repository, upload, descriptor, open, signal);
      return whereabouts.note(descriptor.digest, repository.name);
    } catch (error) {
      if (error instanceof ContentFault) throw error.cause;
      const delay = retry.delay({ error }, attempt);
      if (delay === undefined) throw error;
      await retry.sleep(delay, signal);
    }
  }
}

/** Of a small blob. */
async function readContent(open: () => Promise<Readable>, descriptor: Descriptor): Promise<Buffer> {
  const content = await open().catch((cause: unknown) => {
    throw cause instanceof ChartError ? cause : new ContentFault('the content cannot be read', { cause });
  });
  return checkedBytes(content, descriptor);
}

/** Where to send the blob to, or undefined if it is there. */
async function startUnlessThere(
  repository: RepositoryContext,
  { digest }: Descriptor,
  likely: readonly string[],
  signal: AbortSignal | undefined,
): Promise<URL | undefined> {
  const { client } = repository;
  const begin = (): Promise<URL | undefined> => beginUpload(repository, digest, likely, signal);
  const early = client.habits.blobsAreNew ? begin() : undefined;
  early?.catch(() => undefined);
  try {
    const there = await hasBlob(repository, digest, signal);
    client.habits.blobsAreNew = !there;
    if (!there) return await (early ?? begin());
  } catch (error) {
    if (early) client.leave(early.then((url) => cancelUpload(repository, url, signal)));
    throw error;
  }
  if (early) client.leave(early.then((url) => cancelUpload(repository, url, signal)));
  return undefined;
}

async function hasBlob(repository: RepositoryContext, digest: Digest, signal?: AbortSignal): Promise<boolean> {
  const response = await headBlob(repository, digest, 'pull,push', signal);
  if (response.status === 200) return true;
  if ([400, 404, 405, 501].includes(response.status)) return false;
  throw await repository.client.refusal(response, {
    what: `look for blob ${digest} of ${repository.fullName}`,
    message: (status) => `unexpected response: ${status}`,
    repository: repository.name,
  });
}

/** An upload that is not needed after all; the registry drops it in time by itself, too. */
async function cancelUpload(repository: RepositoryContext, url: URL | undefined, signal?: AbortSignal): Promise<void> {
  if (url === undefined) return;
  const scopes = scopesOf(repository, 'pull,push');
  await discard(await repository.client.send({ method: 'DELETE', url, scopes, signal }));
}

async function send(
  repository: RepositoryContext,
  upload: URL,
  descriptor: Descriptor,
  open: () => Promise<Readable>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': `${descriptor.size}` };
  const stream = async (): Promise<Readable> => checkedContent(await open(), descriptor);
  const body = descriptor.size <= SMALL_BLOB ? await readContent(open, descriptor) : stream;
  const refusal = await commitUpload(repository, upload, descriptor.digest, { headers, body, signal });
  if (refusal === undefined) return;
  if (!refusesWholeBlobs(refusal)) throw await uploadError(repository, descriptor, refusal);
  const size = refusal.response.status === 413 ? SMALL_CHUNK_SIZE : CHUNK_SIZE;
  const again = await startUpload(repository, signal);
  const content = body instanceof Uint8Array ? new BytesReadable(body) : await stream();
  const second = await sendChunked(repository, again, descriptor, content, { signal, size });
  if (second !== undefined) throw await uploadError(repository, descriptor, second);
}

/** True for the ways in which registries and proxies say that they want a blob in pieces. */
function refusesWholeBlobs({ response: { status }, code }: Refusal): boolean {
  if (status === 400 || status === 404) return code === 'UNSUPPORTED' || code === 'BLOB_UPLOAD_INVALID';
  return [405, 411, 413, 415, 416, 501].includes(status);
}

async function uploadError(repository: RepositoryContext, { digest }: Descriptor, refusal: Refusal): Promise<Error> {
  if (refusal.code === 'DIGEST_INVALID' || refusal.code === 'SIZE_INVALID') {
    const code = refusal.code === 'DIGEST_INVALID' ? 'BLOB_DIGEST_MISMATCH' : 'BLOB_SIZE_MISMATCH';
    return new ChartError(
      code,
      `${repository.client.host} received other content for blob ${digest} (${refusal.words})`,
    );
  }
  return repository.client.explain(refusal, {
    what: `store blob ${digest} in ${repository.fullName}`,
    repository: repository.name,
  });
}
