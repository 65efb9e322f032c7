/**
 * Referrers: the manifests of a repository that name a subject.
 *
 *     GET /v2/NAME/referrers/DIGEST[?artifactType=TYPE]     an image index of their descriptors
 *
 * The target lists them, or else an index under the tag `sha256-HEX` does: the same one that clients keep in registries
 * without this API, so what they kept there is found too.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { describeManifest, parseManifest } from '../oci/manifest.js';
import { MANIFEST_TYPES, OCI_INDEX } from '../oci/media-types.js';
import { describeReferrer, referrersTag } from '../oci/referrers.js';
import type { Repository, TagOrDigest } from '../oci/target.js';
import { isDamage } from './errors.js';
import { answer, digestFrom, type Endpoints, type Exchange, queryOf } from './exchange.js';
import { readNamed } from './names.js';
import { nextLink } from './paging.js';
import type { Route } from './routes.js';
import { orMissing } from './tags.js';

export const referrersEndpoints: Endpoints = { GET: listReferrers, HEAD: listReferrers };

async function listReferrers(exchange: Exchange, { name, last: text }: Route): Promise<void> {
  const subject = digestFrom(text);
  const query = queryOf(exchange);
  // A `+` that a client did not encode is read as a blank, which no type has.
  const artifactType = query.get('artifactType')?.replaceAll(' ', '+') || undefined;
  const after = query.get('last') ?? '';
  const found = await readNamed(exchange.names, name, async (repository) => {
    const referrers = await findReferrers(repository, subject);
    return referrers.length > 0 ? referrers : undefined;
  });
  const wanted = (found ?? [])
    .filter((item) => item.digest > after && (artifactType === undefined || item.artifactType === artifactType))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const page = takePage(wanted, exchange.limits.manifest);
  const next = page.at(-1);
  const headers: Record<string, string> = { 'Content-Type': OCI_INDEX };
  if (artifactType !== undefined) headers['OCI-Filters-Applied'] = 'artifactType';
  if (next && page.length < wanted.length) {
    const filter = artifactType === undefined ? {} : { artifactType };
    headers.Link = nextLink(`/v2/${name}/referrers/${subject}`, { ...filter, last: next.digest });
  }
  answer(exchange, 200, headers, JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: page }));
}

/**
 * Makes a manifest that was just stored a referrer of its subject, for a target that does not see to it itself. To be
 * called by one at a time: it reads the index and writes it back.
 *
 * @returns false where the tag for it is something else
 */
export async function recordReferrer(repository: Repository, subject: Digest, referrer: Descriptor): Promise<boolean> {
  if (repository.listReferrers) return true;
  const before = await readTagSchema(repository, subject);
  if (before === undefined) return false;
  if (before.some((item) => item.digest === referrer.digest)) return true;
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...before, referrer] };
  const raw = describeManifest(Buffer.from(JSON.stringify(index)), OCI_INDEX);
  await repository.writeManifest(raw, referrersTag(subject));
  return true;
}

async function findReferrers(repository: Repository, subject: Digest): Promise<Descriptor[]> {
  const found = new Map<Digest, Descriptor>();
  for (const item of (await repository.listReferrers?.(subject)) ?? []) found.set(item.digest, item);
  for (const item of (await readTagSchema(repository, subject)) ?? []) found.set(item.digest, item);
  return [...found.values()];
}

/**
 * What the index under the tag lists, where it is still here and does have that subject; undefined where the tag is not an
 * index.
 */
async function readTagSchema(repository: Repository, subject: Digest): Promise<Descriptor[] | undefined> {
  const index = await readParsed(repository, referrersTag(subject));
  if (index === undefined) return [];
  if (index.manifest.kind !== 'index') return undefined;
  const found: Descriptor[] = [];
  for (const { digest } of index.manifest.manifests) {
    const referrer = await readParsed(repository, digest);
    if (referrer?.manifest.subject?.digest === subject) found.push(describeReferrer(referrer.raw, referrer.manifest));
  }
  return found;
}

/** Resolves to undefined for what is not here, or damaged, or of no type that has a subject. */
async function readParsed(repository: Repository, reference: TagOrDigest) {
  try {
    const raw = await orMissing(repository.readManifest(reference));
    if (raw === undefined || !MANIFEST_TYPES.includes(raw.descriptor.mediaType)) return undefined;
    return { raw, manifest: parseManifest(raw.bytes, raw.descriptor.mediaType) };
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** As many as fit into an index that clients, who limit what they read, still take; at least one. */
function takePage(all: readonly Descriptor[], limit: number): readonly Descriptor[] {
  let size = 200;
  const end = all.findIndex((item, position) => {
    size += Buffer.byteLength(JSON.stringify(item)) + 1;
    return size > limit && position > 0;
  });
  return end < 0 ? all : all.slice(0, end);
}
