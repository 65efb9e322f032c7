/** Blobs that no reference reaches, out of the cache. */
import type { Layout, PrunePlan, PruneResult } from '../layout/layout.js';

export interface PruneDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
}

/** What {@link prune} would delete. */
export function planPrune({ layout, signal }: PruneDependencies): Promise<PrunePlan> {
  return layout.planPrune({ signal });
}

/** Deletes what `plan` names and nothing has referred to since. */
export function prune({ layout, signal }: PruneDependencies, plan: PrunePlan): Promise<PruneResult> {
  return layout.applyPrune(plan, { signal });
}
