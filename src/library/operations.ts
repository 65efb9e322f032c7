/** What the commands do, without a terminal. */
export { ChartError, type ChartErrorCode, isChartError } from '../errors.js';
export {
  type ExportDependencies,
  type Exported,
  type ExportInput,
  type ExportListener,
  exportCharts,
} from '../operations/export.js';
export { type ListedChart, type Listing, listCharts } from '../operations/list.js';
export { type LoginDependencies, loginRegistry, logoutRegistry } from '../operations/login.js';
export type { Outcome } from '../operations/outcome.js';
export { type PruneDependencies, planPrune, prune, type Retention } from '../operations/prune.js';
export { type Pulled, type PullListener, pullCharts } from '../operations/pull.js';
export { type Pushed, type PushListener, pushCharts, type TransferDependencies } from '../operations/push.js';
export { removeCharts } from '../operations/remove.js';
export { type SaveDependencies, type SaveInput, type SaveItem, saveChart, saveCharts } from '../operations/save.js';
export { showChart } from '../operations/show.js';
export type { ChartSummary } from '../operations/summary.js';
export { tagChart } from '../operations/tag.js';
export { type ListedTag, listChartTags, type TagListing, type TagsInput } from '../operations/tags.js';
export type { Fault, Note, VerifyReport } from '../operations/verify/findings.js';
export {
  type RepairDependencies,
  type RepairInput,
  type RepairReport,
  repairCache,
} from '../operations/verify/repair.js';
export { type VerifyDependencies, type VerifyInput, verifyCache } from '../operations/verify/verify.js';
