/** References out of the cache. Blobs stay until `prune`, as with Helm 3.6.3. */
import { compareBytes } from '../chart/byte-order.js';
import type { IndexEntry, Layout } from '../layout/layout.js';
import { entryFinder } from './cached-chart.js';
import { nothingFits } from './fitting.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { isPattern, patternTest } from './pattern.js';

export interface Removed {
  readonly ref: string;
}

/**
 * Removes references, all in one write of index.json. A broken entry can be removed too. A pattern stands for all names that fit it,
 * and has an outcome for each.
 *
 * @example
 * ```ts
 * import { openLayout, removeCharts } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const [outcome] = await removeCharts({ layout }, ['registry.example.com/team/app:1.0.0']);
 * console.log(outcome?.error?.code); // CHART_NOT_FOUND
 * await layout.close();
 * ```
 */
export async function removeCharts(
  { layout, signal }: { layout: Layout; signal?: AbortSignal | undefined },
  refs: readonly string[],
): Promise<Outcome<Removed>[]> {
  const index = await layout.readIndex();
  const known = new Set(index.map(({ name }) => name));
  const findOne = entryFinder(index);
  const find = (text: string): string[] => {
    if (known.has(text)) return [text];
    return isPattern(text) ? findFitting(index, text) : [findOne(text).name];
  };
  const found: Outcome<string>[] = [];
  const names = new Set<string>();
  const add = (outcome: Outcome<string>): void => {
    found.push(outcome);
    if (outcome.result !== undefined) names.add(outcome.result);
  };
  for (const text of refs) {
    const matching = await outcomeOf(text, async () => find(text));
    if (matching.error) add(matching);
    else if (!isPattern(text)) for (const name of matching.result) add({ item: text, result: name });
    else for (const name of matching.result) if (!names.has(name)) add({ item: name, result: name });
  }
  if (names.size > 0) await layout.untagAll([...names], { signal });
  return found.map((outcome) => (outcome.error ? outcome : { item: outcome.item, result: { ref: outcome.result } }));
}

/** @throws ChartError `CHART_NOT_FOUND` */
function findFitting(index: readonly IndexEntry[], text: string): string[] {
  const fits = patternTest(text);
  const names = index.flatMap(({ name }) => (name !== undefined && fits(name) ? [name] : []));
  if (names.length > 0) return names.sort(compareBytes);
  throw nothingFits(text);
}
