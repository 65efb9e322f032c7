/** Which blobs are needed: those that entries of index.json lead to, through indexes and manifests. */
import { isChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { MANIFEST_LIMIT, parseManifest } from '../oci/manifest.js';
import { findBlob, readSmall } from './blobs.js';
import { anyDigests, parseKnown } from './manifest-facts.js';

type Content = Pick<Descriptor, 'mediaType' | 'digest'>;

/**
 * Follows entries to the end. A manifest that is missing leads nowhere; of one that is damaged or of no known type everything
 * counts that looks like a digest, so that too much is kept rather than too little.
 *
 * @throws ChartError `LAYOUT_UNREADABLE`: then it cannot be known what is needed
 */
export function reachableFrom(dir: string, roots: Iterable<Content>): Set<Digest> {
  const reached = new Set<Digest>();
  follow(dir, roots, reached);
  return reached;
}

/**
 * Adds the manifests among `candidates` whose subject is reached, and what they lead to: signatures and attestations stay
 * as long as what they are about.
 */
export function addReferrers(dir: string, candidates: Iterable<Digest>, reached: Set<Digest>): void {
  const waiting = new Map<Digest, { readonly manifest: Content; readonly subject: Digest }>();
  for (const digest of candidates) {
    const referrer = readReferrer(dir, digest);
    if (referrer) waiting.set(digest, referrer);
  }
  for (let before = -1; before !== waiting.size; ) {
    before = waiting.size;
    for (const [digest, { manifest, subject }] of waiting) {
      if (!reached.has(subject)) continue;
      waiting.delete(digest);
      follow(dir, [manifest], reached);
    }
  }
}

/** Adds what these lead to. */
export function follow(dir: string, roots: Iterable<Content>, reached: Set<Digest>): void {
  const queue = [...roots];
  const followed = new Set<Digest>();
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (followed.has(next.digest)) continue;
    followed.add(next.digest);
    reached.add(next.digest);
    const { manifests, ends } = refersTo(dir, next);
    queue.push(...manifests);
    for (const digest of ends) reached.add(digest);
  }
}

interface References {
  /** What may in turn refer to something. */
  readonly manifests: readonly Content[];
  readonly ends: readonly Digest[];
}

function refersTo(dir: string, { mediaType, digest }: Content): References {
  const bytes = readLeniently(dir, digest);
  if (bytes === undefined) return { manifests: [], ends: [] };
  try {
    const manifest = parseKnown(bytes, mediaType);
    if (manifest?.kind === 'index') return { manifests: manifest.manifests, ends: [] };
    if (manifest) return { manifests: [], ends: [manifest.config, ...manifest.layers].map((part) => part.digest) };
  } catch (error) {
    if (!isChartError(error)) throw error;
  }
  return { manifests: anyDigests(bytes).map((other) => ({ mediaType: '', digest: other })), ends: [] };
}

/** What the file holds, though it may be damaged; nothing of what is too large for a manifest. */
function readLeniently(dir: string, digest: Digest): Buffer | undefined {
  const size = findBlob(dir, digest)?.size;
  if (size === undefined || size > MANIFEST_LIMIT) return undefined;
  try {
    return readSmall(dir, { mediaType: '', digest, size }, { verify: false });
  } catch (error) {
    if (isChartError(error) && error.code !== 'LAYOUT_UNREADABLE') return undefined;
    throw error;
  }
}

/** Undefined for what names no subject, or cannot be read. */
export function readReferrer(
  dir: string,
  digest: Digest,
): { manifest: Content; subject: Digest; configType: string | undefined } | undefined {
  const bytes = readLeniently(dir, digest);
  if (bytes?.[0] !== 0x7b || !bytes.includes('"subject"')) return undefined;
  try {
    const parsed = parseManifest(bytes);
    const { mediaType, subject } = parsed;
    const configType = parsed.kind === 'manifest' ? parsed.config.mediaType : undefined;
    return subject && { manifest: { mediaType, digest }, subject: subject.digest, configType };
  } catch (error) {
    if (isChartError(error)) return undefined;
    throw error;
  }
}
