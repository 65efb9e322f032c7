/** The charts of the cache. */
import { compareBytes } from '../chart/byte-order.js';
import type { IndexEntry, Layout } from '../layout/layout.js';
import { ENOUGH, ListCache } from './list-cache.js';
import { isPattern, patternTest } from './pattern.js';
import { type Listing, readCharts } from './read-charts.js';

export type { Listing } from './read-charts.js';
export type { ListedChart } from './summary.js';

/**
 * Lists the charts whose reference fits `pattern`: a shell pattern over the whole reference where `*` also crosses `/`,
 * or, without `*` and `?`, text that occurs in it.
 *
 * @example
 * ```ts
 * import { listCharts, openLayout, saveChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * const { charts, broken } = await listCharts({ layout }, 'registry.example.com/*');
 * console.log(charts.map(({ ref }) => ref).join(), broken.length); // registry.example.com/team/app:1.0.0 0
 * await layout.close();
 * ```
 */
export async function listCharts({ layout }: { layout: Layout }, pattern?: string): Promise<Listing> {
  const matches = pattern === undefined ? () => true : matcher(pattern);
  const cache = new ListCache(layout);
  const changed = await layout.readIndexUnless(cache.index);
  const known = changed ? undefined : cache.charts(matches);
  if (known) return { charts: known, broken: [] };
  const { entries, version } = changed ?? ((await layout.readIndexUnless(undefined)) as IndexOfNow);
  const wanted = entries.filter(({ name }) => name !== undefined && matches(name));
  const { charts, broken, others } = await readCharts(layout, wanted, cache);
  const order = (a: { ref: string }, b: { ref: string }): number => compareBytes(a.ref, b.ref);
  charts.sort(order);
  // What is broken is to be told again, and so to be read again.
  const names =
    broken.length === 0 && version !== undefined ? { index: version, names: [...charts, ...others] } : undefined;
  if (entries.length >= ENOUGH) await cache.keep({ isAll: pattern === undefined, names });
  return { charts, broken: broken.sort(order) };
}

interface IndexOfNow {
  readonly entries: readonly IndexEntry[];
  readonly version: string | undefined;
}

function matcher(pattern: string): (name: string) => boolean {
  return isPattern(pattern) ? patternTest(pattern) : (name) => name.includes(pattern);
}
