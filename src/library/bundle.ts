/** Bundles: image layouts in one file, to carry charts where no network goes. */
export { type BundleInput, fileInput } from '../bundle/input.js';
export { type OpenBundle, openBundle } from '../bundle/open.js';
export type { BundleItem, BundlePlan } from '../bundle/plan.js';
export { ChartError, type ChartErrorCode, isChartError } from '../errors.js';
export {
  type BundleDependencies,
  type BundleInputOptions,
  planBundles,
  type WrittenBundle,
  writeBundles,
} from '../operations/bundle.js';
export type { Outcome } from '../operations/outcome.js';
export {
  type UnbundleDependencies,
  type Unbundled,
  type UnbundleOptions,
  type UnbundleReport,
  unbundle,
} from '../operations/unbundle.js';
