/** Blobs that no reference reaches, out of the cache. */
import type { Layout, PrunePlan, PruneResult } from '../layout/layout.js';

export interface PruneDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What {@link prune} would delete.
 *
 * @example
 * ```ts
 * import { openLayout, planPrune, removeCharts, saveChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * await removeCharts({ layout }, [ref]);
 * const plan = await planPrune({ layout });
 * console.log(plan.blobs.length); // 3
 * await layout.close();
 * ```
 */
export function planPrune({ layout, signal }: PruneDependencies): Promise<PrunePlan> {
  return layout.planPrune({ signal });
}

/**
 * Deletes what `plan` names and nothing has referred to since.
 *
 * @example
 * ```ts
 * import { openLayout, planPrune, prune } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { bytes } = await prune({ layout }, await planPrune({ layout }));
 * console.log(bytes); // 0
 * await layout.close();
 * ```
 */
export function prune({ layout, signal }: PruneDependencies, plan: PrunePlan): Promise<PruneResult> {
  return layout.applyPrune(plan, { signal });
}
