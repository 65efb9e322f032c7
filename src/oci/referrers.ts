/**
 * Referrers: manifests that name another one as their `subject`.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
import { isChartError } from '../errors.js';
import type { Descriptor } from './descriptor.js';
import { type Digest, digestAlgorithm, digestHex } from './digest.js';
import { type ImageIndex, type ImageManifest, parseManifest, type RawManifest } from './manifest.js';
import type { CallOptions, Source } from './target.js';

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

/** Where cosign keeps signatures, attestations and bills of materials of a manifest, unless it is told to use referrers. */
export const COSIGN_SUFFIXES = ['sig', 'att', 'sbom'] as const;

/** `sha256-HEX`, with all digits: what cosign puts before `.sig` and the like. */
export function attachmentPrefix(subject: Digest): string {
  return `${digestAlgorithm(subject)}-${digestHex(subject)}`;
}

/**
 * A tag that clients made to attach something to a manifest: `sha256-HEX`, that of {@link referrersTag}; `sha256-HEX.sig`, `.att` and
 * `.sbom`, where cosign keeps signatures, attestations and bills of materials; and what other clients keep in the same way.
 */
const ATTACHMENT_TAG = /^(sha256-[0-9a-f]{64}|sha512-(?:[0-9a-f]{128}|[0-9a-f]{64}))(?:\.[A-Za-z0-9_.-]+)?$/;

/** True for a tag by which something is attached to a manifest, instead of naming something by itself. */
export function isAttachmentTag(tag: string): boolean {
  return ATTACHMENT_TAG.test(tag);
}

/** What a tag attaches something to, or undefined for any other tag. Of a sha512 some tags have half of the digits, and so no digest. */
export function subjectOfTag(tag: string): string | undefined {
  return ATTACHMENT_TAG.exec(tag)?.[1]?.replace('-', ':');
}

/**
 * The list of referrers that clients keep in a repository without a referrers API.
 *
 * @returns undefined where the tag names something else than an index
 * @throws ChartError what the source throws, but for `MANIFEST_NOT_FOUND`: then there are none
 */
export async function readReferrersIndex(
  source: Pick<Source, 'readManifest'>,
  subject: Digest,
  options: CallOptions = {},
): Promise<readonly Descriptor[] | undefined> {
  try {
    const { bytes, descriptor } = await source.readManifest(referrersTag(subject), options);
    const index = parseManifest(bytes, descriptor.mediaType);
    return index.kind === 'index' ? index.manifests : undefined;
  } catch (error) {
    if (isChartError(error, 'MANIFEST_NOT_FOUND')) return [];
    if (isChartError(error, 'MANIFEST_INVALID')) return undefined;
    throw error;
  }
}
