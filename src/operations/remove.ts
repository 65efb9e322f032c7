/** References out of the cache. Blobs stay until `prune`, as with Helm 3.6.3. */
import type { Layout } from '../layout/layout.js';
import { findEntry } from './cached-chart.js';
import { type Outcome, outcomeOf } from './outcome.js';

export interface Removed {
  readonly ref: string;
}

/** Removes references, all in one write of index.json. A broken entry can be removed too. */
export async function removeCharts(
  { layout, signal }: { layout: Layout; signal?: AbortSignal | undefined },
  refs: readonly string[],
): Promise<Outcome<Removed>[]> {
  const index = await layout.readIndex();
  const found = await Promise.all(
    refs.map((text) =>
      outcomeOf(text, async () => index.find(({ name }) => name === text)?.name ?? findEntry(index, text).name),
    ),
  );
  const names = new Set(found.flatMap(({ result }) => (result === undefined ? [] : [result])));
  if (names.size > 0) await layout.untagAll([...names], { signal });
  return found.map((outcome) => (outcome.error ? outcome : { item: outcome.item, result: { ref: outcome.result } }));
}
