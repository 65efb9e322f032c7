/** The library: what the program is made of, for programs of your own. */
export { type ChartParts, chartManifest, chartParts, type LayerFlavour } from './artifact.js';
export { encodeConfig, parseConfig } from './chart/config.js';
export { extractChart } from './chart/extract.js';
export { type ChartMetadata, parseChartYaml } from './chart/metadata.js';
export { type ChartSource, openChartSource } from './chart/source.js';
export { type ChartVersion, compareVersions, parseVersion } from './chart/version.js';
export { parseVersionRange, type VersionRange, type VersionRangeOptions } from './chart/version-range.js';
export { highestMatch, type SortedTags, sortTags, tagToVersion, type VersionTag } from './chart/version-tags.js';
export { type CopyEvent, type CopyOptions, copyArtifact } from './copy.js';
export {
  type Attachment,
  type CopiedReferrers,
  type CopyReferrersOptions,
  copyReferrers,
  findAttachments,
  type ReferrersLimits,
} from './copy-referrers.js';
export { ChartError, type ChartErrorCode, isChartError } from './errors.js';
export {
  type IndexEntry,
  type Layout,
  type LayoutOptions,
  openLayout,
  type PrunePlan,
  type PruneResult,
} from './layout/layout.js';
export type { Descriptor } from './oci/descriptor.js';
export { type Digest, digestOf, parseDigest } from './oci/digest.js';
export { type ImageIndex, type ImageManifest, parseManifest, type RawManifest } from './oci/manifest.js';
export { formatReference, parseReference, type Reference } from './oci/reference.js';
export type { Destination, Repository, ServableTarget, Source, Target } from './oci/target.js';
export {
  type ExportDependencies,
  type Exported,
  type ExportInput,
  type ExportListener,
  exportCharts,
} from './operations/export.js';
export { type ListedChart, type Listing, listCharts } from './operations/list.js';
export { type LoginDependencies, loginRegistry, logoutRegistry } from './operations/login.js';
export { type MirrorDependencies, mirrorCharts } from './operations/mirror/mirror.js';
export type {
  LeftOut,
  MirrorEntry,
  MirroredChart,
  MirrorInput,
  MirrorListener,
  MirrorReport,
} from './operations/mirror/types.js';
export type { Outcome } from './operations/outcome.js';
export { type PruneDependencies, planPrune, prune } from './operations/prune.js';
export { type Pulled, type PullListener, pullCharts } from './operations/pull.js';
export { type Pushed, type PushListener, pushCharts, type TransferDependencies } from './operations/push.js';
export { removeCharts } from './operations/remove.js';
export { type SaveDependencies, type SaveInput, type SaveItem, saveCharts } from './operations/save.js';
export { showChart } from './operations/show.js';
export type { ChartSummary } from './operations/summary.js';
export { tagChart } from './operations/tag.js';
export { chooseVersion, type ListedTag, listChartTags, type TagListing, type TagsInput } from './operations/tags.js';
export type { Fault, Note, VerifyReport } from './operations/verify/findings.js';
export {
  type RepairDependencies,
  type RepairInput,
  type RepairReport,
  repairCache,
} from './operations/verify/repair.js';
export { type VerifyDependencies, type VerifyInput, verifyCache } from './operations/verify/verify.js';
export { type Credentials, readCredentials } from './registry/credentials.js';
export { openRegistry, type Registry, type RegistryOptions } from './registry/registry.js';
export { type AccessRecord, createHandler, type Handler, type HandlerOptions } from './server/handler.js';
export { type RunningServer, startServer } from './server/server.js';
