/** index.yaml, read as a stream: only what is known of the wanted charts is kept. */
import type { Readable } from 'node:stream';
import { CORE_SCHEMA, load, YAMLException } from 'js-yaml';
import { ChartError, isChartError } from '../errors.js';
import { isRecord } from '../oci/descriptor.js';
import { type BrokenEntry, type IndexedChart, readIndexEntry, versionOf } from './index-entry.js';
import { type IndexPiece, IndexSplitter } from './index-splitter.js';
import { splitJson } from './json-splitter.js';

export interface RepositoryIndex {
  /** By name, in the order of the file. */
  readonly charts: ReadonlyMap<string, readonly IndexedChart[]>;
  /** Entries of wanted charts that cannot be used. */
  readonly broken: readonly BrokenEntry[];
}

export interface ReadIndexOptions {
  /** Names the index in errors. */
  readonly where: string;
  /** Charts to look into; all if absent. */
  readonly wanted?: ((chart: string) => boolean) | undefined;
}

/** Bytes. */
const INDEX_LIMIT = 512 * 1024 * 1024;

/**
 * @throws ChartError `REPOSITORY_INVALID` where the document as a whole is of no use: empty, no YAML, without apiVersion, with
 *   a chart in it twice; `LIMIT_EXCEEDED`; what reading throws
 */
export async function readIndex(content: Readable, options: ReadIndexOptions): Promise<RepositoryIndex> {
  const { where, wanted = () => true } = options;
  const gathering = new Gathering();
  const splitter = new IndexSplitter({ where, wanted, onPiece: (piece) => gathering.addPiece(piece) });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let size = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > INDEX_LIMIT) throw new ChartError('LIMIT_EXCEEDED', `${where} has more than ${INDEX_LIMIT} bytes`);
    splitter.push(decode(decoder, chunk, where));
  }
  splitter.push(decode(decoder, undefined, where));
  const end = splitter.end();
  if ('whole' in end) {
    readWhole(end.whole, where, wanted, gathering);
  } else {
    const head = parseDocument(end.head, where);
    if (head === null && !end.hasEntries) throw unusable(where, 'empty index.yaml file');
    checkHead(head ?? {}, where);
  }
  return gathering.result();
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk: Buffer | undefined, where: string): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw unusable(where, 'it is not UTF-8', cause);
  }
}

function readWhole(text: string, where: string, wanted: (chart: string) => boolean, gathering: Gathering): void {
  const json = splitJson(text);
  const document = parseDocument(json?.head ?? text, where);
  checkHead(document, where);
  for (const { chart, text: versions } of json?.pieces ?? []) {
    if (gathering.isKnown(chart)) throw unusable(where, `it has the chart ${JSON.stringify(chart)} twice`);
    if (wanted(chart)) gathering.addPiece({ chart, text: versions, line: 1 });
  }
  const entries = (document as Record<string, unknown>).entries ?? {};
  if (!isRecord(entries)) throw unusable(where, '"entries" is not a mapping');
  for (const [chart, versions] of Object.entries(entries)) if (wanted(chart)) gathering.addChart(chart, versions);
}

/** JSON too is read as YAML: `JSON.parse` says nothing of a key that is there twice. */
function parseDocument(text: string, where: string): unknown {
  if (/^(?:\s*(?:#.*)?(?:\n|$))*$/.test(text)) return null;
  try {
    return load(text, { schema: CORE_SCHEMA });
  } catch (cause) {
    throw unusable(where, `it is no YAML: ${reasonOf(cause)}`, cause);
  }
}

function checkHead(document: unknown, where: string): void {
  if (document === null) throw unusable(where, 'empty index.yaml file');
  if (!isRecord(document)) throw unusable(where, 'it is not a mapping');
  const { apiVersion } = document;
  if (apiVersion === undefined || apiVersion === null || apiVersion === '') {
    throw unusable(where, 'no API version specified');
  }
}

class Gathering {
  readonly #charts = new Map<string, Map<string, IndexedChart>>();
  readonly #broken: BrokenEntry[] = [];
  readonly #seen = new Set<string>();

  /** True from the second time on. */
  isKnown(chart: string): boolean {
    return this.#seen.has(chart) || !this.#seen.add(chart);
  }

  addPiece({ chart, text, line }: IndexPiece): void {
    let parsed: unknown;
    try {
      parsed = load(text, { schema: CORE_SCHEMA });
    } catch (error) {
      this.#break(chart, undefined, `it is no YAML (from line ${line} on): ${reasonOf(error)}`);
      return;
    }
    this.addChart(chart, parsed);
  }

  addChart(chart: string, versions: unknown): void {
    if (versions === null || versions === undefined) return;
    if (!Array.isArray(versions)) this.#break(chart, undefined, 'it is not a list of versions');
    else for (const value of versions) this.#add(chart, value);
  }

  result(): RepositoryIndex {
    const charts = [...this.#charts].map(([name, versions]) => [name, [...versions.values()]] as const);
    return { charts: new Map(charts.filter(([, versions]) => versions.length > 0)), broken: this.#broken };
  }

  #add(chart: string, value: unknown): void {
    try {
      const entry = readIndexEntry(chart, value);
      const versions = this.#charts.get(entry.name) ?? new Map<string, IndexedChart>();
      this.#charts.set(entry.name, versions);
      if (this.#refuseDuplicate(versions, entry)) return;
      versions.set(entry.version, entry);
    } catch (error) {
      if (!isChartError(error, 'REPOSITORY_INVALID')) throw error;
      this.#break(chart, versionOf(value), error.message);
    }
  }

  /** GHSA-jm56-5h66-w453: of two entries for one version neither is taken, unless both are for the same content. */
  #refuseDuplicate(versions: Map<string, IndexedChart>, entry: IndexedChart): boolean {
    const { name, version, digest } = entry;
    const other = versions.get(version);
    const refused = this.#broken.some((each) => each.duplicate && each.name === name && each.version === version);
    if (refused) return true;
    if (other === undefined) return false;
    if (digest !== undefined && other.digest === digest) return true;
    versions.delete(version);
    this.#break(name, version, 'it stands there twice, with different content', true);
    return true;
  }

  #break(name: string, version: string | undefined, reason: string, duplicate = false): void {
    this.#broken.push({ name, version, reason, duplicate });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof YAMLException)) throw error;
  return error.reason;
}

function unusable(where: string, reason: string, cause?: unknown): ChartError {
  return new ChartError('REPOSITORY_INVALID', `${where} cannot be used: ${reason}`, { cause });
}
