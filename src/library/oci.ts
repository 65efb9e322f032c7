/** What the specifications define: references, digests, descriptors, manifests, the two ends of a copy, and copies. */

export { type CopyEvent, type CopyOptions, copyArtifact as copy } from '../copy.js';
export {
  type Attachment,
  type CopiedReferrers,
  type CopyReferrersOptions,
  copyReferrers,
  type ReferrersLimits,
} from '../copy-referrers.js';
export { ChartError, type ChartErrorCode, isChartError } from '../errors.js';
export type { Descriptor } from '../oci/descriptor.js';
export { type Digest, digestOf, parseDigest } from '../oci/digest.js';
export { type ImageIndex, type ImageManifest, parseManifest, type RawManifest } from '../oci/manifest.js';
export { formatReference, parseReference, type Reference } from '../oci/reference.js';
export type { Destination, Repository, ServableTarget, Source, Target } from '../oci/target.js';
