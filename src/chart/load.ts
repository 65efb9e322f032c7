/**
 * What Helm 3.6.3 checks when it loads a chart to save it: its own files, then each chart in `charts/`, a directory or an
 * archive, in the same way.
 *
 *     Chart.yaml, requirements.yaml -> metadata      values.yaml, Chart.lock, requirements.lock, values.schema.json: sound
 *     charts/kid/...  charts/kid-1.0.0.tgz           charts/_x charts/.x *.prov: not looked at
 */
import { ChartError } from '../errors.js';
import { CHART_LIMITS, type ChartFile, limitExceeded } from './files.js';
import { decodeYaml, type Shape } from './go/json.js';
import { isValidJson } from './go/json-syntax.js';
import { helmLimitWarning } from './helm-limits.js';
import { checkLock } from './lock.js';
import {
  type ChartMetadata,
  type MetadataDraft,
  parseChartYaml,
  readChartFile,
  readMetadata,
  validateMetadata,
} from './metadata.js';
import { checkOnce } from './sound-content.js';

export interface LoadedChart {
  /** With the dependencies of a requirements.yaml. */
  readonly metadata: ChartMetadata;
  /** Sentences for the user, who may carry on. */
  readonly warnings: string[];
  /** Names of charts that it depends on and that are not in `charts/`. */
  readonly missing: readonly string[];
}

const VALUES: Shape = {
  kind: 'map',
  type: 'map[string]interface {}',
  item: { kind: 'unread', type: 'interface {}' },
};

const STRAY_REQUIREMENTS =
  'Dependencies are handled in Chart.yaml since apiVersion "v2". We recommend migrating dependencies to Chart.yaml.';

/**
 * Reads no file that `isLoadedFile` does not name.
 *
 * @param files in the order in which Helm would come across them
 * @throws ChartError `CHART_INVALID`, in Helm's words and of several faults the one that Helm reports, and whatever reading
 *   a file throws
 */
export async function loadChart(files: readonly ChartFile[]): Promise<LoadedChart> {
  const found: Findings = { warnings: [], badSchemas: [] };
  warnOfLimits(files, '', found);
  const { metadata, charts } = await load(files, '', 0, found);
  const [badSchema] = found.badSchemas;
  if (badSchema !== undefined) {
    throw new ChartError('CHART_INVALID', 'failed to save: Invalid JSON in values.schema.json', {
      hint: `The file is ${badSchema}.`,
    });
  }
  const missing = missingDependencies(metadata, charts);
  if (missing.length > 0) found.warnings.push(missingWarning(missing));
  return { metadata, warnings: found.warnings, missing };
}

/** As `helm package` finds them, which fails then; `helm chart save` did not look. */
function missingDependencies({ dependencies = [] }: ChartMetadata, charts: readonly string[]): string[] {
  const missing = dependencies.map(({ name }) => name).filter((name) => !charts.includes(name));
  return [...new Set(missing)];
}

function warnOfLimits(files: readonly ChartFile[], place: string, { warnings }: Findings): void {
  const warning = helmLimitWarning(files, place);
  if (warning !== undefined) warnings.push(warning);
}

/** In the words of `helm package`, with what to do. */
export function missingWarning(names: readonly string[]): string {
  return `found in Chart.yaml, but missing in charts/ directory: ${names.join(', ')}; "helm dependency update" brings them there`;
}

interface Findings {
  readonly warnings: string[];
  /** Helm looks at schemas when all charts are loaded. */
  readonly badSchemas: string[];
}

interface Loaded {
  readonly metadata: ChartMetadata;
  /** The names of the charts in `charts/`. */
  readonly charts: readonly string[];
}

/** @param place of the chart in the whole: '', `charts/kid/`, ... */
async function load(files: readonly ChartFile[], place: string, depth: number, found: Findings): Promise<Loaded> {
  if (depth > CHART_LIMITS.depth) throw limitExceeded('charts within charts', CHART_LIMITS.depth);
  let draft: MetadataDraft | undefined;
  for (const file of files) {
    if (file.path === 'Chart.yaml') draft = parseChartYaml(await read(file), draft);
  }
  const hasChartYaml = draft !== undefined;
  const charts = new Map<string, ChartFile[]>();
  for (const file of files) {
    switch (file.path) {
      case 'Chart.lock':
      case 'requirements.lock':
        checkOnce('lock', await read(file), (bytes) => checkLock(file.path, bytes));
        break;
      case 'values.yaml':
        checkOnce('values', await read(file), (bytes) => readChartFile(file.path, () => decodeYaml(bytes, VALUES)));
        break;
      case 'values.schema.json':
        if (!isValidJson(await read(file))) found.badSchemas.push(place + file.path);
        break;
      case 'requirements.yaml':
        if (draft?.apiVersion !== 'v1') found.warnings.push(STRAY_REQUIREMENTS);
        draft = readMetadata(file.path, await read(file), draft);
        break;
      default:
        sortIntoCharts(file, charts);
    }
  }
  if (draft === undefined) throw missingChartYaml();
  const metadata = validateMetadata(draft);
  if (!hasChartYaml) throw missingChartYaml();
  const names: string[] = [];
  for (const [name, members] of charts) {
    names.push(await loadSubchart(name, members, metadata.name, `${place}charts/${name}`, depth, found));
  }
  return { metadata, charts: names };
}

/** The content, without one UTF-8 byte order mark. */
async function read(file: ChartFile): Promise<Uint8Array> {
  const bytes = await file.read();
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function sortIntoCharts(file: ChartFile, charts: Map<string, ChartFile[]>): void {
  if (!file.path.startsWith('charts/') || extension(file.path) === '.prov') return;
  const name = file.path.split('/', 2)[1]!;
  if (name.startsWith('_') || name.startsWith('.')) return;
  const members = charts.get(name);
  if (members === undefined) charts.set(name, [file]);
  else members.push(file);
}

/** @returns the name that its Chart.yaml gives it */
async function loadSubchart(
  name: string,
  members: readonly ChartFile[],
  parent: string,
  place: string,
  depth: number,
  found: Findings,
): Promise<string> {
  const [first] = members;
  const inner = `charts/${name}/`;
  if (extension(name) === '.tgz' && first!.path !== `charts/${name}`) {
    throw new ChartError(
      'CHART_INVALID',
      `error unpacking tar in ${parent}: expected ${name}, got ${first!.path.slice('charts/'.length)}`,
    );
  }
  try {
    const isPacked = extension(name) === '.tgz';
    const files = isPacked
      ? await first!.unpack()
      : members.filter((file) => file.path.startsWith(inner)).map((file) => within(file, inner.length));
    if (isPacked) warnOfLimits(files, `${place}/`, found);
    return (await load(files, `${place}/`, depth + 1, found)).metadata.name;
  } catch (cause) {
    if (!(cause instanceof ChartError)) throw cause;
    throw new ChartError(cause.code, `error unpacking ${name} in ${parent}: ${cause.message}`, {
      hint: cause.hint,
      cause,
    });
  }
}

function within(file: ChartFile, cut: number): ChartFile {
  return { path: file.path.slice(cut), size: file.size, read: () => file.read(), unpack: () => file.unpack() };
}

function extension(path: string): string {
  const base = path.slice(path.lastIndexOf('/') + 1);
  const dot = base.lastIndexOf('.');
  return dot < 0 ? '' : base.slice(dot);
}

function missingChartYaml(): ChartError {
  return new ChartError('CHART_INVALID', 'Chart.yaml file is missing', {
    hint: 'A chart is a directory with a Chart.yaml, in just that case, that .helmignore does not leave out.',
  });
}
