/** Patterns in place of references. */
import { compareBytes } from '../chart/byte-order.js';
import { ChartError } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import { listCharts } from './list.js';
import { isPattern } from './pattern.js';

/**
 * Puts in place of each pattern the references of the charts that fit, in byte order, those that cannot be read included: whoever
 * works on them is to hear of it. What an earlier pattern or reference names is not named again.
 *
 * @throws ChartError `CHART_NOT_FOUND` for a pattern that nothing fits
 */
export async function fillPatterns({ layout }: { layout: Layout }, items: readonly string[]): Promise<string[]> {
  // Helm 3.6.3 made names with these characters.
  const known = new Set((await layout.readIndex()).map(({ name }) => name));
  const filled: string[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    if (known.has(item) || !isPattern(item)) {
      filled.push(item);
      seen.add(item);
      continue;
    }
    const { charts, broken } = await listCharts({ layout }, item);
    const refs = [...charts, ...broken].map(({ ref }) => ref).sort(compareBytes);
    if (refs.length === 0) throw nothingFits(item);
    for (const ref of refs) {
      if (seen.has(ref)) continue;
      filled.push(ref);
      seen.add(ref);
    }
  }
  return filled;
}

/** For commands that want one that is there. */
export function nothingFits(pattern: string): ChartError {
  return new ChartError('CHART_NOT_FOUND', `no reference in the cache fits ${pattern}`, {
    hint: `chart list '${pattern}' shows what a pattern fits; * stands for any text, ? for one character.`,
  });
}
