/** The cache on disk, an OCI image layout. */
export { ChartError, type ChartErrorCode, isChartError } from '../errors.js';
export {
  type IndexEntry,
  type Layout,
  type LayoutOptions,
  openLayout,
  type PrunePlan,
  type PruneResult,
  type WaitingUpload,
} from '../layout/layout.js';
