/**
 * Chart.yaml, as Helm 3.6.3 reads, cleans and checks it (`helm.sh/helm/v3/pkg/chart`, Metadata).
 *
 *     apiVersion: v2        bytes -> MetadataDraft (parseChartYaml) -> ChartMetadata (validateMetadata)
 *     name: web
 *     version: 1.2.3
 */
import { ChartError } from '../errors.js';
import { checkChartName } from './chart-name.js';
import { ContentError } from './content-error.js';
import { quote } from './go/format.js';
import { decodeYaml } from './go/json.js';
import { sanitize } from './go/printable.js';
import { isEmpty, METADATA } from './metadata-shape.js';
import { isChartVersion } from './version.js';

export { checkChartName };

export interface ChartMaintainer {
  readonly name?: string;
  readonly email?: string;
  readonly url?: string;
}

export interface ChartDependency {
  readonly name: string;
  /** A version or a range. */
  readonly version?: string;
  readonly repository: string;
  readonly condition?: string;
  readonly tags?: readonly string[];
  readonly enabled?: boolean;
  /** Strings and `{child, parent}` objects, by convention. */
  readonly 'import-values'?: readonly unknown[];
  readonly alias?: string;
}

/** Fields in the order in which Helm writes them; one that is empty is absent. */
export interface ChartMetadata {
  readonly name: string;
  readonly home?: string;
  readonly sources?: readonly string[];
  /** See `isChartVersion`. */
  readonly version: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly maintainers?: readonly ChartMaintainer[];
  readonly icon?: string;
  /** `v1` where Chart.yaml does not say. */
  readonly apiVersion: string;
  readonly condition?: string;
  readonly tags?: string;
  readonly appVersion?: string;
  readonly deprecated?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly kubeVersion?: string;
  readonly dependencies?: readonly ChartDependency[];
  readonly type?: string;
}

/** What a Chart.yaml says, before it is checked: any field may be absent or empty, a list may hold nulls. */
export type MetadataDraft = {
  [Field in Exclude<keyof ChartMetadata, 'maintainers' | 'annotations' | 'dependencies'>]?: ChartMetadata[Field];
} & {
  maintainers?: readonly (ChartMaintainer | null)[];
  annotations?: ReadonlyMap<string, string>;
  dependencies?: readonly (Partial<ChartDependency> | null)[];
};

/**
 * @throws ChartError `CHART_INVALID`, in Helm's words
 *
 * @example
 * ```ts
 * import { parseChartYaml } from 'helm-chart-cache';
 *
 * const text = 'apiVersion: v2\nname: app\nversion: 1.0.0\n';
 * const { name, version } = parseChartYaml(new TextEncoder().encode(text));
 * console.log(name, version); // app 1.0.0
 * ```
 */
export function parseChartYaml(bytes: Uint8Array, before?: MetadataDraft): MetadataDraft {
  const draft = readMetadata('Chart.yaml', bytes, before);
  return draft.apiVersion ? draft : { ...draft, apiVersion: 'v1' };
}

/**
 * Reads a file of metadata on top of what others gave: Chart.yaml, or requirements.yaml behind it.
 *
 * @throws ChartError `CHART_INVALID`, in Helm's words
 */
export function readMetadata(file: string, bytes: Uint8Array, before: MetadataDraft = {}): MetadataDraft {
  return readChartFile(file, () => decodeYaml(bytes, METADATA, before)) as MetadataDraft;
}

/** Names the file in what goes wrong with its content. */
export function readChartFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ContentError)) throw cause;
    throw new ChartError('CHART_INVALID', `cannot load ${file}: ${cause.message}`, { cause });
  }
}

/**
 * Cleans the texts (white space becomes a blank, what does not print goes; annotations, alias and type stay) and checks them
 * in Helm's order.
 *
 * @throws ChartError `CHART_INVALID`, in Helm's words; see {@link checkChartName} for what Helm accepts
 */
export function validateMetadata(draft: MetadataDraft): ChartMetadata {
  const name = sanitize(draft.name ?? '');
  const { apiVersion = '', version = '', type = '' } = draft;
  if (apiVersion === '') throw invalid('chart.metadata.apiVersion is required');
  if (name === '') throw invalid('chart.metadata.name is required');
  if (version === '') throw invalid('chart.metadata.version is required');
  if (!isChartVersion(version)) throw invalid(`chart.metadata.version ${quote(version)} is invalid`);
  if (!['', 'application', 'library'].includes(type)) {
    throw invalid('chart.metadata.type must be application or library');
  }
  const maintainers = draft.maintainers?.map(cleanMaintainer);
  const dependencies = draft.dependencies?.map(cleanDependency);
  checkChartName(name);
  return withoutEmpty({
    name,
    home: sanitize(draft.home ?? ''),
    sources: draft.sources?.map(sanitize),
    version,
    description: sanitize(draft.description ?? ''),
    keywords: draft.keywords?.map(sanitize),
    maintainers,
    icon: sanitize(draft.icon ?? ''),
    apiVersion,
    condition: sanitize(draft.condition ?? ''),
    tags: sanitize(draft.tags ?? ''),
    appVersion: sanitize(draft.appVersion ?? ''),
    deprecated: draft.deprecated,
    annotations: Object.fromEntries(draft.annotations ?? []),
    kubeVersion: sanitize(draft.kubeVersion ?? ''),
    dependencies,
    type,
  }) as ChartMetadata;
}

function cleanMaintainer(maintainer: ChartMaintainer | null): ChartMaintainer {
  if (maintainer === null) throw invalid('chart.metadata.maintainers holds an empty entry');
  const { name = '', email = '', url = '' } = maintainer;
  return withoutEmpty({ name: sanitize(name), email: sanitize(email), url: sanitize(url) }) as ChartMaintainer;
}

function cleanDependency(dependency: Partial<ChartDependency> | null): ChartDependency {
  if (dependency === null) throw invalid('chart.metadata.dependencies holds an empty entry');
  const name = sanitize(dependency.name ?? '');
  const { alias = '' } = dependency;
  if (alias !== '' && !/^[a-zA-Z0-9_-]+$/.test(alias)) {
    throw invalid(`dependency ${quote(name)} has disallowed characters in the alias`);
  }
  const repository = sanitize(dependency.repository ?? '');
  return {
    name,
    repository,
    ...withoutEmpty({
      version: sanitize(dependency.version ?? ''),
      condition: sanitize(dependency.condition ?? ''),
      tags: dependency.tags?.map(sanitize),
      enabled: dependency.enabled,
      'import-values': dependency['import-values'],
      alias,
    }),
  };
}

function withoutEmpty(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

function invalid(problem: string): ChartError {
  return new ChartError('CHART_INVALID', `validation: ${problem}`);
}
