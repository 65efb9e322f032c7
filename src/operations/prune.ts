/** Blobs that no reference reaches, out of the cache. */
import type { Layout, PrunePlan, PruneResult } from '../layout/layout.js';

/** What {@link prune} would delete. */
export function planPrune({ layout }: { layout: Layout }): Promise<PrunePlan> {
  return layout.planPrune();
}

/** Deletes what `plan` names and nothing has referred to since. */
export function prune({ layout }: { layout: Layout }, plan: PrunePlan): Promise<PruneResult> {
  return layout.applyPrune(plan);
}
