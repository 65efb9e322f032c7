/** All that an artifact consists of. */
import { ChartError } from '../errors.js';
import { type Descriptor, plainDescriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { checkBytes, type ImageIndex, type ImageManifest, parseManifest, successors } from '../oci/manifest.js';
import { MANIFEST_TYPES } from '../oci/media-types.js';
import type { CallOptions, Source } from '../oci/target.js';

/** Manifests in one artifact, and how deep indexes may lie in each other, as in copy.ts. */
const MANIFESTS_LIMIT = 1_000;
const DEPTH_LIMIT = 4;

export function isManifestType(mediaType: string): boolean {
  return MANIFEST_TYPES.includes(mediaType);
}

/**
 * Reads the manifests of an artifact, and gives all that it consists of: each manifest before what it refers to, the artifact's own first,
 * everything once.
 *
 * @throws ChartError what the source throws, `MANIFEST_INVALID`, `BLOB_DIGEST_MISMATCH`, `LIMIT_EXCEEDED`
 */
export async function readClosure(
  source: Pick<Source, 'readManifest'>,
  root: Descriptor,
  options: CallOptions = {},
): Promise<{ readonly blobs: readonly Descriptor[]; readonly manifest: ImageManifest | ImageIndex }> {
  const found = new Map<Digest, Descriptor>();
  let manifests = 0;
  const visit = async (descriptor: Descriptor, depth: number): Promise<ImageManifest | ImageIndex> => {
    manifests += 1;
    if (manifests > MANIFESTS_LIMIT || depth > DEPTH_LIMIT) {
      throw new ChartError(
        'LIMIT_EXCEEDED',
        `${root.digest} has more than ${MANIFESTS_LIMIT} manifests, or indexes more than ${DEPTH_LIMIT} deep`,
      );
    }
    const { bytes } = await source.readManifest(descriptor.digest, options);
    checkBytes(bytes, descriptor, 'manifest');
    const manifest = parseManifest(bytes, descriptor.mediaType);
    found.set(descriptor.digest, plainDescriptor(descriptor));
    for (const part of successors(manifest)) {
      if (found.has(part.digest)) continue;
      if (manifest.kind === 'index' && isManifestType(part.mediaType)) await visit(part, depth + 1);
      else found.set(part.digest, plainDescriptor(part));
    }
    return manifest;
  };
  const manifest = await visit(root, 0);
  return { blobs: [...found.values()], manifest };
}
