/** Signatures, attestations and all else that is attached to charts, between the cache and registries. */
import type { CopyEvent } from '../copy.js';
import { type Attachment, copyReferrers, type SkippedAttachment } from '../copy-referrers.js';
import { ChartError } from '../errors.js';
import type { IndexEntry, Layout, NamedDescriptor } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { parseManifest, type RawManifest } from '../oci/manifest.js';
import { MANIFEST_TYPES } from '../oci/media-types.js';
import { splitName } from '../oci/reference.js';
import { describeReferrer, isAttachmentTag } from '../oci/referrers.js';
import type { Destination, Repository, Source } from '../oci/target.js';

/** One thing that is attached to a chart, or to what is attached to it. */
export interface AttachedItem {
  readonly digest: Digest;
  readonly artifactType: string | undefined;
  /** The tag of cosign's scheme, or undefined for a referrer. */
  readonly tag: string | undefined;
  /** What it is attached to. */
  readonly subject: Digest;
}

export interface CarriedReferrers {
  readonly items: readonly AttachedItem[];
  /** Bytes that were copied. */
  readonly bytes: number;
}

export interface ReferrersDependencies {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((item: string, event: CopyEvent) => void) | undefined;
  /** Told of what is named as attached, and was left out. */
  readonly onSkip?: ((item: string, skipped: SkippedAttachment) => void) | undefined;
}

/**
 * Fetches what is attached to a chart that is in the cache. Nothing is named yet.
 *
 * @param destination keeps blobs and manifests
 * @returns with names to be given in one write with that of the chart, so that prune never comes between
 */
export async function pullReferrers(
  { signal, onEvent, onSkip }: ReferrersDependencies,
  chart: { readonly item: string; readonly repository: string; readonly manifest: RawManifest },
  source: Source,
  destination: Destination,
): Promise<CarriedReferrers & { readonly names: readonly NamedDescriptor[] }> {
  const { item, repository, manifest } = chart;
  const { attachments, copiedBytes } = await copyReferrers(source, destination, manifest, {
    signal,
    verify: true,
    onEvent: (event) => onEvent?.(item, event),
    onSkip: (skipped) => onSkip?.(item, skipped),
  });
  const tagged = new Set(attachments.flatMap(({ tag, manifest: { descriptor } }) => (tag ? [descriptor.digest] : [])));
  const names = attachments
    .filter(({ tag, manifest: { descriptor } }) => tag !== undefined || !tagged.has(descriptor.digest))
    .map(({ tag, manifest: { descriptor } }) => ({
      name: tag === undefined ? `${repository}@${descriptor.digest}` : `${repository}:${tag}`,
      descriptor,
    }));
  return { items: attachments.map(describe), bytes: copiedBytes, names };
}

/** Sends what the cache has attached to a chart, under whatever name. */
export async function pushReferrers(
  { signal, onEvent, onSkip }: ReferrersDependencies,
  chart: { readonly item: string; readonly source: Repository; readonly manifest: RawManifest },
  cached: CachedReferrers,
  destination: Repository,
): Promise<CarriedReferrers> {
  const { item, source, manifest } = chart;
  const { attachments, copiedBytes } = await copyReferrers(cached.sourceFor(source), destination, manifest, {
    signal,
    tags: cached.tags,
    existing: destination,
    onEvent: (event) => onEvent?.(item, event),
    onSkip: (skipped) => onSkip?.(item, skipped),
  });
  return { items: attachments.map(describe), bytes: copiedBytes };
}

function describe({ manifest, tag, subject }: Attachment): AttachedItem {
  const { digest, artifactType } = describeReferrer(manifest);
  return { digest, artifactType, tag, subject };
}

/**
 * What is attached to what in the whole cache: a chart that got a second name with `chart tag` is still the chart that was
 * signed.
 */
export class CachedReferrers {
  readonly #layout: Layout;
  readonly #referrers = new Map<Digest, Map<Digest, Descriptor>>();
  /** All of these, by their own digest: the repository that is asked may not be the one that has them. */
  readonly #known = new Map<string, Descriptor>();
  /** By tag, then by repository. */
  readonly #tagged = new Map<string, Map<string, Descriptor>>();

  constructor(layout: Layout, index: readonly IndexEntry[]) {
    this.#layout = layout;
    const seen = new Set<Digest>();
    for (const { name, descriptor } of index) {
      if (descriptor === undefined) continue;
      const { repository, tag } = splitName(name ?? '');
      if (isAttachmentTag(tag)) putIn(this.#tagged, tag, repository, descriptor);
      this.#note(descriptor, seen);
    }
  }

  get tags(): ReadonlySet<string> {
    return new Set(this.#tagged.keys());
  }

  /** A repository of the cache, with what is attached in others to what it holds. */
  sourceFor(repository: Repository): Source {
    return {
      resolve: repository.resolve,
      readBlob: repository.readBlob,
      statBlob: repository.statBlob,
      listTags: repository.listTags,
      listReferrers: async (subject) => [...(this.#referrers.get(subject)?.values() ?? [])],
      readManifest: async (reference, options) => {
        const tagged = this.#tagged.get(reference);
        const descriptor =
          tagged === undefined
            ? this.#known.get(reference)
            : (tagged.get(repository.name) ?? (tagged.values().next().value as Descriptor));
        return descriptor
          ? this.#layout.readManifest(descriptor, options)
          : repository.readManifest(reference, options);
      },
    };
  }

  /** Reads a manifest, and those that it lists, for the subjects that they name. What cannot be read refers to nothing. */
  #note(descriptor: Descriptor, seen: Set<Digest>): void {
    if (seen.has(descriptor.digest) || !MANIFEST_TYPES.includes(descriptor.mediaType)) return;
    seen.add(descriptor.digest);
    const [bytes] = this.#layout.readSmallBlobs([descriptor]);
    if (!bytes || bytes instanceof ChartError) return;
    try {
      const manifest = parseManifest(bytes, descriptor.mediaType);
      const referrer = describeReferrer({ descriptor, bytes }, manifest);
      if (manifest.subject) {
        putIn(this.#referrers, manifest.subject.digest, descriptor.digest, referrer);
        this.#known.set(descriptor.digest, descriptor);
      }
      if (manifest.kind === 'index') for (const child of manifest.manifests) this.#note(child, seen);
    } catch (error) {
      if (!(error instanceof ChartError)) throw error;
    }
  }
}

function putIn<Outer, Inner, Value>(
  map: Map<Outer, Map<Inner, Value>>,
  outer: Outer,
  inner: Inner,
  value: Value,
): void {
  const values = map.get(outer) ?? new Map<Inner, Value>();
  map.set(outer, values.set(inner, value));
}
