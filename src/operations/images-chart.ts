/** A chart and the charts within it, each with its values as Helm would merge them, for those who look for images in them. */
import { Readable } from 'node:stream';
import { type ArchiveContext, outermost, readArchive } from '../chart/archive/stream.js';
import { decodeYaml } from '../chart/go/json.js';
import { type ChartDependency, type MetadataDraft, parseChartYaml, readMetadata } from '../chart/metadata.js';
import { readYaml, type YamlValue } from '../chart/yaml/values.js';
import { ChartError } from '../errors.js';

export interface ImageChart {
  /** `webshop`, `webshop/charts/redis`: by alias, where it has one. */
  readonly place: string;
  readonly metadata: MetadataDraft;
  /** The chart's own values under those that its parent sets, with the parent's `global`. */
  readonly values: ValueMap;
  readonly templates: ReadonlyMap<string, string>;
  readonly children: readonly ImageChart[];
  /** Keys of the values that belong to charts within. */
  readonly childKeys: ReadonlySet<string>;
  /** The condition or tag by which it is left out, unless values say otherwise. */
  readonly offBy: string | undefined;
}

export type ValueMap = Map<string, YamlValue>;

type Files = Map<string, Buffer>;

const WANTED = /^(?:Chart\.yaml|requirements\.yaml|values\.yaml|templates\/.+)$/;
const WITHIN = /^charts\/([^/_.][^/]*)\/(.+)$/;
const PACKED = /^charts\/[^/_.][^/]*\.tgz$/;

/**
 * @param open starts the packed chart
 * @throws ChartError `CHART_INVALID`, `ARCHIVE_INVALID`, `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`, `CANCELLED`
 */
export async function readImageChart(open: () => Promise<Readable>, signal?: AbortSignal): Promise<ImageChart> {
  const context = outermost({ signal });
  const tree = await readTree(await readFiles(await open(), context), context);
  const [chart] = build(tree, '', new Map(), undefined);
  return chart as ImageChart;
}

async function readFiles(source: Readable, context: ArchiveContext): Promise<Files> {
  const files: Files = new Map();
  let pieces: Buffer[] | undefined;
  let current = '';
  for await (const part of readArchive(source, context)) {
    if (part.kind === 'entry') {
      const { path, isDirectory, size } = part.entry;
      const inner = path.replace(/^(?:charts\/[^/]+\/)+(?=.)/, '');
      if (isDirectory || !(WANTED.test(inner) || PACKED.test(path.slice(path.lastIndexOf('charts/'))))) continue;
      context.budget.addKept(size);
      pieces = [];
      current = path;
    } else if (part.kind === 'content') pieces?.push(Buffer.from(part.bytes));
    else if (pieces) {
      files.set(current, Buffer.concat(pieces));
      pieces = undefined;
    }
  }
  return files;
}

interface Tree {
  readonly metadata: MetadataDraft;
  readonly values: ValueMap;
  readonly templates: ReadonlyMap<string, string>;
  readonly charts: readonly Tree[];
}

async function readTree(files: Files, context: ArchiveContext): Promise<Tree> {
  context.budget.checkDepth(context.depth, 'levels of charts within charts');
  const chartYaml = files.get('Chart.yaml');
  if (!chartYaml) throw new ChartError('CHART_INVALID', 'Chart.yaml file is missing');
  let metadata = parseChartYaml(chartYaml);
  const requirements = files.get('requirements.yaml');
  if (requirements) metadata = readMetadata('requirements.yaml', requirements, metadata);
  const within = new Map<string, Files>();
  const charts: Tree[] = [];
  const deeper = { ...context, depth: context.depth + 1 };
  for (const [path, bytes] of files) {
    const match = WITHIN.exec(path);
    if (match) {
      const members = within.get(match[1] as string) ?? new Map();
      members.set(match[2] as string, bytes);
      within.set(match[1] as string, members);
    } else if (PACKED.test(path)) {
      const packed = await readFiles(Readable.from([bytes], { objectMode: false }), deeper);
      charts.push(await readTree(packed, deeper));
    }
  }
  for (const members of within.values()) if (members.has('Chart.yaml')) charts.push(await readTree(members, deeper));
  const templates = [...files]
    .filter(([path]) => path.startsWith('templates/'))
    .map(([path, bytes]) => [path, bytes.toString('utf8')] as const);
  return { metadata, values: readValues(files.get('values.yaml')), templates: new Map(templates), charts };
}

function readValues(bytes: Buffer | undefined): ValueMap {
  if (!bytes) return new Map();
  // In Helm's words, where it is no mapping.
  decodeYaml(bytes, { kind: 'map', type: 'map[string]interface {}', item: { kind: 'unread', type: 'interface {}' } });
  const { value } = readYaml(bytes);
  return value instanceof Map ? value : new Map();
}

/** A chart once for each name that its parent gives it. */
function build(tree: Tree, prefix: string, above: ValueMap, parent: Tree | undefined): ImageChart[] {
  const name = tree.metadata.name ?? '';
  const uses = (parent?.metadata.dependencies ?? []).filter(
    (one): one is Partial<ChartDependency> => one !== null && one.name === name,
  );
  return (uses.length > 0 ? uses : [undefined]).map((use) => {
    const key = use?.alias || name;
    const given = parent ? above.get(key) : undefined;
    const values = merge(tree.values, given instanceof Map ? given : new Map());
    const global = parent ? above.get('global') : undefined;
    const own = values.get('global');
    if (global instanceof Map) values.set('global', merge(own instanceof Map ? own : new Map(), global));
    const place = prefix === '' ? key : `${prefix}/charts/${key}`;
    const children = tree.charts.flatMap((chart) => build(chart, place, values, tree));
    const childKeys = new Set(children.map((child) => child.place.slice(child.place.lastIndexOf('/') + 1)));
    return {
      place,
      metadata: tree.metadata,
      values,
      templates: tree.templates,
      children,
      childKeys,
      offBy: use && offBy(use, above),
    };
  });
}

/** The second over the first, map by map; null takes a key away. */
function merge(under: ValueMap, over: ValueMap): ValueMap {
  const merged = new Map(under);
  for (const [key, value] of over) {
    const below = merged.get(key);
    if (value === null) merged.delete(key);
    else merged.set(key, value instanceof Map && below instanceof Map ? merge(below, value) : value);
  }
  return merged;
}

/** The first path of the condition that is set decides; then the tags, of which one is enough. */
function offBy({ condition, tags }: Partial<ChartDependency>, values: ValueMap): string | undefined {
  for (const path of condition?.split(',') ?? []) {
    const value = valueAt(values, path.trim().split('.'));
    if (typeof value === 'boolean') return value ? undefined : path.trim();
  }
  const set = values.get('tags');
  const states = (tags ?? []).map((tag) => (set instanceof Map ? set.get(tag) : undefined));
  return states.includes(false) && !states.includes(true) ? `tags.${tags?.[states.indexOf(false)]}` : undefined;
}

export function valueAt(values: YamlValue, path: readonly string[]): YamlValue | undefined {
  let value: YamlValue | undefined = values;
  for (const key of path) value = value instanceof Map ? value.get(key) : undefined;
  return value;
}
