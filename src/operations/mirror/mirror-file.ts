/**
 * The file of `chart mirror -f`. Every mistake is told with its place.
 *
 *     version: 1
 *     target: oci://registry.lan/charts
 *     defaults: {limit: 3}
 *     registries: {registry.lan: {username: ci, passwordEnv: REGISTRY_PASSWORD}}
 *     charts:
 *       - {source: https://charts.example.com, name: web, version: ^1.4}
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { Ajv, type ErrorObject } from 'ajv';
import { closest, distance } from 'fastest-levenshtein';
import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { LayerFlavour } from '../../artifact.js';
import { parseVersionRange } from '../../chart/version-range.js';
import { ChartError, isChartError } from '../../errors.js';
import { checkTemplate, parseTarget } from './placement.js';
import { MIRROR_SCHEMA } from './schema.js';
import { sourceKind } from './source-kind.js';
import type { MirrorEntry } from './types.js';

/** How one host is reached, with names of environment variables in place of secrets. */
export interface HostSettings {
  readonly username?: string;
  readonly usernameEnv?: string;
  readonly passwordEnv?: string;
  readonly plainHttp?: boolean;
  readonly insecureSkipTlsVerify?: boolean;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly passCredentials?: boolean;
}

export interface MirrorFile {
  readonly target: string | undefined;
  readonly flavour: LayerFlavour | undefined;
  readonly registries: ReadonlyMap<string, HostSettings>;
  /** With the defaults filled in. */
  readonly entries: readonly MirrorEntry[];
}

interface Written {
  readonly target?: string;
  readonly mediaType?: LayerFlavour;
  readonly defaults?: Partial<MirrorEntry>;
  readonly registries?: Readonly<Record<string, HostSettings>>;
  readonly charts: readonly (Omit<MirrorEntry, 'include' | 'exclude'> & {
    readonly include?: string | readonly string[];
    readonly exclude?: string | readonly string[];
  })[];
}

type Path = readonly (string | number)[];

interface Mistake {
  readonly line: number;
  readonly column: number;
  readonly text: string;
  readonly hint?: string | undefined;
}

/** What the file says at a place, as it is written there. */
interface Places {
  find(path: Path, ofKey?: boolean): Pick<Mistake, 'line' | 'column'>;
  /** Undefined for what is not a plain value. */
  written(path: Path): string | undefined;
}

/** Mistakes told at once. */
const MISTAKES_LIMIT = 20;

/** What to do, told for all mistakes together. */
const CURES_LIMIT = 3;

/** Mistakes that are looked for: where there are more, they are most likely all the same. */
const MISTAKES_SOUGHT = 200;

/**
 * Reads a mirror file.
 *
 * @param file names the file in errors
 * @param directory what relative paths in it are relative to
 * @throws ChartError `MIRROR_FILE_INVALID` with all mistakes, one a line: `FILE:LINE:COLUMN: what`
 *
 * @example
 * ```ts
 * import { parseMirrorFile } from 'helm-chart-cache';
 *
 * const text = `
 * version: 1
 * target: cache
 * charts: [{ source: "oci://127.0.0.1:5000/team/app", version: ^1 }]
 * `;
 * const { target, entries } = parseMirrorFile(text, 'mirror.yaml', '.');
 * console.log(target, entries[0]?.version); // cache ^1
 * ```
 */
export function parseMirrorFile(text: string, file: string, directory: string): MirrorFile {
  const lines = new LineCounter();
  const document = parseText(text, file, lines);
  const [syntax] = document.errors;
  if (syntax) throw invalid(file, [{ ...placeAt(lines, syntax.pos[0]), text: syntaxWords(syntax, text) }]);
  const places: Places = {
    find: (path, ofKey = false) => placeAt(lines, offsetOf(document, path, ofKey)),
    written(path) {
      const node = document.getIn(path, true);
      return isScalar(node) ? (node.source ?? String(node.value)) : undefined;
    },
  };
  const value: unknown = toValue(document, file);
  const mistakes = schemaMistakes(value, places);
  if (mistakes.length > 0) throw invalid(file, mistakes);
  const written = value as Written;
  const further = contentMistakes(written, places, directory);
  if (further.length > 0) throw invalid(file, further);
  const { target, mediaType, defaults = {}, registries = {}, charts } = written;
  return {
    target,
    flavour: mediaType,
    registries: new Map(Object.entries(registries).map(([host, settings]) => [host, withPaths(settings, directory)])),
    entries: charts.map((entry, index) => ({
      where: `${file}:${places.find(['charts', index, 'source']).line}`,
      ...defaults,
      ...entry,
      source: within(directory, entry.source),
      include: listOf(entry.include),
      exclude: listOf(entry.exclude),
    })),
  };
}

const TOO_DEEP = 'it is nested too deep to be read';

/** @throws ChartError `MIRROR_FILE_INVALID` for what is nested so deep that it cannot be read */
function parseText(text: string, file: string, lines: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ChartError('MIRROR_FILE_INVALID', `${file}: ${TOO_DEEP}`, {
      hint: '"chart mirror init" writes an example with every key explained.',
      cause,
    });
  }
}

/** Values that begin with a character that means something in YAML: `version: >=1.0`, `version: *`. */
const UNQUOTED = /^[\s{-]*([A-Za-z]+):\s+([>*|&!%@`][^#"']*?)\s*$/;

function syntaxWords({ code, message, pos }: Document['errors'][number], text: string): string {
  if (message.startsWith('Maximum call stack')) return TOO_DEEP;
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: a mirror file is one';
  const start = text.lastIndexOf('\n', pos[0] - 1) + 1;
  const [line = ''] = text.slice(start, start + 1_000).split('\n', 1);
  const [, key, value] = UNQUOTED.exec(line) ?? [];
  if (key !== undefined) return `put what is special in YAML in quotes: ${key}: ${JSON.stringify(value)}`;
  return message.split('\n', 1)[0] as string;
}

/** Aliases without end, and what is no tree. */
function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new ChartError('MIRROR_FILE_INVALID', `${file}: ${(cause as Error).message}`, { cause });
  }
}

function schemaMistakes(value: unknown, places: Places): Mistake[] {
  // That the schema itself is sound is held by a test: to ask here would take longer than all else.
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true, meta: false, validateSchema: false });
  const validate = ajv.compile(MIRROR_SCHEMA);
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  const told = errors.filter(
    ({ keyword, schemaPath }) => keyword !== 'propertyNames' && !/\/oneOf\/\d/.test(schemaPath),
  );
  return told.slice(0, MISTAKES_SOUGHT).map((error) => {
    const path = pathOf(error.instancePath, value);
    const key =
      error.keyword === 'additionalProperties' ? (error.params.additionalProperty as string) : error.propertyName;
    const full = key === undefined ? path : [...path, key];
    return { ...places.find(full, key !== undefined), text: wordsFor(error, path) + cureFor(error, path, places) };
  });
}

function wordsFor(error: ErrorObject, path: Path): string {
  const { keyword, params, parentSchema = {} } = error;
  const name =
    path.length === 0 ? 'the file' : `"${path.filter((part) => typeof part === 'string').at(-1) ?? path.at(-1)}"`;
  switch (keyword) {
    case 'additionalProperties': {
      const key = params.additionalProperty as string;
      if (key === 'password' || key === 'token')
        return `"${key}" may not stand in the file: name an environment variable with "passwordEnv"`;
      return `unknown key "${key}"${suggestion(key, Object.keys((parentSchema as { properties?: object }).properties ?? {}))}`;
    }
    case 'required':
      return path.length === 0
        ? `"${params.missingProperty}" is missing`
        : `${typeof path.at(-1) === 'number' ? 'the entry' : name} has no "${params.missingProperty}"`;
    case 'const':
      return `${name} must be ${JSON.stringify(params.allowedValue)}`;
    case 'enum':
      return `${name} must be one of ${(params.allowedValues as string[]).join(', ')}`;
    case 'type':
      return `${typeof path.at(-1) === 'number' ? 'an entry' : name} must be ${TYPES[params.type as string] ?? params.type}`;
    case 'oneOf':
      return `${name} must be a text or a list of texts`;
    case 'pattern':
      return error.propertyName === undefined
        ? `${name} is no name of an environment variable`
        : `"${error.propertyName}" is not HOST[:PORT]`;
    case 'minimum':
      return `${name} must be ${params.limit} at least`;
    default:
      return `${name} ${error.message ?? 'is not valid'}`;
  }
}

/** What to write in place of a text that is none. */
function cureFor({ keyword, params, data }: ErrorObject, path: Path, places: Places): string {
  if (keyword !== 'type' || params.type !== 'string') return '';
  const key = path.at(-1);
  if (Array.isArray(data)) return key === 'name' ? '; several stand under "include"' : '';
  const written = typeof data === 'number' || typeof data === 'boolean' ? places.written(path) : undefined;
  return written === undefined ? '' : `: write ${key}: ${JSON.stringify(written)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
};

function suggestion(key: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const near = closest(key, [...known]);
  return distance(key.toLowerCase(), near.toLowerCase()) <= Math.max(1, Math.floor(near.length / 3))
    ? `; did you mean "${near}"?`
    : `; known are ${known.join(', ')}`;
}

/** What a schema cannot say. */
function contentMistakes(file: Written, places: Places, directory: string): Mistake[] {
  const mistakes: Mistake[] = [];
  const check = (path: Path, work: () => void): void => {
    if (mistakes.length === MISTAKES_SOUGHT) return;
    try {
      work();
    } catch (error) {
      if (!isChartError(error)) throw error;
      mistakes.push({ ...places.find(path), text: error.message, hint: error.hint });
    }
  };
  if (file.target !== undefined) check(['target'], () => parseTarget(file.target as string));
  if (file.defaults?.version !== undefined)
    check(['defaults', 'version'], () => parseVersionRange(file.defaults?.version as string));
  for (const [index, { source, version, target }] of file.charts.entries()) {
    if (version !== undefined) check(['charts', index, 'version'], () => parseVersionRange(version));
    if (target !== undefined) check(['charts', index, 'target'], () => checkTemplate(target));
    if (!isPath(source, directory)) check(['charts', index, 'source'], () => sourceKind(source));
  }
  for (const [host, { username, usernameEnv, passwordEnv, certFile, keyFile }] of Object.entries(
    file.registries ?? {},
  )) {
    const at = places.find(['registries', host]);
    const named = username ?? usernameEnv;
    if ((named === undefined) !== (passwordEnv === undefined))
      mistakes.push({ ...at, text: `${host}: a user name and "passwordEnv" belong together` });
    if ((certFile === undefined) !== (keyFile === undefined))
      mistakes.push({ ...at, text: `${host}: "certFile" and "keyFile" belong together` });
  }
  return mistakes;
}

/** `/charts/0/name` */
function pathOf(pointer: string, value: unknown): Path {
  const path: (string | number)[] = [];
  let at = value;
  for (const part of pointer
    .split('/')
    .slice(1)
    .map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'))) {
    path.push(Array.isArray(at) ? Number(part) : part);
    at = (at as Record<string, unknown>)[part];
  }
  return path;
}

/** Where a value stands, or its key; of what is missing, where it should be. */
function offsetOf(document: Document, path: Path, ofKey: boolean): number {
  let node = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
      );
      const key = pair?.key as Node | undefined;
      const value = pair?.value as Node | null | undefined;
      offset = (ofKey && depth === path.length - 1 ? key : (value ?? key))?.range?.[0] ?? offset;
      node = value ?? null;
    } else {
      node =
        ((node as { get?: (key: unknown, keep: boolean) => unknown } | null)?.get?.(part, true) as Node | undefined) ??
        null;
      offset = node?.range?.[0] ?? offset;
    }
  }
  return offset;
}

function placeAt(lines: LineCounter, offset: number): Pick<Mistake, 'line' | 'column'> {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function invalid(file: string, mistakes: readonly Mistake[]): ChartError {
  const sorted = [...mistakes].sort((a, b) => a.line - b.line || a.column - b.column);
  const told = sorted.slice(0, MISTAKES_LIMIT);
  const lines = told.map(({ line, column, text }) => `${file}:${line}:${column}: ${text}`);
  const more = sorted.length - MISTAKES_LIMIT;
  if (more > 0) lines.push(sorted.length >= MISTAKES_SOUGHT ? 'and many more' : `and ${more} more`);
  const cures = new Set(told.map(({ hint }) => hint).filter((hint) => hint !== undefined));
  const hint =
    [...cures].slice(0, CURES_LIMIT).join('\n') || '"chart mirror init" writes an example with every key explained.';
  return new ChartError('MIRROR_FILE_INVALID', lines.join('\n'), { hint });
}

function withPaths(settings: HostSettings, directory: string): HostSettings {
  const paths = (['caFile', 'certFile', 'keyFile'] as const).flatMap((key) => {
    const path = settings[key];
    return path === undefined ? [] : [[key, isAbsolute(path) ? path : join(directory, path)]];
  });
  return { ...settings, ...Object.fromEntries(paths) };
}

/** Whether a source can be nothing but a path: what lies there is seen when it is read. */
function isPath(source: string, directory: string): boolean {
  if (/^[a-z]{2,}:/i.test(source)) return false;
  return !/^[^/\\]+[.:][^/\\]*\/./.test(source) || existsSync(within(directory, source));
}

/** A path is relative to the file. */
function within(directory: string, source: string): string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(source) || source === 'cache' || isAbsolute(source)) return source;
  return join(directory, source);
}

function listOf(patterns: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof patterns === 'string' ? [patterns] : patterns;
}
