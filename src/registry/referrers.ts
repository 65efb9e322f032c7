/**
 * Referrers: manifests that name a subject. Many registries list them; in others clients keep the list under a tag.
 *
 *     GET /v2/PATH/referrers/DIGEST?artifactType=TYPE     200: an index of their descriptors, in pages; 404: no such API
 *     PUT /v2/PATH/manifests/DIGEST                       OCI-Subject in the answer: the registry lists this one
 *     GET, PUT /v2/PATH/manifests/sha256-HEX              the index that clients keep where it does neither
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
import { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, parseDigest } from '../oci/digest.js';
import { describeManifest, MANIFEST_LIMIT, parseManifest, type RawManifest } from '../oci/manifest.js';
import { OCI_INDEX } from '../oci/media-types.js';
import { describeReferrer, readReferrersIndex, referrersTag } from '../oci/referrers.js';
import type { CallOptions, ListReferrersOptions } from '../oci/target.js';
import { contentType, discard, readWhole } from './answers.js';
import { readManifest, writeManifest } from './manifests.js';
import { pathOf, type RepositoryContext, scopesOf } from './repository-context.js';
import { nextPage } from './tags.js';
import type { WireResponse } from './transport.js';

/** Statuses of registries, and of proxies before them, that do not know such a path. */
const UNKNOWN_PATH: readonly number[] = [400, 404, 405, 406, 410, 501];
const LIMIT = 10_000;
const PAGES_LIMIT = 1_000;
/** Bytes of all pages, annotations and all. */
const BYTES_LIMIT = 8 * MANIFEST_LIMIT;

/** @throws ChartError `LIMIT_EXCEEDED`, `REGISTRY_PROTOCOL`, `MANIFEST_INVALID`; what the network does */
export async function listReferrers(
  repository: RepositoryContext,
  subject: Digest,
  { artifactType, signal }: ListReferrersOptions,
): Promise<readonly Descriptor[]> {
  const listed =
    (await askReferrers(repository, subject, artifactType, signal)) ??
    (await readReferrersIndex(sourceOf(repository), subject, { signal })) ??
    [];
  // A registry may pass over the type that it was asked for.
  return artifactType === undefined ? listed : listed.filter((referrer) => referrer.artifactType === artifactType);
}

/**
 * Has a manifest that was just stored listed as a referrer of its subject, where it has one and the registry said nothing of it: in the index
 * that clients keep, unless the registry lists by itself after all.
 *
 * @throws ChartError `REFERRERS_CONFLICT` where the tag for that index is something else
 */
export async function recordReferrer(
  repository: RepositoryContext,
  raw: RawManifest,
  { signal }: CallOptions,
): Promise<void> {
  if (!Buffer.from(raw.bytes).includes('"subject"')) return;
  const manifest = parseManifest(raw.bytes, raw.descriptor.mediaType);
  const subject = manifest.subject?.digest;
  if (subject === undefined || (await isListing(repository, subject, signal))) return;
  const tag = referrersTag(subject);
  const { referrers } = repository.client;
  await referrers.inTurn(`${repository.name}:${tag}`, async () => {
    const before = await readReferrersIndex(sourceOf(repository), subject, { signal });
    if (before === undefined) {
      throw new ChartError('REFERRERS_CONFLICT', `${repository.fullName}:${tag} is no index of referrers`, {
        hint: `${raw.descriptor.digest} was stored, and is not listed for ${subject}. Delete that tag if it is not wanted.`,
      });
    }
    if (before.some(({ digest }) => digest === raw.descriptor.digest)) return;
    const manifests = [...before, describeReferrer(raw, manifest)];
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
    await writeManifest(repository, describeManifest(index, OCI_INDEX), tag, { signal });
  });
}

async function isListing(repository: RepositoryContext, subject: Digest, signal?: AbortSignal): Promise<boolean> {
  const known = repository.client.referrers.isListing(repository.name);
  return known ?? (await askReferrers(repository, subject, undefined, signal)) !== undefined;
}

/** All pages, or undefined where the registry has no such API. */
async function askReferrers(
  repository: RepositoryContext,
  subject: Digest,
  artifactType: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Descriptor[] | undefined> {
  const { client, name } = repository;
  if (client.referrers.isListing(name) === false) return undefined;
  const filter = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const found: Descriptor[] = [];
  const asked = new Set<string>();
  let bytes = 0;
  let url: URL | undefined = new URL(
    pathOf(repository, `referrers/${parseDigest(subject)}${filter}`),
    client.endpoint.origin,
  );
  while (url !== undefined && !asked.has(url.href)) {
    const response: WireResponse = await client.send({
      ...{ method: 'GET', url, scopes: scopesOf(repository, 'pull'), headers: { accept: OCI_INDEX }, signal },
    });
    const page = await readPage(repository, response, asked.size === 0, signal);
    if (page === undefined) {
      client.referrers.noteListing(name, false);
      return undefined;
    }
    client.referrers.noteListing(name, true);
    found.push(...page.referrers);
    bytes += page.bytes;
    asked.add(url.href);
    if (bytes > BYTES_LIMIT) {
      throw new ChartError(
        'LIMIT_EXCEEDED',
        `${client.host} sends more than ${BYTES_LIMIT} bytes of referrers of ${repository.fullName}@${subject}`,
      );
    }
    if (found.length > LIMIT || asked.size > PAGES_LIMIT) {
      throw new ChartError('LIMIT_EXCEEDED', `${repository.fullName}@${subject} has more than ${LIMIT} referrers`);
    }
    url = nextPage(response, client);
  }
  return found;
}

/** @returns undefined where the first answer is that of a registry, or of a page for people, which knows nothing of this */
async function readPage(
  repository: RepositoryContext,
  response: WireResponse,
  isFirst: boolean,
  signal: AbortSignal | undefined,
): Promise<{ readonly referrers: readonly Descriptor[]; readonly bytes: number } | undefined> {
  const { client, fullName } = repository;
  if (isFirst && (UNKNOWN_PATH.includes(response.status) || (response.status === 200 && isForPeople(response)))) {
    await discard(response);
    return undefined;
  }
  if (response.status !== 200) throw await client.refusal(response, { what: `list the referrers of ${fullName}` });
  const body = await readWhole(response, { limit: MANIFEST_LIMIT, what: 'a list of referrers', signal });
  const index = parseManifest(body, OCI_INDEX);
  if (index.kind === 'index') return { referrers: index.manifests, bytes: body.length };
  throw new ChartError('REGISTRY_PROTOCOL', `${client.host} lists referrers with something else than an index`);
}

function isForPeople(response: WireResponse): boolean {
  return contentType(response)?.startsWith('text/') ?? false;
}

function sourceOf(repository: RepositoryContext) {
  return {
    readManifest: (reference: string, options: CallOptions = {}) => readManifest(repository, reference, options),
  };
}
