/** Charts from the cache into directories, or back into the archives they were packed as. */
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { extractChart } from '../chart/extract.js';
import { ChartError, isChartError } from '../errors.js';
import type { IndexEntry, Layout } from '../layout/layout.js';
import { parseReference } from '../oci/reference.js';
import { type CachedChart, entryFinder, readCachedChart, summaryOf } from './cached-chart.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { mapConcurrent } from './parallel.js';
import type { ChartSummary } from './summary.js';
import { readVerified, unpacking } from './verified-blob.js';
import { writeArchive } from './write-archive.js';

export interface ExportInput {
  readonly refs: readonly string[];
  /** The directory that gets `NAME/`, or `NAME-VERSION.tgz`; made if missing. */
  readonly directory: string;
  /** The packed chart byte for byte, with its `.prov` where there is one, instead of its files. */
  readonly packed?: boolean;
}

export interface ExportDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
}

/** A chart that was exported. */
export interface Exported extends ChartSummary {
  /** What was written: `DIR/NAME` or `DIR/NAME-VERSION.tgz`. */
  readonly path: string;
  /** What was in `DIR/NAME` before and is not in the chart; it stays. A `/` at the end stands for a directory and all in it. */
  readonly leftovers: readonly string[];
}

export interface ExportListener {
  /** The chart was found; nothing has been written. */
  onStart(index: number, chart: ChartSummary): void;
  onOutcome(index: number, outcome: Outcome<Exported>): void;
}

const CONCURRENCY = 4;

/**
 * Exports charts, several at a time. Two charts of one command never go into one directory.
 *
 * @example
 * ```ts
 * import { exportCharts, openLayout, saveChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * const [outcome] = await exportCharts({ layout }, { refs: [ref], directory: 'exported', packed: true });
 * console.log(outcome?.result?.path); // exported/app-1.0.0.tgz
 * await layout.close();
 * ```
 */
export async function exportCharts(
  { layout, signal }: ExportDependencies,
  { refs, directory, packed = false }: ExportInput,
  listener: Partial<ExportListener> = {},
): Promise<Outcome<Exported>[]> {
  const index = await layout.readIndex();
  const find = entryFinder(index);
  refuseNonsense(refs, index);
  if (!packed) await refuseOneDirectory(layout, refs, find);
  const taken = new Map<string, string>();
  return mapConcurrent(refs, CONCURRENCY, async (text, position) => {
    const outcome = await outcomeOf(text, async () => {
      const chart = await readCachedChart(layout, find(text));
      listener.onStart?.(position, summaryOf(chart));
      const take = (target: string): void => claim(taken, target, chart.ref);
      if (packed) take(`${chart.name}-${chart.version}.tgz`);
      const written = packed
        ? { path: await writeArchive(layout, chart, directory, signal), leftovers: [] }
        : await extract(layout, chart, directory, take, signal);
      return { ...summaryOf(chart), ...written };
    });
    listener.onOutcome?.(position, outcome);
    return outcome;
  });
}

async function extract(
  layout: Layout,
  chart: CachedChart,
  directory: string,
  take: (name: string) => void,
  signal?: AbortSignal,
): Promise<Pick<Exported, 'path' | 'leftovers'>> {
  const { layer } = chart.parts;
  const open = (): Promise<Readable> => readVerified(layout, layer, { signal });
  const { name, leftovers } = await unpacking(layout, layer, () =>
    extractChart(open, directory, { signal, onName: take }),
  );
  return { path: join(directory, name), leftovers };
}

function claim(taken: Map<string, string>, target: string, ref: string): void {
  const other = taken.get(target);
  if (other !== undefined) {
    throw new ChartError('USAGE', `cannot export ${ref} into ${target}: ${other} of this command goes there`, {
      hint: 'Export packed charts with --tgz, or one of them into another directory with -d.',
    });
  }
  taken.set(target, ref);
}

/**
 * Two versions of one chart go into one directory: then nothing is written. What cannot be read is for its own export to say.
 *
 * @throws ChartError `USAGE`
 */
async function refuseOneDirectory(
  layout: Layout,
  refs: readonly string[],
  find: ReturnType<typeof entryFinder>,
): Promise<void> {
  if (refs.length === 1) return;
  const names = await mapConcurrent(refs, CONCURRENCY, (text) =>
    outcomeOf(text, async () => (await readCachedChart(layout, find(text))).name),
  );
  const taken = new Map<string, string>();
  for (const { item, result } of names) if (result !== undefined) claim(taken, result, item);
}

/**
 * What is no reference at all was meant as something else, such as the directory to export to: then nothing is written.
 *
 * @throws ChartError `REFERENCE_INVALID`
 */
function refuseNonsense(refs: readonly string[], index: readonly IndexEntry[]): void {
  if (refs.length === 1) return;
  const names = new Set(index.map(({ name }) => name));
  for (const text of refs) {
    if (names.has(text)) continue;
    try {
      parseReference(text);
    } catch (error) {
      if (!isChartError(error)) throw error;
      const hint = `Nothing was exported. The directory to export to is given with -d: chart export REF -d ${text}`;
      throw new ChartError(error.code, error.message, {
        hint: /[/\\]|^\./.test(text) ? hint : `Nothing was exported. ${error.hint ?? ''}`,
        cause: error,
      });
    }
  }
}
