/**
 * Referrers: manifests that name another one as their `subject`.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
import type { Descriptor } from './descriptor.js';
import { type Digest, digestAlgorithm, digestHex } from './digest.js';
import { type ImageIndex, type ImageManifest, parseManifest, type RawManifest } from './manifest.js';

/**
 * The descriptor of a manifest as a list of referrers holds it: with its annotations and its artifact type, which is
 * that of the config for an image manifest that states none.
 *
 * @param manifest `raw`, parsed, where that is at hand
 */
export function describeReferrer(
  raw: RawManifest,
  manifest: ImageManifest | ImageIndex = parseManifest(raw.bytes, raw.descriptor.mediaType),
): Descriptor {
  const { mediaType, digest, size } = raw.descriptor;
  const artifactType = manifest.artifactType || (manifest.kind === 'manifest' ? manifest.config.mediaType : undefined);
  const annotations = Object.keys(manifest.annotations).length > 0 ? manifest.annotations : undefined;
  return { mediaType, digest, size, ...(artifactType && { artifactType }), ...(annotations && { annotations }) };
}

/** The tag under which clients of a registry without a referrers API keep an index of a subject's referrers. */
export function referrersTag(subject: Digest): string {
  return `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, 64)}`;
}
