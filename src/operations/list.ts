/** The charts of the cache. */
import type { ChartError } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import { readCharts } from './read-charts.js';
import type { ChartSummary } from './summary.js';

export interface ListedChart extends ChartSummary {
  /** When the packed chart came into the cache. */
  readonly created: Date;
}

export interface Listing {
  /** In byte order of the references. */
  readonly charts: ListedChart[];
  /** Entries that cannot be read, each with its reason; what is no chart at all is left out without a word. */
  readonly broken: { readonly ref: string; readonly error: ChartError }[];
}

/**
 * Lists the charts whose reference fits `pattern`: a shell pattern over the whole reference where `*` also crosses `/`,
 * or, without `*` and `?`, text that occurs in it.
 */
export async function listCharts({ layout }: { layout: Layout }, pattern?: string): Promise<Listing> {
  const index = await layout.readIndex();
  const matches = pattern === undefined ? () => true : patternTest(pattern);
  const wanted = index.filter(({ name }) => name !== undefined && matches(name));
  const { charts, broken } = await readCharts(layout, wanted);
  const order = (a: { ref: string }, b: { ref: string }): number => compareBytes(a.ref, b.ref);
  return { charts: charts.sort(order), broken: broken.sort(order) };
}

/** Byte order of the UTF-8 form, which is the order of code points. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function patternTest(pattern: string): (name: string) => boolean {
  if (!/[*?]/.test(pattern)) return (name) => name.includes(pattern);
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  const expression = new RegExp(`^${source}$`, 'su');
  return (name) => expression.test(name);
}
