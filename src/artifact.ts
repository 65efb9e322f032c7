/**
 * A chart as an OCI artifact.
 *
 *     manifest   application/vnd.oci.image.manifest.v1+json
 *       config   application/vnd.cncf.helm.config.v1+json                   the chart's metadata as JSON
 *       layer    application/tar+gzip                                       the packed chart ("legacy"), or
 *                application/vnd.cncf.helm.chart.content.v1.tar+gzip        the same bytes ("current")
 *       layer    application/vnd.cncf.helm.chart.provenance.v1.prov         only where there is a provenance file
 *
 * Layers are told apart by media type, never by position.
 */
import { ChartError } from './errors.js';
import { type Descriptor, plainDescriptor } from './oci/descriptor.js';
import type { ImageIndex, ImageManifest, RawManifest } from './oci/manifest.js';
import { describeManifest } from './oci/manifest.js';
import {
  CHART_CONFIG,
  CHART_LAYER_CURRENT,
  CHART_LAYER_LEGACY,
  CHART_LAYERS,
  CHART_PROVENANCE,
  OCI_MANIFEST,
} from './oci/media-types.js';

/** `legacy` is the only content type that Helm 3.6.3 can read; `current` is what Helm 3.7 and later write. */
export type LayerFlavour = 'legacy' | 'current';

/** The blobs of a chart artifact, by what they are for. */
export interface ChartParts {
  readonly config: Descriptor;
  readonly layer: Descriptor;
  readonly provenance: Descriptor | undefined;
}

export function layerMediaType(flavour: LayerFlavour): string {
  return flavour === 'legacy' ? CHART_LAYER_LEGACY : CHART_LAYER_CURRENT;
}

/** True for a config that says the artifact is a chart, or for a layer that only charts have. */
export function looksLikeChart(manifest: ImageManifest | ImageIndex): manifest is ImageManifest {
  if (manifest.kind !== 'manifest') return false;
  return manifest.config.mediaType === CHART_CONFIG || manifest.layers.some((layer) => isChartLayer(layer));
}

/**
 * Picks the parts of a chart out of a manifest.
 *
 * @throws ChartError `ARTIFACT_NOT_A_CHART`, in Helm 3.6.3's words where it would have said the same
 *
 * @example
 * ```ts
 * import { chartParts, openRegistry, parseManifest } from 'helm-chart-cache';
 *
 * const registry = openRegistry('127.0.0.1:5000');
 * const { bytes } = await registry.repository('team/app').readManifest('1.0.0');
 * const { layer, provenance } = chartParts(parseManifest(bytes));
 * console.log(layer.mediaType, provenance); // application/tar+gzip undefined
 * await registry.close();
 * ```
 */
export function chartParts(manifest: ImageManifest | ImageIndex): ChartParts {
  if (manifest.kind === 'index') {
    throw new ChartError('ARTIFACT_NOT_A_CHART', `an index of ${manifest.manifests.length} manifests is not a chart`);
  }
  const layers = manifest.layers.filter(isChartLayer);
  const [layer] = layers;
  if (layers.length > 1 || manifest.layers.length === 0) {
    throw new ChartError(
      'ARTIFACT_NOT_A_CHART',
      `manifest does not contain exactly 1 layer (total: ${manifest.layers.length})`,
    );
  }
  if (!layer) {
    throw new ChartError(
      'ARTIFACT_NOT_A_CHART',
      `manifest does not contain a layer with mediatype ${CHART_LAYER_LEGACY}`,
      { hint: `It holds ${manifest.layers[0]?.mediaType}: this is another kind of artifact, not a Helm chart.` },
    );
  }
  return {
    config: manifest.config,
    layer,
    provenance: manifest.layers.find(({ mediaType }) => mediaType === CHART_PROVENANCE),
  };
}

/**
 * The manifest of a chart: for a legacy chart without provenance the same bytes as Helm 3.6.3's, and in every case the
 * same bytes for the same parts.
 */
export function chartManifest({ config, layer, provenance }: ChartParts): RawManifest {
  const layers = provenance === undefined ? [layer] : [layer, provenance];
  const document = { schemaVersion: 2, config: plainDescriptor(config), layers: layers.map(plainDescriptor) };
  return describeManifest(Buffer.from(JSON.stringify(document)), OCI_MANIFEST);
}

function isChartLayer({ mediaType }: Descriptor): boolean {
  return CHART_LAYERS.includes(mediaType);
}
