/** Blobs that no reference reaches, out of the cache, and references that have had their time with them. */
import type { Layout, PrunePlan, PruneResult } from '../layout/layout.js';
import { chooseObsolete, type Retention } from './retention.js';

export type { Retention } from './retention.js';

export interface PruneDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since 1970; the system's if absent. */
  readonly now?: (() => number) | undefined;
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
export function planPrune(
  { layout, signal, now = Date.now }: PruneDependencies,
  retention: Retention = {},
): Promise<PrunePlan> {
  const isWanted = retention.keepLast !== undefined || retention.olderThan !== undefined;
  return layout.planPrune({ signal, ...(isWanted && { choose: chooseObsolete(layout, retention, now()) }) });
}

/**
 * Deletes what `plan` names, unless it has changed or something has come to need it since.
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
