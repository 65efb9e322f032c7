/**
 * The charts of the cache as the site shows them. An artifact is read once, however many names it has and for as long as it is
 * here; then what is asked of the cache is whether index.json has changed.
 */
import { statSync } from 'node:fs';
import { chartParts, looksLikeChart } from '../artifact.js';
import { checkChartArchive } from '../chart/archive/check.js';
import { readChartFiles } from '../chart/archive/read.js';
import { parseConfig } from '../chart/config.js';
import { CHART_LIMITS } from '../chart/files.js';
import type { ChartMetadata } from '../chart/metadata.js';
import { ChartError, isChartError } from '../errors.js';
import type { IndexEntry, Layout } from '../layout/layout.js';
import { indexPath } from '../layout/paths.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, Digester, digestAlgorithm, digestHex, isDigest } from '../oci/digest.js';
import { parseManifest } from '../oci/manifest.js';
import { isTag, splitName } from '../oci/reference.js';
import { findShortNames, isName, isPreferred, isServed, type NameOptions } from '../server/names.js';
import type { CatalogChart, CatalogSnapshot, ChartCatalog, ChartContent, ChartText } from '../site/catalog.js';
import { Turns } from '../site/turns.js';
import { damagedLayer } from './cached-chart.js';
import { readVerified, unpacking } from './verified-blob.js';

/** Milliseconds after which an artifact that could not be read is tried again, though index.json is the same. */
const RETRY = 5000;

/** Of a chart whose README and values are shown: it is unpacked while others wait. */
const TEXT_LIMITS = { ...CHART_LIMITS, bytes: 256 * 1024 * 1024, entries: 20_000, fileBytes: 4 * 1024 * 1024 };

interface Generation {
  readonly entries: readonly IndexEntry[];
  readonly snapshot: CatalogSnapshot;
  /** When to look again at what could not be read. */
  readonly retryAt: number;
}

export function openCatalog(layout: Layout, options: NameOptions = {}): ChartCatalog {
  const known = new Map<Digest, ChartContent | 'not a chart'>();
  let latest: Generation | undefined;
  let reading: { readonly entries: readonly IndexEntry[]; readonly result: Promise<Generation> } | undefined;

  return {
    async read() {
      const entries = await layout.readIndex();
      if (latest && latest.retryAt > performance.now() && isSame(latest.entries, entries)) return latest.snapshot;
      if (!reading || !isSame(reading.entries, entries)) {
        const result = readGeneration(layout, options, entries, known, latest);
        reading = { entries, result };
      }
      const { result } = reading;
      try {
        latest = await result;
        return latest.snapshot;
      } finally {
        if (reading?.result === result) reading = undefined;
      }
    },
    openBlob: (blob, range) => layout.readBlob(blob, range),
    openVerified: (blob) => readVerified(layout, blob),
    readTexts: (archive) => readTexts(layout, archive),
  };
}

/** Entries of one reading of index.json are the same objects. */
function isSame(a: readonly IndexEntry[], b: readonly IndexEntry[]): boolean {
  return a.length === b.length && a.every((entry, position) => entry === b[position]);
}

async function readGeneration(
  layout: Layout,
  options: NameOptions,
  entries: readonly IndexEntry[],
  known: Map<Digest, ChartContent | 'not a chart'>,
  before: Generation | undefined,
): Promise<Generation> {
  const changed = changeTime(layout);
  const served = entries.flatMap((entry) => servedEntry(entry, options) ?? []);
  const shortNames = findShortNames(new Set(served.map(({ repository }) => repository)), options);
  const found: CatalogChart[] = [];
  let isWhole = true;
  const turns = new Turns();
  for (const { repository, reference, descriptor } of served) {
    const content = known.get(descriptor.digest) ?? (await readContent(layout, descriptor));
    if (content === undefined) isWhole = false;
    else known.set(descriptor.digest, content);
    if (content !== undefined && content !== 'not a chart') {
      const shortName = shortNames.get(repository);
      found.push({ repository, shortName, reference, isPreferred: isPreferred(options, repository), content });
    }
    if (turns.isOver) await turns.give();
  }
  const needed = new Set(served.map(({ descriptor }) => descriptor.digest));
  for (const digest of known.keys()) if (!needed.has(digest)) known.delete(digest);
  const charts = onlyNeededDigests(found);
  // What did not change keeps its object, and with it all that was made of it.
  const snapshot = before && hasSameCharts(before.snapshot.charts, charts) ? before.snapshot : { charts, changed };
  return { entries, snapshot, retryAt: isWhole ? Number.POSITIVE_INFINITY : performance.now() + RETRY };
}

interface ServedEntry {
  readonly repository: string;
  readonly reference: string;
  readonly descriptor: Descriptor;
}

/** An entry by which a registry's client could ask; undefined for others. */
function servedEntry({ name, descriptor }: IndexEntry, options: NameOptions): ServedEntry | undefined {
  if (name === undefined || descriptor === undefined) return undefined;
  const { repository, tag } = splitName(name);
  if (!isName(repository) || !(isTag(tag) || isDigest(tag)) || !isServed(options, repository)) return undefined;
  return { repository, reference: tag, descriptor };
}

/** A chart by its digest is worth telling only where it has no tag. */
function onlyNeededDigests(charts: readonly CatalogChart[]): CatalogChart[] {
  const key = ({ repository, content }: CatalogChart): string => `${repository}@${content.digest}`;
  const tagged = new Set(charts.filter(({ reference }) => !isDigest(reference)).map(key));
  return charts.filter((chart) => !isDigest(chart.reference) || !tagged.has(key(chart)));
}

function hasSameCharts(before: readonly CatalogChart[], now: readonly CatalogChart[]): boolean {
  return (
    before.length === now.length &&
    before.every((chart, position) => {
      const other = now[position] as CatalogChart;
      return (
        chart.content === other.content &&
        chart.repository === other.repository &&
        chart.reference === other.reference &&
        chart.shortName === other.shortName
      );
    })
  );
}

/** When index.json was last written. */
function changeTime(layout: Layout): Date {
  return statSync(indexPath(layout.dir), { throwIfNoEntry: false })?.mtime ?? new Date(0);
}

/** @returns undefined for what cannot be read: damaged, or gone since */
async function readContent(layout: Layout, descriptor: Descriptor): Promise<ChartContent | 'not a chart' | undefined> {
  try {
    const manifest = parseManifest(readNow(layout, descriptor), descriptor.mediaType);
    if (!looksLikeChart(manifest)) return 'not a chart';
    const { config, layer, provenance } = chartParts(manifest);
    const { size, created } = layout.statBlobFile(layer.digest);
    if (size !== layer.size) throw damagedLayer(layer, size);
    return {
      digest: descriptor.digest,
      metadata: await readMetadata(layout, config, layer),
      archive: layer,
      sha256: digestAlgorithm(layer.digest) === 'sha256' ? digestHex(layer.digest) : await hashOf(layout, layer),
      provenance,
      created: dateOf(manifest.annotations?.['org.opencontainers.image.created']) ?? created,
    };
  } catch (error) {
    if (isChartError(error)) return undefined;
    throw error;
  }
}

function readNow(layout: Layout, descriptor: Descriptor): Uint8Array {
  const [bytes] = layout.readSmallBlobs([descriptor]);
  if (bytes instanceof ChartError) throw bytes;
  return bytes as Uint8Array;
}

/** From the config, or from the chart itself where that does not tell. */
async function readMetadata(layout: Layout, config: Descriptor, layer: Descriptor): Promise<ChartMetadata> {
  try {
    return parseConfig(readNow(layout, config));
  } catch (error) {
    if (!isChartError(error)) throw error;
    return (await checkChartArchive(() => layout.readBlob(layer))).metadata;
  }
}

async function hashOf(layout: Layout, blob: Descriptor): Promise<string> {
  const digester = new Digester('sha256');
  for await (const chunk of await readVerified(layout, blob)) digester.update(chunk);
  return digestHex(digester.digest());
}

function dateOf(text: unknown): Date | undefined {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(text)) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

async function readTexts(layout: Layout, archive: Descriptor): Promise<{ readme?: ChartText; values?: ChartText }> {
  const isReadme = (path: string): boolean => /^readme(?:\.md|\.txt)?$/i.test(path);
  const files = await unpacking(layout, archive, () =>
    readChartFiles(
      () => readVerified(layout, archive),
      (path) => isReadme(path) || path === 'values.yaml',
      { limits: TEXT_LIMITS },
    ),
  );
  const readme = files.find(({ path }) => isReadme(path));
  const values = files.find(({ path }) => path === 'values.yaml');
  return { ...(readme && { readme }), ...(values && { values }) };
}
