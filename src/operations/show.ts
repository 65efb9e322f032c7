/** Parts of a cached chart, as they are in it. */
import type { Readable } from 'node:stream';
import { readChartFiles } from '../chart/archive/read.js';
import { compareBytes } from '../chart/byte-order.js';
import type { Layout } from '../layout/layout.js';
import { findEntry, readCachedChart } from './cached-chart.js';
import { SHOW_PARTS, type ShowPart } from './show-parts.js';
import { readVerified, unpacking } from './verified-blob.js';

export interface ShownFile {
  readonly kind: Exclude<ShowPart, 'all'>;
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The files of the chart that `part` names, in the order in which Helm shows them: chart, values, README, CRDs.
 *
 * @example
 * ```ts
 * import { openLayout, saveChart, showChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * const [values] = await showChart({ layout }, { ref, part: 'values' });
 * console.log(new TextDecoder().decode(values?.bytes).trim()); // replicas: 2
 * await layout.close();
 * ```
 */
export async function showChart(
  { layout, signal }: { layout: Layout; signal?: AbortSignal | undefined },
  { ref, part }: { ref: string; part: ShowPart },
): Promise<ShownFile[]> {
  const entry = findEntry(await layout.readIndex(), ref);
  const chart = await readCachedChart(layout, entry);
  if (part === 'manifest') return [{ kind: 'manifest', path: entry.name, bytes: chart.manifest.bytes }];
  const { layer } = chart.parts;
  const open = (): Promise<Readable> => readVerified(layout, layer, { signal });
  const files = await unpacking(layout, layer, () =>
    readChartFiles(open, (path) => kindOf(path) !== undefined, { signal }),
  );
  const shown = files.flatMap(({ path, bytes }) => {
    const kind = kindOf(path);
    return kind && (part === 'all' || part === kind) ? [{ kind, path, bytes }] : [];
  });
  const rank = ({ kind }: ShownFile): number => SHOW_PARTS.indexOf(kind);
  return onlyFirstReadme(shown.sort((a, b) => rank(a) - rank(b) || compareBytes(a.path, b.path)));
}

function kindOf(path: string): ShownFile['kind'] | undefined {
  if (path === 'Chart.yaml') return 'chart';
  if (path === 'values.yaml') return 'values';
  if (/^readme(?:\.md|\.txt)?$/i.test(path)) return 'readme';
  if (/^(?:charts\/[^/]+\/)*crds\/.+\.(?:ya?ml|json)$/.test(path)) return 'crds';
  return undefined;
}

function onlyFirstReadme(files: ShownFile[]): ShownFile[] {
  const first = files.find(({ kind }) => kind === 'readme');
  return files.filter((file) => file.kind !== 'readme' || file === first);
}
