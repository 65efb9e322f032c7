/**
 * Many charts of the cache at once, for `list`: two small reads and one look at a file each, the same content once; of what was
 * listed before only two looks at files (list-cache.ts).
 */
import { type ChartParts, chartParts, looksLikeChart } from '../artifact.js';
import { parseConfig } from '../chart/config.js';
import { ChartError, isChartError } from '../errors.js';
import type { IndexEntry, Layout } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { parseManifest, type RawManifest } from '../oci/manifest.js';
import { splitName } from '../oci/reference.js';
import { isAttachmentTag } from '../oci/referrers.js';
import { cachedArtifact, damagedLayer, readMetadata } from './cached-chart.js';
import type { ListCache, Named } from './list-cache.js';
import type { ListedChart } from './summary.js';

/** What a cache holds. */
export interface Listing {
  /** In byte order of the references. */
  readonly charts: ListedChart[];
  /** Entries that cannot be read, each with its reason; what is no chart at all is left out without a word. */
  readonly broken: { readonly ref: string; readonly error: ChartError }[];
}

type Facts = Pick<ListedChart, 'name' | 'version' | 'size' | 'created'>;

/** Reads what is listed of every entry. An entry that cannot be read is in `broken`, one that is no chart in `others`. */
export async function readCharts(
  layout: Layout,
  entries: readonly IndexEntry[],
  cache: ListCache,
): Promise<Listing & { readonly others: readonly Named[] }> {
  const listing: Listing & { readonly others: Named[] } = { charts: [], broken: [], others: [] };
  const known = new Map<Digest, Facts | ChartError | undefined>();
  for (const { name, descriptor, fault } of entries) {
    const ref = name as string;
    // Whatever it looks like: it was attached to a chart, and names none.
    if (isAttachmentTag(splitName(ref).tag)) continue;
    if (descriptor === undefined) {
      listing.broken.push({ ref, error: fault as ChartError });
      continue;
    }
    const { digest } = descriptor;
    if (!known.has(digest)) known.set(digest, await readFacts(layout, cache, descriptor));
    const facts = known.get(digest);
    if (facts instanceof ChartError) listing.broken.push({ ref, error: facts });
    else if (facts) listing.charts.push({ ref, digest, ...facts });
    else listing.others.push({ ref, digest });
  }
  return listing;
}

async function readFacts(
  layout: Layout,
  cache: ListCache,
  descriptor: Descriptor,
): Promise<Facts | ChartError | undefined> {
  try {
    const known = cache.find(descriptor.digest);
    if (known === 'no chart') return undefined;
    if (known) return { name: known.name, version: known.version, ...layerFacts(layout, known.layer, known.size) };
    const stamp = layout.blobStamp(descriptor.digest);
    const [bytes] = layout.readSmallBlobs([descriptor]);
    if (!bytes || bytes instanceof ChartError) return bytes;
    const manifest = parseManifest(bytes, descriptor.mediaType);
    if (manifest.kind === 'manifest' && !looksLikeChart(manifest)) {
      cache.add(descriptor.digest, stamp, 'no chart');
      return undefined;
    }
    const parts = manifest.kind === 'index' ? await chartInIndex(layout, { descriptor, bytes }) : chartParts(manifest);
    if (!parts) return undefined;
    const { layer } = parts;
    const facts = layerFacts(layout, layer.digest, layer.size);
    const metadata = configFacts(layout, parts);
    if (metadata && manifest.kind === 'manifest') {
      cache.add(descriptor.digest, stamp, { layer: layer.digest, size: layer.size, ...metadata });
    }
    return { ...(metadata ?? (await readMetadata(layout, parts))), ...facts };
  } catch (error) {
    if (isChartError(error)) return error;
    throw error;
  }
}

/** @throws ChartError `BLOB_NOT_FOUND`, `BLOB_SIZE_MISMATCH` */
function layerFacts(layout: Layout, digest: Digest, promised: number): Pick<Facts, 'size' | 'created'> {
  const { size, created } = layout.statBlobFile(digest);
  if (size !== promised) throw damagedLayer({ digest, size: promised }, size);
  return { size, created };
}

/** Undefined for an index of something else. */
async function chartInIndex(layout: Layout, manifest: RawManifest): Promise<ChartParts | undefined> {
  try {
    return (await cachedArtifact(layout, manifest)).parts;
  } catch (error) {
    if (isChartError(error, 'ARTIFACT_NOT_A_CHART')) return undefined;
    throw error;
  }
}

/** Name and version from the config, or undefined where only the layer can tell. */
function configFacts(layout: Layout, { config }: ChartParts): Pick<Facts, 'name' | 'version'> | undefined {
  const [bytes] = layout.readSmallBlobs([config]);
  if (!bytes || bytes instanceof ChartError) return undefined;
  try {
    const { name, version } = parseConfig(bytes);
    return { name, version };
  } catch (error) {
    if (isChartError(error)) return undefined;
    throw error;
  }
}
