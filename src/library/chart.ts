/** Charts: metadata, versions and ranges as Helm reads them, sources, and the parts of an artifact. */
export { type ChartParts, chartParts, type LayerFlavour } from '../artifact.js';
export { parseConfig } from '../chart/config.js';
export { type ChartMetadata, parseChartYaml } from '../chart/metadata.js';
export { type ChartSource, openChartSource } from '../chart/source.js';
export { type ChartVersion, compareVersions, parseVersion } from '../chart/version.js';
export { parseVersionRange, type VersionRange, type VersionRangeOptions } from '../chart/version-range.js';
export { highestMatch, type SortedTags, sortTags, tagToVersion, type VersionTag } from '../chart/version-tags.js';
export { ChartError, type ChartErrorCode, isChartError } from '../errors.js';
