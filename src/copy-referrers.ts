/**
 * What is attached to an artifact, along with it: signatures, attestations, bills of materials.
 *
 *     manifest                    copied before, by copy.ts
 *       referrers                 manifests that name it as their subject
 *       sha256-HEX.sig .att ...   tags by cosign's scheme, HEX being the digits of its digest
 *         and what is attached to those, and so on
 *
 * The index that clients keep under the tag `sha256-HEX` is read where a source lists no referrers, and never copied: a
 * destination that needs one keeps its own.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
import { type CopyCounts, type CopyOptions, copyManifest, forEachConcurrent } from './copy.js';
import { ChartError, isChartError } from './errors.js';
import type { Descriptor } from './oci/descriptor.js';
import type { Digest } from './oci/digest.js';
import { checkBytes, parseManifest, type RawManifest, successors } from './oci/manifest.js';
import { MANIFEST_TYPES } from './oci/media-types.js';
import { attachmentPrefix, COSIGN_SUFFIXES, readReferrersIndex } from './oci/referrers.js';
import type { CallOptions, Destination, Source } from './oci/target.js';

/** A manifest that is attached to another. */
export interface Attachment {
  readonly manifest: RawManifest;
  /** Undefined for a referrer; else the tag of cosign's scheme, the same at both ends. */
  readonly tag: string | undefined;
  /** What it is attached to. */
  readonly subject: Digest;
}

/** What is named as attached, and cannot be read or is no such thing. */
export interface SkippedAttachment extends Omit<Attachment, 'manifest'> {
  readonly digest: Digest | undefined;
  readonly reason: ChartError;
}

export interface ReferrersLimits {
  /** Attached manifests in all. */
  readonly manifests: number;
  /** How far from the first: 1 is a signature, 2 what is attached to a signature. */
  readonly depth: number;
  /** Bytes of all that is attached. */
  readonly bytes: number;
}

export const REFERRERS_LIMITS: ReferrersLimits = { manifests: 500, depth: 8, bytes: 1024 ** 3 };

export interface CopyReferrersOptions extends CopyOptions {
  /** All tags of the source, where they are known: spares three requests a manifest, and finds tags of other tools by the same scheme. */
  readonly tags?: ReadonlySet<string> | undefined;
  /** The destination, where a tag that holds signatures which the source does not have is to be kept: it then is an error. */
  readonly existing?: Pick<Source, 'readManifest'> | undefined;
  readonly limits?: Partial<ReferrersLimits> | undefined;
  /** Told of each that is left out. */
  readonly onSkip?: ((skipped: SkippedAttachment) => void) | undefined;
}

export interface CopiedReferrers extends CopyCounts {
  /** What an attachment is attached to comes before it. */
  readonly attachments: readonly Attachment[];
}

interface Run {
  readonly source: Source;
  readonly destination: Destination;
  readonly options: CopyReferrersOptions;
  readonly limits: ReferrersLimits;
  /** GHSA-298f-872v-2rcx: what has been seen is not followed again. */
  readonly seen: Set<Digest>;
  readonly attachments: Attachment[];
  manifests: number;
  bytes: number;
  copiedBytes: number;
  copiedBlobs: number;
  skippedBlobs: number;
}

const CONCURRENCY = 4;
const INDEX_DEPTH = 4;

/**
 * Copies everything that is attached to a manifest which the destination has, to the manifests that it lists if it is an index, and
 * to what is attached to these. Each is copied as by `copyManifest`, its subject before it.
 *
 * @throws ChartError `LIMIT_EXCEEDED`; `REFERRERS_CONFLICT`; what either end throws
 *
 * @example
 * ```ts
 * import { copy, copyReferrers, openLayout, openRegistry } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const registry = openRegistry('127.0.0.1:5000');
 * const [from, to] = [registry.repository('team/app'), layout.repository('127.0.0.1:5000/team/app')];
 * const chart = await copy(from, to, '1.0.0', { tag: '1.0.0' });
 * const { attachments } = await copyReferrers(from, to, chart);
 * console.log(attachments.length); // 0
 * await registry.close();
 * await layout.close();
 * ```
 */
export async function copyReferrers(
  source: Source,
  destination: Destination,
  subject: RawManifest,
  options: CopyReferrersOptions = {},
): Promise<CopiedReferrers> {
  const run: Run = {
    ...{ source, destination, options, limits: { ...REFERRERS_LIMITS, ...options.limits } },
    ...{ seen: new Set(), attachments: [], manifests: 0, bytes: 0, copiedBytes: 0, copiedBlobs: 0, skippedBlobs: 0 },
  };
  let subjects: readonly RawManifest[] = [subject];
  for (let depth = 1; subjects.length > 0; depth += 1) {
    const digests = (await Promise.all(subjects.map((manifest) => withChildren(run, manifest)))).flat();
    const fresh = [...new Set(digests)].filter((digest) => !run.seen.has(digest));
    for (const digest of fresh) run.seen.add(digest);
    subjects = await copyLevel(run, fresh, depth);
  }
  const { attachments, copiedBytes, copiedBlobs, skippedBlobs } = run;
  return { attachments, copiedBytes, copiedBlobs, skippedBlobs };
}

/** What is attached to one manifest, without what is attached to that. Nothing is copied. */
export async function findAttachments(
  source: Source,
  subject: Digest,
  { tags, onSkip, signal }: Pick<CopyReferrersOptions, 'tags' | 'onSkip' | 'signal'> = {},
): Promise<Attachment[]> {
  const call = { signal };
  const listed = source.listReferrers
    ? await source.listReferrers(subject, call)
    : ((await readReferrersIndex(source, subject, call)) ?? []);
  const unique = [...new Map(listed.map((descriptor) => [descriptor.digest, descriptor])).values()];
  const found: (Attachment | undefined)[] = new Array(unique.length);
  const skip = (digest: Digest | undefined, tag: string | undefined, reason: unknown): void => {
    if (!isChartError(reason) || !LEFT_OUT.includes(reason.code)) throw reason;
    onSkip?.({ digest, tag, subject, reason });
  };
  await forEachConcurrent([...unique.entries()], CONCURRENCY, signal, async ([position, descriptor], stop) => {
    try {
      const manifest = await readReferrer(source, subject, descriptor, { signal: stop });
      found[position] = { manifest, tag: undefined, subject };
    } catch (reason) {
      skip(descriptor.digest, undefined, reason);
    }
  });
  const tagged: Attachment[] = [];
  await forEachConcurrent(attachmentTags(subject, tags), CONCURRENCY, signal, async (tag, stop) => {
    try {
      tagged.push({ manifest: await source.readManifest(tag, { signal: stop }), tag, subject });
    } catch (reason) {
      if (!isChartError(reason, 'MANIFEST_NOT_FOUND')) skip(undefined, tag, reason);
    }
  });
  tagged.sort((a, b) => ((a.tag as string) < (b.tag as string) ? -1 : 1));
  return [...found.filter((attachment) => attachment !== undefined), ...tagged];
}

/** What is wrong with one attachment and not with the source. */
const LEFT_OUT: readonly string[] = [
  'MANIFEST_NOT_FOUND',
  'MANIFEST_INVALID',
  'DIGEST_INVALID',
  'BLOB_DIGEST_MISMATCH',
];

function attachmentTags(subject: Digest, tags: ReadonlySet<string> | undefined): string[] {
  const prefix = `${attachmentPrefix(subject)}.`;
  if (tags === undefined) return COSIGN_SUFFIXES.map((suffix) => `${prefix}${suffix}`);
  return [...tags].filter((tag) => tag.startsWith(prefix));
}

async function readReferrer(
  source: Source,
  subject: Digest,
  { digest }: Descriptor,
  options: CallOptions,
): Promise<RawManifest> {
  const manifest = await source.readManifest(digest, options);
  checkBytes(manifest.bytes, { digest }, 'manifest');
  if (parseManifest(manifest.bytes, manifest.descriptor.mediaType).subject?.digest === subject) return manifest;
  throw new ChartError(
    'MANIFEST_INVALID',
    `manifest ${digest} is listed as a referrer of ${subject}, but does not name it`,
  );
}

/** The digest, and of an index those of all manifests that it lists, in lists of lists too. */
async function withChildren(run: Run, { bytes, descriptor }: RawManifest, depth = 0): Promise<Digest[]> {
  const manifest = parseManifest(bytes, descriptor.mediaType);
  if (manifest.kind !== 'index' || depth >= INDEX_DEPTH) return [descriptor.digest];
  const { source, options } = run;
  const children = manifest.manifests.filter(({ mediaType }) => MANIFEST_TYPES.includes(mediaType));
  const digests: Digest[] = [descriptor.digest];
  await forEachConcurrent(children, CONCURRENCY, options.signal, async (child, signal) => {
    if (!child.mediaType.includes('index') && !child.mediaType.includes('list')) digests.push(child.digest);
    else digests.push(...(await withChildren(run, await source.readManifest(child.digest, { signal }), depth + 1)));
  });
  return digests;
}

/** @returns what was copied and had not been seen: of that the next level is made */
async function copyLevel(run: Run, subjects: readonly Digest[], depth: number): Promise<RawManifest[]> {
  const { source, options, limits } = run;
  const level: Attachment[][] = new Array(subjects.length);
  await forEachConcurrent([...subjects.entries()], CONCURRENCY, options.signal, async ([position, subject], signal) => {
    const found = await findAttachments(source, subject, { ...options, signal });
    if (found.length > 0 && depth > limits.depth) throw tooMuch(`lies more than ${limits.depth} deep`);
    for (const attachment of found) await copyAttachment(run, attachment, signal);
    level[position] = found;
  });
  const found = level.flat();
  run.attachments.push(...found);
  return found.map(({ manifest }) => manifest).filter(({ descriptor }) => !run.seen.has(descriptor.digest));
}

async function copyAttachment(run: Run, attachment: Attachment, signal: AbortSignal): Promise<void> {
  const { source, destination, options, limits } = run;
  const { manifest, tag } = attachment;
  const parts = successors(parseManifest(manifest.bytes, manifest.descriptor.mediaType));
  run.bytes += [manifest.descriptor, ...parts].reduce((total, { size }) => total + size, 0);
  run.manifests += 1;
  if (run.manifests > limits.manifests) throw tooMuch(`is more than ${limits.manifests} manifests`);
  if (run.bytes > limits.bytes) throw tooMuch(`has more than ${limits.bytes} bytes`);
  if (tag !== undefined && options.existing) await keepSignatures(options.existing, attachment, tag, signal);
  const counts = await copyManifest(source, destination, manifest, { ...options, tag, signal });
  run.copiedBytes += counts.copiedBytes;
  // An index promises the sizes of manifests alone.
  if (run.copiedBytes > limits.bytes) throw tooMuch(`has more than ${limits.bytes} bytes`);
  run.copiedBlobs += counts.copiedBlobs;
  run.skippedBlobs += counts.skippedBlobs;
}

/** Signatures under one tag are layers of one manifest: who replaces it must have them all. @throws ChartError `REFERRERS_CONFLICT` */
async function keepSignatures(
  existing: Pick<Source, 'readManifest'>,
  { manifest }: Attachment,
  tag: string,
  signal: AbortSignal,
): Promise<void> {
  const there = await existing.readManifest(tag, { signal }).catch((error: unknown) => {
    if (isChartError(error, 'MANIFEST_NOT_FOUND')) return undefined;
    throw error;
  });
  if (there === undefined || there.descriptor.digest === manifest.descriptor.digest) return;
  const digests = (raw: RawManifest): Digest[] => {
    const parsed = parseManifest(raw.bytes, raw.descriptor.mediaType);
    return (parsed.kind === 'manifest' ? parsed.layers : parsed.manifests).map(({ digest }) => digest);
  };
  const ours = new Set(digests(manifest));
  if (digests(there).every((digest) => ours.has(digest))) return;
  throw new ChartError('REFERRERS_CONFLICT', `the tag ${tag} holds something there that would be lost`, {
    hint: 'It was left as it is. Pull it from there first, with what it is attached to, or delete the tag there if it is not wanted.',
  });
}

function tooMuch(what: string): ChartError {
  return new ChartError('LIMIT_EXCEEDED', `what is attached ${what}`, {
    hint: 'This is far more than signatures and attestations need. Copy it without its referrers.',
  });
}
