/** The charts of the cache. */
import { compareBytes } from '../chart/byte-order.js';
import type { Layout } from '../layout/layout.js';
import { isPattern, patternTest } from './pattern.js';
import { type Listing, readCharts } from './read-charts.js';

export type { ListedChart, Listing } from './read-charts.js';

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
  const index = await layout.readIndex();
  const matches = pattern === undefined ? () => true : matcher(pattern);
  const wanted = index.filter(({ name }) => name !== undefined && matches(name));
  const { charts, broken } = await readCharts(layout, wanted, { isAll: pattern === undefined });
  const order = (a: { ref: string }, b: { ref: string }): number => compareBytes(a.ref, b.ref);
  return { charts: charts.sort(order), broken: broken.sort(order) };
}

function matcher(pattern: string): (name: string) => boolean {
  return isPattern(pattern) ? patternTest(pattern) : (name) => name.includes(pattern);
}
