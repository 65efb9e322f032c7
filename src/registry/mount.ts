/**
 * The beginning of an upload: an empty one, or a blob that the registry takes over from another of its repositories.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
 *
 *     POST blobs/uploads/                              202, Location
 *     POST blobs/uploads/?mount=DIGEST&from=PATH       201: it is there; 202, Location: it is to be sent after all
 */
import { isChartError } from '../errors.js';
import { type Digest, parseDigest } from '../oci/digest.js';
import { isRepositoryPath } from '../oci/reference.js';
import { discard, headerOf } from './answers.js';
import { pathOf, type RepositoryContext, scopesOf } from './repository-context.js';
import type { WireResponse } from './transport.js';
import { nextLocation } from './upload-location.js';

/** What a token server or a registry says to somebody who may not read the other repository. */
const NO_ACCESS = ['CREDENTIALS_REJECTED', 'REGISTRY_UNAUTHORIZED', 'REGISTRY_FORBIDDEN', 'REGISTRY_REFUSED'] as const;

/** Where to send the blob to, or undefined where the registry has taken it over. @throws ChartError what refuses the upload */
export async function beginUpload(
  repository: RepositoryContext,
  digest: Digest,
  likely: readonly string[],
  signal: AbortSignal | undefined,
): Promise<URL | undefined> {
  const { whereabouts } = repository.client;
  const seen = whereabouts.elsewhere(digest, repository.name);
  const from = seen ?? likely.find((other) => other !== repository.name && isRepositoryPath(other));
  if (from === undefined) return startUpload(repository, signal);
  const response = await askToMount(repository, digest, from, signal);
  if (response?.status === 201) return undefined;
  whereabouts.forget(digest, from);
  // Some registries refuse instead of beginning an upload.
  return response?.status === 202 ? locationOf(response) : startUpload(repository, signal);
}

/** An upload of content that is to be sent. @throws ChartError what refuses it */
export async function startUpload(repository: RepositoryContext, signal?: AbortSignal): Promise<URL> {
  const response = await post(repository, '', [], signal);
  if (response.status < 200 || response.status > 204) {
    throw await repository.client.refusal(response, {
      what: `take an upload to ${repository.fullName}`,
      repository: repository.name,
    });
  }
  await discard(response);
  return locationOf(response);
}

/** Undefined where somebody with these credentials may not even ask. */
async function askToMount(
  repository: RepositoryContext,
  digest: Digest,
  from: string,
  signal: AbortSignal | undefined,
): Promise<WireResponse | undefined> {
  const query = `?mount=${encodeURIComponent(parseDigest(digest))}&from=${encodeURIComponent(from)}`;
  try {
    const response = await post(repository, query, scopesOf({ name: from }, 'pull'), signal);
    await discard(response);
    return response;
  } catch (error) {
    if (NO_ACCESS.some((code) => isChartError(error, code))) return undefined;
    throw error;
  }
}

function post(
  repository: RepositoryContext,
  query: string,
  more: readonly string[],
  signal: AbortSignal | undefined,
): Promise<WireResponse> {
  return repository.client.send({
    method: 'POST',
    url: pathOf(repository, `blobs/uploads/${query}`),
    scopes: [...scopesOf(repository, 'pull,push'), ...more],
    headers: { 'content-length': '0' },
    repeatable: true,
    signal,
  });
}

function locationOf(response: WireResponse): URL {
  return nextLocation(response, headerOf(response, 'location'));
}
