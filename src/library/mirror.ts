/** Mirrors: many charts from where they are to where they are wanted, with a report of each. */
export { ChartError, type ChartErrorCode, isChartError } from '../errors.js';
export { type MirrorDependencies, mirrorCharts } from '../operations/mirror/mirror.js';
export { type HostSettings, type MirrorFile, parseMirrorFile } from '../operations/mirror/mirror-file.js';
export type {
  LeftOut,
  MirrorEntry,
  MirroredChart,
  MirrorInput,
  MirrorListener,
  MirrorMode,
  MirrorReport,
  MirrorStatus,
} from '../operations/mirror/types.js';
export { type Downloads, type DownloadsOptions, openDownloads } from '../registry/downloads.js';
export type { RepositoryAddress } from '../repository/address.js';
export type { Fetch } from '../repository/fetch.js';
