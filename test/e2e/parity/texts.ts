/**
 * What the program prints, as the recording would have it: digest, size and age are anything of their form here, since the
 * comparison puts in what is right at the moment.
 */

/** `chart list` of an empty cache. */
export const NO_CHARTS = 'REF\tNAME\tVERSION\tDIGEST\tSIZE\tCREATED\n';

const ANY_DIGEST = '0'.repeat(64);

export function summaryOf(ref: string, name = 'c', version = '0.1.0'): string {
  return `ref:     ${ref}\ndigest:  ${ANY_DIGEST}\nsize:    0 B\nname:    ${name}\nversion: ${version}\n`;
}

export function saved(ref: string, name?: string, version?: string): string {
  return `${summaryOf(ref, name, version)}${tagOf(ref)}: saved\n`;
}

export function exported(ref: string, directory: string, name?: string, version?: string): string {
  return `${summaryOf(ref, name, version)}Exported chart to ${directory}\n`;
}

export function pushed(ref: string, name?: string, version?: string): string {
  return `${pushing(ref, name, version)}${tagOf(ref)}: pushed to remote (1 layer, 0 B total)\n`;
}

/** What is printed before the network is touched. */
export function pushing(ref: string, name?: string, version?: string): string {
  return `The push refers to repository [${repositoryOf(ref)}]\n${summaryOf(ref, name, version)}`;
}

export function pulled(ref: string, status: 'new' | 'current', name?: string, version?: string): string {
  const words = status === 'new' ? 'Downloaded newer chart for' : 'Chart is up to date for';
  return `${pulling(ref)}${summaryOf(ref, name, version)}Status: ${words} ${ref}\n`;
}

export function pulling(ref: string): string {
  return `${tagOf(ref)}: Pulling from ${repositoryOf(ref)}\n`;
}

/** `chart list` of charts that are called c 0.1.0, unless name and version follow the reference. */
export function tableOf(...charts: (string | readonly [ref: string, name: string, version: string])[]): string {
  const rows = charts.map((chart) => (typeof chart === 'string' ? ([chart, 'c', '0.1.0'] as const) : chart));
  const all = [['REF', 'NAME', 'VERSION'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] as string).length)));
  const lines = all.map((row, index) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] as number));
    return [...cells, ...(index === 0 ? ['DIGEST', 'SIZE', 'CREATED'] : ['0', '0', '0'])].join('\t');
  });
  return `${lines.join('\n')}\n`;
}

interface IndexOptions {
  /** Under the name that Helm 3.6.3 does not look at. */
  readonly hidden?: boolean;
  readonly mediaType?: string;
}

/** An index.json with one entry. */
export function indexOf(ref: string, options: IndexOptions = {}): string {
  return indexOfAll([ref], options);
}

export function indexOfAll(
  refs: readonly string[],
  { hidden = false, mediaType = OCI_MANIFEST }: IndexOptions = {},
): string {
  const key = hidden ? 'io.helm-chart-cache.ref.name' : 'org.opencontainers.image.ref.name';
  const digest = `sha256:${ANY_DIGEST}`;
  const manifests = refs.map((ref) => ({ mediaType, digest, size: 0, annotations: { [key]: ref } }));
  return JSON.stringify({ schemaVersion: 2, manifests });
}

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

function tagOf(ref: string): string {
  return ref.slice(ref.lastIndexOf(':') + 1);
}

function repositoryOf(ref: string): string {
  return ref.slice(0, ref.lastIndexOf(':'));
}
