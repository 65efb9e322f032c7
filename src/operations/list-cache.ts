/**
 * What `list` found out before, so that it need not read two files for each of ten thousand charts, nor index.json entry by entry.
 *
 *     {"charts":[["sha256:MANIFEST","STAMP","sha256:LAYER",SIZE,"web","1.2.3"],["sha256:MANIFEST","STAMP"],...],
 *      "index":"VERSION","refs":["registry.example.com/team/web:1.2.3",...],"of":[0,...]}
 *
 * `charts`: what holds for content, which cannot change under its digest, and only as long as the file of the manifest is the one
 * that was read and compared with its digest then. One of two members only is no chart. Whether the layer is there, how large it is and
 * when it came is asked of the disk each time. The config is not looked at again: where it is damaged or gone since, name and version stay those
 * that it said while it could be read.
 *
 * `refs`: all names of the index.json that has the version `index`, in the order of the list, `of`: which of `charts` each names. Where one of
 * these is not as it was, index.json is read after all.
 */
import type { DerivedFile, Layout } from '../layout/layout.js';
import { type Digest, isDigest } from '../oci/digest.js';
import type { ListedChart } from './summary.js';

const FILE: DerivedFile = { name: 'list-cache', kind: 'chart-list-3' };
/** Names from which on it is worth writing down what is known. */
export const ENOUGH = 200;
/** New charts from which on that is so where the names are not written too. */
const ENOUGH_NEW = 50;

/** What is known of a chart by its manifest's digest. */
export interface KnownChart {
  readonly layer: Digest;
  /** Bytes that the layer should have. */
  readonly size: number;
  readonly name: string;
  readonly version: string;
}

/** What a name in index.json stands for. */
export interface Named {
  readonly ref: string;
  readonly digest: Digest;
}

interface NamesOfIndex {
  readonly index: string;
  readonly names: readonly Named[];
}

type Line = readonly [manifest: Digest, stamp: string, layer?: Digest, size?: number, name?: string, version?: string];

export class ListCache {
  readonly #layout: Layout;
  readonly #content: Content;
  #lines: ReadonlyMap<Digest, Line> | undefined;
  readonly #used = new Map<Digest, Line>();
  #fresh = 0;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#content = readContent(layout);
  }

  /** Version of the index.json that {@link charts} has the names of. */
  get index(): string | undefined {
    return this.#content.index;
  }

  /** The charts whose names fit, in order; undefined where one of them has to be read anew. */
  charts(matches: (name: string) => boolean): ListedChart[] | undefined {
    const { charts, refs, of } = this.#content;
    const known: (Facts | 'no chart' | undefined)[] = [];
    const listed: ListedChart[] = [];
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i] as string;
      if (!matches(ref)) continue;
      const position = of[i];
      if (!isPosition(position, charts)) return undefined;
      let facts = known[position];
      if (facts === undefined) {
        facts = this.#facts(charts[position]);
        if (facts === undefined) return undefined;
        known[position] = facts;
      }
      if (facts === 'no chart') continue;
      const { digest, size, name, version, created } = facts;
      listed.push({ ref, digest, size, name, version, created });
    }
    return listed;
  }

  #facts(line: unknown): Facts | 'no chart' | undefined {
    if (!isLine(line) || this.#layout.blobStamp(line[0]) !== line[1]) return undefined;
    const known = chartOf(line);
    if (known === 'no chart') return known;
    const { layer, size: promised, name, version } = known;
    const file = this.#layout.findBlobFile(layer);
    if (file?.size !== promised) return undefined;
    return { digest: line[0], size: promised, name, version, created: file.created };
  }

  /** Undefined where nothing is known, or the files are not those that it was learnt from. */
  find(manifest: Digest): KnownChart | 'no chart' | undefined {
    const line = this.#known().get(manifest);
    if (line === undefined || this.#layout.blobStamp(manifest) !== line[1]) return undefined;
    this.#used.set(manifest, line);
    return chartOf(line);
  }

  /**
   * Notes what was read just now.
   *
   * @param stamp of the manifest's file, from before it was read
   */
  add(manifest: Digest, stamp: string | undefined, known: KnownChart | 'no chart'): void {
    if (stamp === undefined) return;
    const facts = known === 'no chart' ? [] : [known.layer, known.size, known.name, known.version];
    this.#used.set(manifest, [manifest, stamp, ...facts] as unknown as Line);
    this.#fresh += 1;
  }

  /**
   * Writes down what is known of the manifests of this run and, unless these are all that there are, of the others.
   *
   * @param names those of index.json in their order, where all of them could be read
   */
  async keep({ isAll, names }: { isAll: boolean; names: NamesOfIndex | undefined }): Promise<void> {
    const lines = isAll ? this.#used : new Map([...this.#known(), ...this.#used]);
    const charts = [...lines.values()];
    const listed = isAll && names ? namesOf(names, charts) : undefined;
    if (!listed && this.#fresh < ENOUGH_NEW) return;
    await this.#layout.writeDerived(FILE, JSON.stringify({ charts, ...listed }));
  }

  #known(): ReadonlyMap<Digest, Line> {
    this.#lines ??= new Map(this.#content.charts.filter(isLine).map((line) => [line[0], line]));
    return this.#lines;
  }
}

type Facts = Omit<ListedChart, 'ref'>;

interface Content {
  readonly charts: readonly unknown[];
  readonly index: string | undefined;
  readonly refs: readonly unknown[];
  readonly of: readonly unknown[];
}

const NOTHING: Content = { charts: [], index: undefined, refs: [], of: [] };

function readContent(layout: Layout): Content {
  const text = layout.readDerived(FILE);
  if (text === undefined) return NOTHING;
  try {
    const { charts, index, refs, of } = JSON.parse(text);
    if (!Array.isArray(charts)) return NOTHING;
    const hasNames = typeof index === 'string' && isNames(refs) && Array.isArray(of);
    return hasNames && refs.length === of.length ? { charts, index, refs, of } : { ...NOTHING, charts };
  } catch {
    return NOTHING;
  }
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

/** False for what would find something else than an element. */
function isPosition(value: unknown, list: readonly unknown[]): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < list.length;
}

/** Undefined where a name stands for a manifest of which nothing is known. */
function namesOf({ index, names }: NamesOfIndex, lines: readonly Line[]): Omit<Content, 'charts'> | undefined {
  const positions = new Map(lines.map(([manifest], position) => [manifest, position]));
  const of = names.map(({ digest }) => positions.get(digest));
  return of.includes(undefined) ? undefined : { index, refs: names.map(({ ref }) => ref), of };
}

/** False for what this program did not write. */
function isLine(line: unknown): line is Line {
  if (!Array.isArray(line)) return false;
  const [manifest, stamp, layer, size, name, version] = line;
  if (typeof manifest !== 'string' || !isDigest(manifest) || typeof stamp !== 'string') return false;
  if (line.length === 2) return true;
  if (typeof layer !== 'string' || !isDigest(layer) || !Number.isSafeInteger(size)) return false;
  return typeof name === 'string' && typeof version === 'string';
}

function chartOf([, , layer, size, name, version]: Line): KnownChart | 'no chart' {
  return layer === undefined ? 'no chart' : ({ layer, size, name, version } as KnownChart);
}
