/**
 * What manifests refer to. Known types are parsed; of a type that is not known, whatever looks like a digest counts, so that
 * prune keeps too much rather than too little.
 */
import { isChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { type ImageIndex, type ImageManifest, MANIFEST_LIMIT, parseManifest, successors } from '../oci/manifest.js';
import { MANIFEST_TYPES } from '../oci/media-types.js';
import { describeReferrer } from '../oci/referrers.js';
import { findBlob, readSmall } from './blobs.js';

/** @returns undefined for a type that is not read here. @throws ChartError `MANIFEST_INVALID` */
export function parseKnown(bytes: Uint8Array, mediaType: string): ImageManifest | ImageIndex | undefined {
  return MANIFEST_TYPES.includes(mediaType) ? parseManifest(bytes, mediaType) : undefined;
}

/** Layers that are not for distribution are kept elsewhere. */
const FOREIGN_LAYERS = [
  'application/vnd.oci.image.layer.nondistributable.',
  'application/vnd.docker.image.rootfs.foreign.',
];

/** The blobs without which a manifest must not get a name. The manifests of an index may come later or never. */
export function requiredBlobs(manifest: ImageManifest | ImageIndex | undefined): readonly Descriptor[] {
  if (manifest?.kind !== 'manifest') return [];
  return successors(manifest).filter(({ mediaType }) => !FOREIGN_LAYERS.some((prefix) => mediaType.startsWith(prefix)));
}

/** Whatever in the bytes could be a digest. */
export function anyDigests(bytes: Uint8Array): Digest[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return (text.match(/sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}/g) ?? []) as Digest[];
}

interface Fact {
  readonly subject?: Digest | undefined;
  /** As a list of referrers holds it. */
  readonly referrer?: Descriptor | undefined;
  /** What an index lists. */
  readonly children: readonly Descriptor[];
}

const NOTHING: Fact = { children: [] };

/** Subjects and children of manifests that were read once: the bytes under a digest do not change, though they may go. */
export class ManifestFacts {
  readonly #dir: string;
  readonly #known = new Map<Digest, Fact>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The manifests among `from`, and among what the indexes among them list, whose subject is that digest. */
  referrers(subject: Digest, from: Iterable<Descriptor>): Descriptor[] {
    const found = new Map<Digest, Descriptor>();
    for (const { descriptor, fact } of this.#walk(from)) {
      if (fact.subject === subject && fact.referrer && findBlob(this.#dir, descriptor.digest)) {
        found.set(descriptor.digest, fact.referrer);
      }
    }
    return [...found.values()];
  }

  /** True if an index among `from`, or among what those list, lists that digest. */
  isListed(digest: Digest, from: Iterable<Descriptor>): boolean {
    for (const { fact } of this.#walk(from)) if (fact.children.some((child) => child.digest === digest)) return true;
    return false;
  }

  *#walk(from: Iterable<Descriptor>): Iterable<{ descriptor: Descriptor; fact: Fact }> {
    const seen = new Set<Digest>();
    const queue = [...from];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next.digest)) continue;
      seen.add(next.digest);
      const fact = this.#read(next);
      yield { descriptor: next, fact };
      queue.push(...fact.children);
    }
  }

  #read(descriptor: Descriptor): Fact {
    const known = this.#known.get(descriptor.digest);
    if (known) return known;
    if (!MANIFEST_TYPES.includes(descriptor.mediaType) || descriptor.size > MANIFEST_LIMIT) return NOTHING;
    try {
      const bytes = readSmall(this.#dir, descriptor);
      const fact = factOf(descriptor, bytes, parseManifest(bytes, descriptor.mediaType));
      this.#known.set(descriptor.digest, fact);
      return fact;
    } catch (error) {
      if (isChartError(error)) return NOTHING;
      throw error;
    }
  }
}

function factOf(descriptor: Descriptor, bytes: Uint8Array, manifest: ImageManifest | ImageIndex): Fact {
  const children = manifest.kind === 'index' ? manifest.manifests : [];
  if (manifest.subject) {
    return { subject: manifest.subject.digest, referrer: describeReferrer({ descriptor, bytes }, manifest), children };
  }
  return children.length === 0 ? NOTHING : { children };
}
