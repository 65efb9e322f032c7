/** Charts from directories and archives into the cache. */
import { chartManifest, type LayerFlavour, layerMediaType } from '../artifact.js';
import { encodeConfig } from '../chart/config.js';
import { PREFIX } from '../chart/missing-chart-yaml.js';
import { shellWord } from '../chart/shell-word.js';
import { type ChartSource, openChartSource } from '../chart/source.js';
import { ChartError, isChartError } from '../errors.js';
import type { IngestOptions, Layout } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import { CHART_CONFIG, CHART_PROVENANCE } from '../oci/media-types.js';
import { formatReference, isHost, parseReference, repositoryName, splitName } from '../oci/reference.js';
import { TagBatch } from './batch.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { mapWithTail } from './parallel.js';
import type { ChartSummary } from './summary.js';

export interface SaveItem {
  /** A chart directory or a packed chart. */
  readonly path: string;
  /** Where it goes. A missing tag is the chart's version. Absent: `prefix` decides. */
  readonly ref?: string;
}

/** What {@link saveCharts} is to save. */
export interface SaveInput {
  readonly items: readonly SaveItem[];
  /** `PREFIX/NAME:VERSION` for items without a reference of their own. */
  readonly prefix?: string | undefined;
  readonly flavour?: LayerFlavour;
}

export interface SaveDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
  /** Called for what Helm warns of, and for links that leave the chart. */
  readonly onWarning?: ((item: SaveItem, text: string) => void) | undefined;
  /** Called while a chart is packed or copied: bytes that are stored, of how many where that is known. */
  readonly onProgress?: ((item: SaveItem, done: number, total: number | undefined) => void) | undefined;
}

/** Charts packed at the same time: packing keeps one processor busy, the others overlap reading and syncing. */
const CONCURRENCY = 6;

/**
 * Saves charts. Each outcome is reported as soon as index.json on disk names the chart, in no promised order.
 * Nothing refers to a chart that fails.
 *
 * @example
 * ```ts
 * import { openLayout, saveCharts } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const items = [{ path: './app' }, { path: './absent' }];
 * for (const { item, result, error } of await saveCharts({ layout }, { items, prefix: 'registry.example.com/team' })) {
 *   console.log(item, error?.code ?? result?.version);
 * }
 * // ./app 1.0.0
 * // ./absent CHART_NOT_FOUND
 * await layout.close();
 * ```
 */
export async function saveCharts(
  { layout, signal, onWarning, onProgress }: SaveDependencies,
  { items, prefix, flavour = 'legacy' }: SaveInput,
  onOutcome: (index: number, outcome: Outcome<ChartSummary>) => void = () => {},
): Promise<Outcome<ChartSummary>[]> {
  if (prefix !== undefined) checkPrefix(prefix);
  const batch = new TagBatch(layout, signal);
  const taken = new Map<string, string>();
  const save = async (item: SaveItem, index: number): Promise<() => Promise<Outcome<ChartSummary>>> => {
    const stored = await outcomeOf(item.path, async () => {
      const source = await openSource(item, signal);
      const ref = savedName(item, source, prefix);
      for (const warning of source.warnings) onWarning?.(item, warning);
      claim(taken, ref, item.path);
      const onBytes = onProgress && ((bytes: number) => onProgress(item, bytes, source.size));
      return await storeChart(layout, source, ref, flavour, { signal, onBytes });
    });
    return async () => {
      const outcome = await nameChart(batch, stored);
      onOutcome(index, outcome);
      return outcome;
    };
  };
  return mapWithTail(items, CONCURRENCY, save, () => batch.finish());
}

/**
 * Saves one chart.
 *
 * @throws ChartError `CHART_SOURCE_UNREADABLE`, `CHART_INVALID`, `ARCHIVE_INVALID`, `REFERENCE_INVALID`, `DISK_FULL`, ...
 *
 * @example
 * ```ts
 * import { openLayout, saveChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const chart = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * console.log(chart.ref); // registry.example.com/team/app:1.0.0
 * await layout.close();
 * ```
 */
export async function saveChart(
  dependencies: SaveDependencies,
  { path, ref, flavour }: { path: string; ref: string; flavour?: LayerFlavour },
): Promise<ChartSummary> {
  const [outcome] = await saveCharts(dependencies, { items: [{ path, ref }], ...(flavour && { flavour }) });
  if (outcome?.result === undefined) throw outcome?.error;
  return outcome.result;
}

interface StoredChart {
  readonly summary: ChartSummary;
  readonly manifest: Descriptor;
}

async function nameChart(batch: TagBatch, outcome: Outcome<StoredChart>): Promise<Outcome<ChartSummary>> {
  if (outcome.error) return outcome;
  const { summary, manifest } = outcome.result;
  return outcomeOf(outcome.item, async () => {
    await batch.add({ name: summary.ref, descriptor: manifest });
    return summary;
  });
}

async function openSource(item: SaveItem, signal: AbortSignal | undefined): Promise<ChartSource> {
  try {
    return await openChartSource(item.path, { signal });
  } catch (error) {
    if (!isChartError(error)) throw error;
    if (/^[a-z]+:\/\//.test(item.path))
      throw new ChartError(error.code, error.message, { hint: urlHint(item.path), cause: error });
    if (/\.tar(?:\.gz|\.zst)?$|\.bundle$/i.test(item.path) && error.code !== 'CHART_NOT_FOUND') {
      const hint = `If that is what chart bundle wrote: chart unbundle ${shellWord(item.path)}`;
      throw new ChartError(error.code, error.message, { hint, cause: error });
    }
    if (item.ref === undefined || !error.hint?.includes(` --to ${PREFIX}`)) throw error;
    const prefix = repositoryName(parseReference(item.ref));
    const hint = error.hint.replace(` --to ${PREFIX}`, () => ` --to ${prefix}`);
    throw new ChartError(error.code, error.message, { hint, cause: error });
  }
}

/** Where a chart that is named by its address comes into the cache. */
function urlHint(url: string): string {
  if (url.startsWith('oci://')) return `A chart of a registry: chart pull ${shellWord(url)}`;
  const [, repository = url, name] = /^(.*)\/([^/]+?)-v?\d[^/]*\.tgz$/.exec(url) ?? [];
  const include = name === undefined ? '' : ` --include ${shellWord(name)}`;
  return `Only files are saved. Charts of a chart repository: chart mirror ${shellWord(repository)} cache${include}`;
}

/** @throws ChartError `USAGE` for a prefix that is the name of one chart */
function checkPrefix(prefix: string): void {
  const { host, tag, digest } = parseReference(`${isHost(prefix) ? `${prefix}/x` : prefix}`.replace(/\/+$/, ''));
  if (tag === undefined && digest === undefined) return;
  const { repository } = splitName(prefix);
  throw new ChartError('USAGE', `${prefix} is no prefix: a prefix has no ${tag === undefined ? 'digest' : 'tag'}`, {
    hint: `${host === undefined ? 'Write HOST/PATH' : `Write ${repository}`}: each chart is saved as PREFIX/NAME:VERSION.`,
  });
}

function savedName(item: SaveItem, source: ChartSource, prefix: string | undefined): string {
  const { name, version } = source.metadata;
  if (item.ref === undefined && prefix === undefined) {
    throw new ChartError('USAGE', `${item.path} has no reference to be saved as`, {
      hint: 'Give it one, or a prefix for all.',
    });
  }
  const text = item.ref ?? `${prefix?.replace(/\/+$/, '')}/${name}:${version}`;
  const reference = parseReference(text);
  if (reference.digest !== undefined) {
    throw new ChartError(
      'REFERENCE_INVALID',
      `cannot save ${item.path} as ${text}: the digest is known only afterwards`,
      {
        hint: 'Leave out @sha256:...; chart save prints the digest.',
      },
    );
  }
  const tagged = reference.tag === undefined ? `${repositoryName(reference)}:${version}` : text;
  return formatReference(parseReference(tagged));
}

function claim(taken: Map<string, string>, ref: string, path: string): void {
  const other = taken.get(ref);
  if (other !== undefined) {
    throw new ChartError('USAGE', `cannot save ${path} as ${ref}: ${other} of this command has that name already`, {
      hint: 'Give one of them another version, or save it in a command of its own under another reference.',
    });
  }
  taken.set(ref, path);
}

async function storeChart(
  layout: Layout,
  source: ChartSource,
  ref: string,
  flavour: LayerFlavour,
  options: Pick<IngestOptions, 'signal' | 'onBytes'>,
): Promise<StoredChart> {
  const { name, version } = source.metadata;
  const layer = await layout.ingestBlob(await source.open(), { mediaType: layerMediaType(flavour), ...options });
  const config = await layout.putBytes(encodeConfig(source.metadata), CHART_CONFIG);
  const provenance = await source.readProvenance?.();
  const parts = {
    config,
    layer,
    provenance: provenance && (await layout.putBytes(provenance, CHART_PROVENANCE)),
  };
  const { bytes, descriptor } = chartManifest(parts);
  await layout.putBytes(bytes, descriptor.mediaType);
  return { summary: { ref, digest: descriptor.digest, size: layer.size, name, version }, manifest: descriptor };
}
