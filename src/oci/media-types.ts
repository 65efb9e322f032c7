/** The media types that this program reads or writes. */

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';

/** The chart's metadata as JSON; the config of every chart artifact. */
export const CHART_CONFIG = 'application/vnd.cncf.helm.config.v1+json';
/** The packed chart; the only content type that Helm 3.6.3 can read. */
export const CHART_LAYER_LEGACY = 'application/tar+gzip';
/** The packed chart, as Helm 3.7 and later name it. */
export const CHART_LAYER_CURRENT = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
/** The provenance file beside a packed chart. */
export const CHART_PROVENANCE = 'application/vnd.cncf.helm.chart.provenance.v1.prov';

export const CHART_LAYERS: readonly string[] = [CHART_LAYER_LEGACY, CHART_LAYER_CURRENT];
export const MANIFEST_TYPES: readonly string[] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX];

/** `org.opencontainers.image.ref.name`: the reference of an entry in index.json. */
export const ANNOTATION_REF_NAME = 'org.opencontainers.image.ref.name';
