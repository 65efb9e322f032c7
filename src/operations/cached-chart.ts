/** A chart in the cache: its name there, and what is shown of it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ChartParts } from '../artifact.js';
import { parseConfig } from '../chart/config.js';
import { shellWord } from '../chart/shell-word.js';
import { ChartError, isChartError } from '../errors.js';
import type { IndexEntry, Layout } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { RawManifest } from '../oci/manifest.js';
import { formatReference, parseReference, repositoryName, splitName } from '../oci/reference.js';
import { type ChartArtifact, chartOf } from './chart-of-artifact.js';
import { nearNames } from './near-names.js';
import type { ChartSummary } from './summary.js';

export interface CachedChart {
  /** The full reference, as index.json has it. */
  readonly ref: string;
  readonly repository: string;
  readonly tag: string;
  /** What the reference names: the chart's manifest, or an index that holds it. */
  readonly manifest: RawManifest;
  readonly parts: ChartParts;
  readonly name: string;
  readonly version: string;
}

export interface NamedEntry {
  readonly name: string;
  readonly descriptor: Descriptor;
}

/**
 * Finds what a user named. A name that is in the index to the letter is found even where it is no valid reference, so
 * that what Helm 3.6.3 accepted by accident can still be reached.
 *
 * @throws ChartError `CHART_NOT_FOUND` in Helm's words; `REFERENCE_INVALID`; the entry's own fault
 */
export function findEntry(index: readonly IndexEntry[], text: string): NamedEntry {
  return entryFinder(index)(text);
}

/** As {@link findEntry}, for many: looks the index through once. */
export function entryFinder(index: readonly IndexEntry[]): (text: string) => NamedEntry {
  const names = new Map<string | undefined, IndexEntry>();
  for (const entry of index) if (!names.has(entry.name)) names.set(entry.name, entry);
  return (text) => find(index, names, text);
}

function find(
  index: readonly IndexEntry[],
  names: ReadonlyMap<string | undefined, IndexEntry>,
  text: string,
): NamedEntry {
  const exact = names.get(text);
  if (exact) return usable(exact);
  const reference = parseReference(text);
  const { digest, ...named } = reference;
  const name = formatReference({ ...named, digest: undefined });
  const entry = names.get(digest && !named.tag ? text : name);
  if (entry && (digest === undefined || entry.descriptor?.digest === digest)) return usable(entry);
  if (digest !== undefined && named.tag === undefined) {
    const repository = repositoryName(reference);
    const sibling = index.find(
      (candidate) =>
        candidate.descriptor?.digest === digest &&
        candidate.name &&
        splitName(candidate.name).repository === repository,
    );
    if (sibling) return usable(sibling);
  }
  throw notFound(index, text, repositoryName(reference));
}

function usable(entry: IndexEntry): NamedEntry {
  if (entry.fault) throw entry.fault;
  return { name: entry.name as string, descriptor: entry.descriptor as Descriptor };
}

function notFound(index: readonly IndexEntry[], text: string, repository: string): ChartError {
  if (/\.tgz$/i.test(text)) {
    return new ChartError('CHART_NOT_FOUND', `Chart not found: ${text}`, {
      hint: `${text} is the name of a packed chart, not a reference. chart save ${text} HOST/PATH brings it into the cache under one.`,
    });
  }
  const below = index.filter(({ name }) => name?.startsWith(`${text}/`)).length;
  if (below > 0) {
    return new ChartError('CHART_NOT_FOUND', `Chart not found: ${text}`, {
      hint: `The cache has ${below === 1 ? 'a chart' : `${below} charts`} below it: '${text}/*' stands for ${below === 1 ? 'it' : 'them'}.`,
    });
  }
  const near = index.flatMap(({ name }) => (name?.startsWith(`${repository}:`) ? [name] : []));
  const meant = didYouMean(index, text);
  const hint =
    near.length === 0
      ? meant === '' && existsSync(path.join(text, 'Chart.yaml'))
        ? `${text} is a chart's directory, not a reference. chart save ${shellWord(text)} HOST/PATH brings it into the cache under one.`
        : `${meant}chart list shows what the cache holds; chart save and chart pull add to it.`
      : `The cache has ${near.slice(0, 5).join(', ')}${near.length > 5 ? `, and ${near.length - 5} more` : ''}.`;
  return new ChartError('CHART_NOT_FOUND', `Chart not found: ${text}`, { hint });
}

/** Names that lack only the registry, or are few letters away. */
function didYouMean(index: readonly IndexEntry[], text: string): string {
  const names = index.flatMap(({ name }) => name ?? []);
  const longer = names.filter((name) => name.endsWith(`/${text}`) || name.includes(`/${text}:`));
  const meant = longer.length > 0 ? longer.slice(0, 3) : nearNames(text, names);
  return meant.length === 0 ? '' : `Did you mean ${meant.join(' or ')}? `;
}

/**
 * Reads manifest and metadata of a chart in the cache. Name and version come from the config, as in Helm since 3.7, and
 * from the chart in the layer where the config is missing, damaged or says nothing.
 *
 * @throws ChartError `BLOB_NOT_FOUND`, `BLOB_DIGEST_MISMATCH`, `ARTIFACT_NOT_A_CHART`, ...
 */
export async function readCachedChart(layout: Layout, { name, descriptor }: NamedEntry): Promise<CachedChart> {
  const manifest = await layout.readManifest(descriptor);
  const { parts } = await cachedArtifact(layout, manifest);
  const { size } = layout.statBlobFile(parts.layer.digest);
  if (size !== parts.layer.size) throw damagedLayer(parts.layer, size);
  const metadata = await readMetadata(layout, parts);
  return { ref: name, ...splitName(name), manifest, parts, name: metadata.name, version: metadata.version };
}

/** The chart of a manifest or index in the cache. @throws ChartError `ARTIFACT_NOT_A_CHART`, `MANIFEST_INVALID`, ... */
export function cachedArtifact(layout: Layout, manifest: RawManifest): Promise<ChartArtifact> {
  return chartOf(manifest, async (listed) => {
    try {
      return await layout.readManifest(listed);
    } catch (error) {
      // An index may list what was never brought here.
      if (isChartError(error, 'BLOB_NOT_FOUND')) return undefined;
      throw error;
    }
  });
}

export function damagedLayer({ digest, size }: Pick<Descriptor, 'digest' | 'size'>, found: number): ChartError {
  return new ChartError('BLOB_SIZE_MISMATCH', `content ${digest} has ${found} bytes instead of ${size}`, {
    hint: 'Save or pull the chart again to mend it.',
  });
}

/** Name and version from the config, or from the chart in the layer where the config does not tell. */
export async function readMetadata(layout: Layout, parts: ChartParts): Promise<{ name: string; version: string }> {
  try {
    const { name, version } = parseConfig(await layout.readSmallBlob(parts.config));
    return { name, version };
  } catch (error) {
    if (!isChartError(error)) throw error;
    // Seldom needed, and it brings all that reads charts.
    const { checkChartArchive } = await import('../chart/archive/check.js');
    const { metadata } = await checkChartArchive(() => layout.readBlob(parts.layer));
    return { name: metadata.name, version: metadata.version };
  }
}

export function summaryOf({ ref, manifest, parts, name, version }: CachedChart): ChartSummary {
  return { ref, digest: manifest.descriptor.digest, size: parts.layer.size, name, version };
}
