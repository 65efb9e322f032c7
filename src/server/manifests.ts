/**
 * Manifests, by tag or digest.
 *
 *     GET HEAD PUT DELETE /v2/NAME/manifests/TAG_OR_DIGEST
 *     PUT                 /v2/NAME/manifests/DIGEST?tag=T&tag=U
 *
 * What is sent is always what was stored, byte for byte and under its own type, whatever `Accept` says: there is one form
 * of it, and a client that wants another can tell by the Content-Type.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
import { type Digest, digestAlgorithm, isDigest } from '../oci/digest.js';
import { describeManifest } from '../oci/manifest.js';
import { CHART_CONFIG } from '../oci/media-types.js';
import { describeReferrer } from '../oci/referrers.js';
import type { Repository, TagOrDigest } from '../oci/target.js';
import { readBody } from './bodies.js';
import { entityTag, isNotModified } from './conditions.js';
import { Refusal } from './errors.js';
import { answer, digestFrom, type Endpoints, type Exchange, queryOf } from './exchange.js';
import { readNamed, repositoryToWrite } from './names.js';
import { checkSuccessors, parsePushed } from './pushed-manifest.js';
import { recordReferrer } from './referrers.js';
import type { Route } from './routes.js';
import { isWireTag, orMissing, readTagged, tagToWrite } from './tags.js';

export const manifestEndpoints: Endpoints = {
  GET: readManifest,
  HEAD: headManifest,
  PUT: writeManifest,
  DELETE: deleteManifest,
};

const TAGS_LIMIT = 100;

async function readManifest(exchange: Exchange, { name, last }: Route): Promise<void> {
  const reference = knownReference(name, last);
  const found = await readNamed(exchange.names, name, (repository) =>
    readReference(repository, reference, (known) => repository.readManifest(known)),
  );
  if (found === undefined) throw unknownManifest(name, last);
  const { descriptor, bytes } = found;
  const headers = headersOf(descriptor.mediaType, descriptor.digest);
  if (isNotModified(exchange.request.headers, descriptor.digest)) answer(exchange, 304, headers);
  else answer(exchange, 200, headers, bytes);
}

async function headManifest(exchange: Exchange, { name, last }: Route): Promise<void> {
  const reference = knownReference(name, last);
  const found = await readNamed(exchange.names, name, (repository) =>
    readReference(repository, reference, (known) => repository.resolve(known)),
  );
  if (found === undefined) throw unknownManifest(name, last);
  const headers = headersOf(found.mediaType, found.digest);
  if (isNotModified(exchange.request.headers, found.digest)) answer(exchange, 304, headers);
  else answer(exchange, 200, { ...headers, 'Content-Length': found.size });
}

async function writeManifest(exchange: Exchange, { name, last }: Route): Promise<void> {
  const repository = repositoryToWrite(exchange.names, name);
  const reference = referenceFrom(last);
  const tags = isDigest(reference) ? queryOf(exchange).getAll('tag') : [reference];
  if (tags.length > TAGS_LIMIT) throw new Refusal(414, 'UNSUPPORTED', `at most ${TAGS_LIMIT} tags are taken at once`);
  for (const tag of tags) referenceFrom(tag);

  const bytes = await readBody(exchange, exchange.limits.manifest);
  const { mediaType, manifest } = parsePushed(bytes, exchange.request.headers['content-type']);
  const raw = describeManifest(bytes, mediaType, isDigest(reference) ? digestAlgorithm(reference) : 'sha256');
  const { digest } = raw.descriptor;
  if (isDigest(reference) && digest !== reference) {
    throw new Refusal(400, 'DIGEST_INVALID', 'the manifest has another digest', { detail: { digest } });
  }
  if (manifest) await checkSuccessors(exchange.names, repository, manifest);

  const isChart = manifest?.kind === 'manifest' && manifest.config.mediaType === CHART_CONFIG;
  if (tags.length === 0) await repository.writeManifest(raw);
  for (const tag of tags) await repository.writeManifest(raw, await tagToWrite(repository, tag, isChart));
  const headers: Record<string, string> = {
    Location: `/v2/${name}/manifests/${digest}`,
    'Docker-Content-Digest': digest,
  };
  if (isDigest(reference) && tags.length > 0) headers['OCI-Tag'] = tags.join(', ');
  const subject = manifest?.subject?.digest;
  if (manifest && subject) {
    const referrer = describeReferrer(raw, manifest);
    const kept = await exchange.exclusively(() => recordReferrer(repository, subject, referrer));
    if (kept) headers['OCI-Subject'] = subject;
  }
  answer(exchange, 201, headers);
}

async function deleteManifest(exchange: Exchange, { name, last }: Route): Promise<void> {
  const repository = repositoryToWrite(exchange.names, name);
  const reference = knownReference(name, last);
  const done = isDigest(reference)
    ? await orMissing(repository.deleteManifest(reference).then(() => true))
    : await readTagged(repository, reference, (tag) => repository.deleteTag(tag).then(() => true));
  if (!done) throw unknownManifest(name, last);
  answer(exchange, 202, {});
}

/** As {@link referenceFrom}, for what is only looked for: a tag that can be none is one that is not here. */
function knownReference(name: string, text: string): TagOrDigest {
  if (text.includes(':')) return digestFrom(text);
  if (isWireTag(text)) return text;
  throw unknownManifest(name, text);
}

/** A digest, or a tag as it is on the wire. @throws Refusal `DIGEST_INVALID`, `MANIFEST_INVALID` */
function referenceFrom(text: string): TagOrDigest {
  if (text.includes(':')) return digestFrom(text);
  if (isWireTag(text)) return text;
  throw new Refusal(400, 'MANIFEST_INVALID', 'a tag has at most 128 letters, digits and "_", "." or "-"');
}

function readReference<T>(
  repository: Repository,
  reference: TagOrDigest,
  read: (known: TagOrDigest) => Promise<T>,
): Promise<T | undefined> {
  return isDigest(reference) ? orMissing(read(reference)) : readTagged(repository, reference, read);
}

function headersOf(mediaType: string, digest: Digest): Record<string, string> {
  return { 'Content-Type': mediaType, 'Docker-Content-Digest': digest, ETag: entityTag(digest) };
}

function unknownManifest(name: string, reference: string): Refusal {
  return new Refusal(404, 'MANIFEST_UNKNOWN', 'the manifest is not known here', { detail: { name, reference } });
}
