/** Manifests of one repository: found by the entries of index.json, read from blobs. */
import { ChartError, isChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, digestAlgorithm, isDigest, parseDigest } from '../oci/digest.js';
import { checkBytes, MANIFEST_LIMIT, parseManifest, type RawManifest } from '../oci/manifest.js';
import { wireTag } from '../oci/reference.js';
import type { CallOptions, TagOrDigest } from '../oci/target.js';
import { findBlob, readSmall } from './blobs.js';
import type { LayoutContext } from './context.js';
import { discardBlobs } from './discard.js';
import type { IndexEdit } from './index-edit.js';
import type { IndexSession } from './index-update.js';
import { putBytes } from './ingest.js';
import { prepareName, putNames, syncBlobs } from './tags.js';

/**
 * Finds a manifest by tag or digest. A tag is found in the form that it has on the wire, too: `1.0_build` finds `1.0+build`.
 * By digest are found the entries of the repository, what its indexes list, which has no entry of its own, and what no
 * entry names any more: a tag may move between a client's two requests. What is another repository's is not found, or else a client
 * that copies an artifact with its referrers would leave out what it takes for copied.
 *
 * @throws ChartError `MANIFEST_NOT_FOUND`, `DIGEST_INVALID`; an entry's own fault
 */
export async function resolveManifest(
  { dir, index, facts }: LayoutContext,
  repository: string,
  reference: TagOrDigest,
): Promise<Descriptor> {
  const snapshot = await index.read();
  const tags = snapshot.repositories().get(repository)?.tags;
  if (reference.includes(':')) {
    const digest = parseDigest(reference);
    const entries: Descriptor[] = [];
    for (const position of tags?.values() ?? []) {
      const { descriptor } = snapshot.entry(position);
      if (descriptor?.digest === digest) return descriptor;
      if (descriptor) entries.push(descriptor);
    }
    const isForeign = snapshot.hasDigest(digest) && !facts.isListed(digest, entries);
    const found = isForeign ? undefined : describeBlob(dir, digest);
    if (found === undefined) throw notFound(repository, digest);
    return found;
  }
  const tag = tags && findTag(tags.keys(), (other) => tags.has(other), reference);
  if (!tags || tag === undefined) throw notFound(repository, reference);
  const entry = snapshot.entry(tags.get(tag) as number);
  if (entry.fault) throw entry.fault;
  return entry.descriptor as Descriptor;
}

/** A blob that is a manifest, under the type that it has by itself. */
function describeBlob(dir: string, digest: Digest): Descriptor | undefined {
  const size = findBlob(dir, digest)?.size;
  if (size === undefined || size > MANIFEST_LIMIT) return undefined;
  try {
    const descriptor = { mediaType: 'application/json', digest, size };
    return { ...descriptor, mediaType: parseManifest(readSmall(dir, descriptor)).mediaType };
  } catch (error) {
    if (isChartError(error)) return undefined;
    throw error;
  }
}

/** @throws ChartError as {@link resolveManifest}, `BLOB_DIGEST_MISMATCH`, `BLOB_SIZE_MISMATCH`, `LIMIT_EXCEEDED` */
export async function readManifest(
  context: LayoutContext,
  repository: string,
  reference: TagOrDigest,
): Promise<RawManifest> {
  const descriptor = await resolveManifest(context, repository, reference);
  try {
    return { descriptor, bytes: readSmall(context.dir, descriptor) };
  } catch (error) {
    if (!isChartError(error, 'BLOB_NOT_FOUND')) throw error;
    throw new ChartError('MANIFEST_NOT_FOUND', error.message, { hint: error.hint, cause: error });
  }
}

/**
 * Stores a manifest and, under the lock, names it. Without a tag its name is `REPOSITORY@DIGEST`, unless an entry of the
 * repository leads to it already.
 *
 * @throws ChartError `MANIFEST_INVALID`, `BLOB_NOT_FOUND` for a missing config or layer, ...
 */
export async function writeManifest(
  context: LayoutContext,
  repository: string,
  { descriptor, bytes }: RawManifest,
  tag: string | undefined,
  { signal }: CallOptions = {},
): Promise<void> {
  checkBytes(bytes, descriptor, 'manifest');
  const { digest, mediaType } = descriptor;
  const first = prepareName({ name: nameOf(repository, tag ?? digest), descriptor }, bytes);
  await putBytes(context, bytes, mediaType, digestAlgorithm(digest));
  await syncBlobs(context, [first]);
  await context.updates.update((edit) => {
    if (tag === undefined && edit.withDigest(digest, repository).length > 0) return;
    const known = tag === undefined ? undefined : findTagToReplace(edit, repository, tag);
    const item = known === undefined ? first : prepareName({ name: nameOf(repository, known), descriptor }, bytes);
    putNames(context, edit, [item]);
  }, signal);
  context.workspace.settle(first.settled);
}

/** Removes a tag. If it was the last that led to its manifest, that keeps an entry by digest. @throws ChartError `MANIFEST_NOT_FOUND` */
export async function deleteTag(
  { updates }: LayoutContext,
  repository: string,
  tag: string,
  { signal }: CallOptions = {},
): Promise<void> {
  await updates.update((edit) => {
    const known = findTagToReplace(edit, repository, tag);
    const name = nameOf(repository, known ?? tag);
    if (!edit.has(name)) throw notFound(repository, tag);
    const { descriptor } = edit.find(name) ?? {};
    edit.remove(name);
    if (descriptor && edit.withDigest(descriptor.digest, repository).length === 0) {
      edit.put(nameOf(repository, descriptor.digest), descriptor, false);
    }
  }, signal);
}

/**
 * Removes a manifest and every tag of this repository that names it, and the file, unless another repository has it too:
 * from now on it is not found by digest either.
 *
 * @throws ChartError `MANIFEST_NOT_FOUND`
 */
export async function deleteManifest(
  context: LayoutContext,
  repository: string,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<void> {
  const deleteNow = async (session: IndexSession): Promise<void> => {
    const { edit } = session;
    const own = edit.withDigest(digest, repository);
    const isLoose = edit.withDigest(digest).length === 0 && describeBlob(context.dir, digest) !== undefined;
    if (own.length === 0 && !isLoose) throw notFound(repository, digest);
    for (const position of own) edit.removeAt(position);
    await session.commit();
    if (edit.withDigest(digest).length > 0) return;
    context.workspace.forget(digest);
    await discardBlobs(context, [digest], session);
  };
  await context.updates.exclusive(deleteNow, () => signal?.aborted ?? false);
}

export async function* listTags({ index }: LayoutContext, repository: string): AsyncIterable<string> {
  const tags = (await index.read()).repositories().get(repository)?.tags.keys() ?? [];
  for (const tag of tags) if (tag !== '' && !isDigest(tag)) yield tag;
}

/** Every name that an entry has a tag or digest of. */
export async function* listRepositories({ index }: LayoutContext): AsyncIterable<string> {
  yield* (await index.read()).repositories().keys();
}

export async function findRepositories({ index }: LayoutContext, path: string): Promise<string[]> {
  const names = [...(await index.read()).repositories().keys()];
  return names.filter((name) => name.endsWith(path) && (name === path || name.at(-path.length - 1) === '/'));
}

export async function listReferrers(
  { index, facts }: LayoutContext,
  repository: string,
  subject: Digest,
): Promise<Descriptor[]> {
  const snapshot = await index.read();
  const positions = snapshot.repositories().get(repository)?.tags.values() ?? [];
  return facts.referrers(
    subject,
    [...positions].flatMap((position) => snapshot.entry(position).descriptor ?? []),
  );
}

function nameOf(repository: string, tagOrDigest: string): string {
  return `${repository}${isDigest(tagOrDigest) ? '@' : ':'}${tagOrDigest}`;
}

/** The tag itself, or one that has the same form on the wire. */
function findTag(tags: Iterable<string>, has: (tag: string) => boolean, wanted: string): string | undefined {
  if (has(wanted)) return wanted;
  const wire = wireTag(wanted);
  if (!wire.includes('_')) return undefined;
  for (const tag of tags) if (wireTag(tag) === wire) return tag;
  return undefined;
}

function findTagToReplace(edit: IndexEdit, repository: string, tag: string): string | undefined {
  if (!wireTag(tag).includes('_')) return undefined;
  return findTag(edit.tagsOf(repository), (other) => edit.has(nameOf(repository, other)), tag);
}

function notFound(repository: string, reference: string): ChartError {
  const name = nameOf(repository, reference);
  return new ChartError('MANIFEST_NOT_FOUND', `${name}: not found in the cache`);
}
