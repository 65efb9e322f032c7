/** A second name for a chart in the cache. */

import { ChartError } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import { formatReference, parseReference } from '../oci/reference.js';
import { findEntry, readCachedChart, summaryOf } from './cached-chart.js';
import { isPattern } from './pattern.js';
import type { ChartSummary } from './summary.js';

/**
 * Names the chart at `source` also `target`; a target without a tag takes the source's.
 *
 * @example
 * ```ts
 * import { openLayout, saveChart, tagChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * const tagged = await tagChart({ layout }, { source: ref, target: 'registry.example.com/team/app:stable' });
 * console.log(tagged.ref); // registry.example.com/team/app:stable
 * await layout.close();
 * ```
 */
export async function tagChart(
  { layout, signal }: { layout: Layout; signal?: AbortSignal | undefined },
  { source, target }: { source: string; target: string },
): Promise<ChartSummary> {
  const index = await layout.readIndex();
  if (isPattern(source) && !index.some(({ name }) => name === source)) {
    throw new ChartError('REFERENCE_INVALID', `${source} is a pattern, and a name is given to one chart`, {
      hint: `chart list '${source}' shows what fits: name one of them.`,
    });
  }
  const entry = findEntry(index, source);
  const chart = await readCachedChart(layout, entry);
  const reference = parseReference(target);
  if (reference.digest !== undefined) {
    throw new ChartError('REFERENCE_INVALID', `${target} cannot be a new name: a tag is wanted, not a digest`);
  }
  const ref = formatReference({ ...reference, tag: reference.tag ?? chart.tag });
  await layout.tagAll([{ name: ref, descriptor: entry.descriptor }], { signal });
  return { ...summaryOf(chart), ref };
}
