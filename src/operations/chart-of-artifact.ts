/**
 * The chart that a reference leads to: the manifest itself, or the one chart that an index lists beside what is about it
 * (attestations, a bill of materials).
 */
import { type ChartParts, chartParts, looksLikeChart } from '../artifact.js';
import { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { parseManifest, type RawManifest, successors } from '../oci/manifest.js';
import { MANIFEST_TYPES } from '../oci/media-types.js';

/** An artifact that holds one chart. */
export interface ChartArtifact {
  readonly parts: ChartParts;
  /** Everything that manifest or index lead to, the chart's own parts among it. */
  readonly content: readonly Descriptor[];
}

interface Found {
  readonly charts: { readonly digest: Digest; readonly parts: ChartParts }[];
  readonly content: Map<Digest, Descriptor>;
}

/** Manifests that are read of one index to find the chart in it, and how deep indexes may lie in each other. */
const MANIFESTS_LIMIT = 100;
const DEPTH_LIMIT = 4;

/**
 * @param read a manifest that an index lists; undefined for one that is not there
 * @throws ChartError `ARTIFACT_NOT_A_CHART` for no chart and for several; `MANIFEST_INVALID`, `LIMIT_EXCEEDED`
 */
export async function chartOf(
  root: RawManifest,
  read: (listed: Descriptor) => Promise<RawManifest | undefined>,
): Promise<ChartArtifact> {
  const parsed = parseManifest(root.bytes, root.descriptor.mediaType);
  if (parsed.kind === 'manifest') return { parts: chartParts(parsed), content: successors(parsed) };
  const found: Found = { charts: [], content: new Map() };
  await search(root, read, found, 0);
  const [chart, ...others] = found.charts;
  if (chart && others.length === 0) return { parts: chart.parts, content: [...found.content.values()] };
  const count = `an index of ${parsed.manifests.length} manifests`;
  if (!chart) throw new ChartError('ARTIFACT_NOT_A_CHART', `${count} holds no chart`);
  throw new ChartError('ARTIFACT_NOT_A_CHART', `${count} holds ${found.charts.length} charts`, {
    hint: `Name one of them by its digest: ${found.charts.map(({ digest }) => `@${digest}`).join(', ')}.`,
  });
}

async function search(
  { bytes, descriptor }: RawManifest,
  read: (listed: Descriptor) => Promise<RawManifest | undefined>,
  found: Found,
  depth: number,
): Promise<void> {
  const parsed = parseManifest(bytes, descriptor.mediaType);
  if (looksLikeChart(parsed)) found.charts.push({ digest: descriptor.digest, parts: chartParts(parsed) });
  for (const next of successors(parsed)) {
    if (found.content.has(next.digest)) continue;
    found.content.set(next.digest, next);
    if (parsed.kind === 'manifest' || !MANIFEST_TYPES.includes(next.mediaType)) continue;
    if (depth === DEPTH_LIMIT || found.content.size > MANIFESTS_LIMIT) {
      throw new ChartError(
        'LIMIT_EXCEEDED',
        `an index leads to more than ${MANIFESTS_LIMIT} parts, or ${DEPTH_LIMIT} deep`,
      );
    }
    const listed = await read(next);
    if (listed) await search(listed, read, found, depth + 1);
  }
}
