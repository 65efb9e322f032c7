/** Manifests: asked for by tag or digest, compared with both what was asked for and what was announced. */
import { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, digestAlgorithm, isDigest, parseDigest } from '../oci/digest.js';
import {
  checkBytes,
  describeManifest,
  MANIFEST_LIMIT,
  parseManifest,
  type RawManifest,
  successors,
} from '../oci/manifest.js';
import { MANIFEST_TYPES } from '../oci/media-types.js';
import { isTag, wireTag } from '../oci/reference.js';
import type { CallOptions, TagOrDigest } from '../oci/target.js';
import { contentLength, contentType, discard, headerOf, readWhole } from './answers.js';
import type { Refusal } from './refusals.js';
import { pathOf, type RepositoryContext, scopesOf } from './repository-context.js';
import type { Method, WireResponse } from './transport.js';

const ACCEPT = MANIFEST_TYPES.join(', ');
/** Statuses by which a registry, or a proxy before it, refuses HEAD and may still answer GET. */
const HEAD_REFUSED: readonly number[] = [400, 405, 406, 501];
/** Media types that say nothing. */
const VAGUE_TYPES: readonly (string | undefined)[] = ['application/json', 'application/octet-stream', 'text/plain'];

/** Asks with HEAD, which no registry counts against a limit; reads the manifest where that does not tell enough. */
export async function resolveManifest(
  repository: RepositoryContext,
  reference: TagOrDigest,
  options: CallOptions,
): Promise<Descriptor> {
  const response = await ask(repository, 'HEAD', reference, options);
  await discard(response);
  if (HEAD_REFUSED.includes(response.status)) return (await readManifest(repository, reference, options)).descriptor;
  if (response.status !== 200) throw await refusalOf(repository, reference, response);
  const digest = announcedDigest(response) ?? (isDigest(reference) ? reference : undefined);
  const [mediaType, size] = [contentType(response), contentLength(response)];
  if (!digest || !size || !mediaType || VAGUE_TYPES.includes(mediaType)) {
    return (await readManifest(repository, reference, options)).descriptor;
  }
  if (isDigest(reference)) compareDigests(reference, digest);
  if (!MANIFEST_TYPES.includes(mediaType)) {
    throw new ChartError('MANIFEST_INVALID', `${named(repository, reference)} is ${mediaType}, which is not supported`);
  }
  return { mediaType, digest, size };
}

export async function readManifest(
  repository: RepositoryContext,
  reference: TagOrDigest,
  options: CallOptions,
): Promise<RawManifest> {
  const response = await ask(repository, 'GET', reference, options);
  if (response.status !== 200) throw await refusalOf(repository, reference, response);
  const what = `manifest ${named(repository, reference)}`;
  const bytes = await readWhole(response, { limit: MANIFEST_LIMIT, what: `the ${what}`, signal: options.signal });
  const announced = announcedDigest(response);
  if (isDigest(reference)) checkBytes(bytes, { digest: reference }, 'manifest');
  if (announced !== undefined && announced !== reference) checkBytes(bytes, { digest: announced }, 'manifest');
  const type = contentType(response);
  const parsed = parseManifest(bytes, VAGUE_TYPES.includes(type) ? undefined : type);
  const { mediaType } = parsed;
  if (parsed.kind === 'manifest') {
    // Whoever copies it to another repository of this registry need not send these.
    for (const part of successors(parsed)) repository.client.whereabouts.note(part.digest, repository.name);
  }
  const digest = isDigest(reference) ? reference : announced;
  return describeManifest(bytes, mediaType, digest && digestAlgorithm(digest));
}

/**
 * Stores under the tag, or else under the digest, and compares what the registry says it stored.
 *
 * @returns whether the registry says that it lists the manifest as a referrer of its subject
 */
export async function writeManifest(
  repository: RepositoryContext,
  { descriptor, bytes }: RawManifest,
  tag: string | undefined,
  { signal }: CallOptions,
): Promise<boolean> {
  checkBytes(bytes, descriptor, 'manifest');
  const reference = tag ?? descriptor.digest;
  const response = await repository.client.send({
    method: 'PUT',
    url: manifestPath(repository, reference),
    scopes: scopesOf(repository, 'pull,push'),
    headers: { 'content-type': descriptor.mediaType },
    body: bytes,
    repeatable: true,
    signal,
  });
  if (response.status < 200 || response.status > 204) {
    throw await repository.client.refusal(response, {
      what: `store the manifest of ${named(repository, reference)}`,
      repository: repository.name,
    });
  }
  await discard(response);
  const stored = announcedDigest(response);
  if (stored !== undefined) compareDigests(descriptor.digest, stored);
  return headerOf(response, 'oci-subject') !== undefined;
}

/** A registry that cannot delete a tag alone refuses: the manifest is not deleted in its stead. */
export async function deleteTag(repository: RepositoryContext, tag: string, options: CallOptions): Promise<void> {
  const refusal = await remove(repository, tag, options);
  if (refusal === undefined) return;
  if (![400, 405, 501].includes(refusal.response.status)) throw await deleteError(repository, tag, refusal);
  throw new ChartError(
    'REGISTRY_REFUSED',
    `${repository.client.host} cannot delete the tag ${named(repository, tag)} alone`,
    {
      hint: `It said: ${[refusal.status, refusal.words].filter(Boolean).join(', ')}. Deleted by digest, a manifest goes with all its tags.`,
    },
  );
}

export async function deleteManifest(
  repository: RepositoryContext,
  digest: Digest,
  options: CallOptions,
): Promise<void> {
  const refusal = await remove(repository, parseDigest(digest), options);
  if (refusal !== undefined) throw await deleteError(repository, digest, refusal);
}

/** @returns the refusal, if it was refused */
async function remove(
  repository: RepositoryContext,
  reference: TagOrDigest,
  { signal }: CallOptions,
): Promise<Refusal | undefined> {
  const response = await repository.client.send({
    method: 'DELETE',
    url: manifestPath(repository, reference),
    scopes: scopesOf(repository, 'pull,delete'),
    signal,
  });
  if (response.status === 404) throw await refusalOf(repository, reference, response);
  if (response.status < 200 || response.status > 204) return repository.client.readRefusal(response);
  await discard(response);
  return undefined;
}

function deleteError(repository: RepositoryContext, reference: TagOrDigest, refusal: Refusal): Promise<ChartError> {
  return repository.client.explain(refusal, { what: `delete ${named(repository, reference)}` });
}

function ask(
  repository: RepositoryContext,
  method: Method,
  reference: TagOrDigest,
  { signal }: CallOptions,
): Promise<WireResponse> {
  const url = manifestPath(repository, reference);
  return repository.client.send({
    method,
    url,
    scopes: scopesOf(repository, 'pull'),
    headers: { accept: ACCEPT },
    signal,
  });
}

/** @throws ChartError `REFERENCE_INVALID`, `DIGEST_INVALID`: only a sound tag or digest becomes part of a URL */
function manifestPath(repository: RepositoryContext, reference: TagOrDigest): string {
  if (reference.includes(':')) return pathOf(repository, `manifests/${parseDigest(reference)}`);
  if (!isTag(reference)) throw new ChartError('REFERENCE_INVALID', `${JSON.stringify(reference)} is not a tag`);
  return pathOf(repository, `manifests/${wireTag(reference)}`);
}

async function refusalOf(
  repository: RepositoryContext,
  reference: TagOrDigest,
  response: WireResponse,
): Promise<ChartError> {
  if (response.status === 404) {
    const { words } = await repository.client.readRefusal(response);
    return new ChartError('MANIFEST_NOT_FOUND', `${named(repository, reference)}: not found`, {
      hint: notFoundHint(repository, reference, words),
    });
  }
  return repository.client.refusal(response, {
    what: `show ${named(repository, reference)}`,
    message: (status) =>
      `unexpected status code [manifests ${isTag(reference) ? wireTag(reference) : reference}]: ${status}`,
  });
}

function notFoundHint(repository: RepositoryContext, reference: TagOrDigest, words: string): string | undefined {
  const said = words === '' ? [] : [`${repository.client.host} says: ${words}.`];
  const next = isTag(reference) ? [`chart tags ${repository.fullName} lists what is there.`] : [];
  return [...said, ...next].join(' ') || undefined;
}

/** @throws ChartError `DIGEST_INVALID` (CVE-2024-3727) */
function announcedDigest(response: WireResponse): Digest | undefined {
  const header = headerOf(response, 'docker-content-digest');
  return header === undefined ? undefined : parseDigest(header);
}

/** Digests of two algorithms cannot be compared without the content. */
function compareDigests(wanted: Digest, found: Digest): void {
  if (digestAlgorithm(wanted) === digestAlgorithm(found) && wanted !== found) {
    throw new ChartError('BLOB_DIGEST_MISMATCH', `manifest ${wanted} has other content (${found})`, {
      hint: 'The registry, or a proxy before it, answers with something else than was asked for.',
    });
  }
}

function named({ fullName }: RepositoryContext, reference: TagOrDigest): string {
  return `${fullName}${isDigest(reference) ? '@' : ':'}${reference}`;
}
