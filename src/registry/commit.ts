/** The request that ends an upload, with or without content. */
import { ChartError } from '../errors.js';
import { type Digest, digestAlgorithm, parseDigest } from '../oci/digest.js';
import { discard, headerOf } from './answers.js';
import type { Refusal } from './refusals.js';
import { type RepositoryContext, scopesOf } from './repository-context.js';
import type { WireRequest } from './transport.js';

/** Milliseconds that a registry may take to store what it has received whole. */
const PATIENCE = 300_000;

/**
 * Names the digest of an upload. Not repeated after a fault: the upload may be over.
 *
 * @returns the refusal, if it was refused
 * @throws ChartError `BLOB_DIGEST_MISMATCH` if the registry says that it stored something else
 */
export async function commitUpload(
  repository: RepositoryContext,
  upload: URL,
  digest: Digest,
  request: Pick<WireRequest, 'headers' | 'body' | 'signal'>,
): Promise<Refusal | undefined> {
  const response = await repository.client.send({
    ...request,
    method: 'PUT',
    url: withDigest(upload, digest),
    scopes: scopesOf(repository, 'pull,push'),
    patience: PATIENCE,
  });
  if (![200, 201, 204].includes(response.status)) return repository.client.readRefusal(response);
  await discard(response);
  const header = headerOf(response, 'docker-content-digest');
  const stored = header === undefined ? digest : parseDigest(header);
  if (stored !== digest && digestAlgorithm(stored) === digestAlgorithm(digest)) {
    throw new ChartError('BLOB_DIGEST_MISMATCH', `${repository.client.host} stored blob ${digest} as ${stored}`);
  }
  return undefined;
}

/** The query of an upload's URL belongs to the registry: it is kept as it is. */
function withDigest(upload: URL, digest: Digest): URL {
  const url = new URL(upload);
  url.search = `${upload.search === '' ? '?' : `${upload.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}
