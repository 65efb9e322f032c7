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
import { isAbsolute, join } from 'node:path';
import { type Document, LineCounter, parseDocument } from 'yaml';
import type { LayerFlavour } from '../../artifact.js';
import { ChartError } from '../../errors.js';
import { contentMistakes } from './content-mistakes.js';
import { EXAMPLE_HINT, invalidFile } from './mistakes.js';
import { targetWithin } from './placement.js';
import { placesOf } from './places.js';
import { schemaMistakes } from './schema-mistakes.js';
import { sourceWithin } from './source-kind.js';
import type { MirrorEntry } from './types.js';
import type { HostSettings, WrittenFile } from './written-file.js';

export type { HostSettings } from './written-file.js';

export interface MirrorFile {
  readonly target: string | undefined;
  readonly flavour: LayerFlavour | undefined;
  readonly registries: ReadonlyMap<string, HostSettings>;
  /** With the defaults filled in. */
  readonly entries: readonly MirrorEntry[];
}

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
  const places = placesOf(document, lines);
  const [syntax] = document.errors;
  if (syntax) throw invalidFile(file, [{ ...places.at(syntax.pos[0]), text: syntaxWords(syntax, text) }]);
  const value: unknown = toValue(document, file);
  const mistakes = schemaMistakes(value, places);
  if (mistakes.length > 0) throw invalidFile(file, mistakes);
  const written = value as WrittenFile;
  const further = contentMistakes(written, places, directory);
  if (further.length > 0) throw invalidFile(file, further);
  const { target, mediaType, defaults = {}, registries = {}, charts } = written;
  return {
    target: target === undefined ? undefined : targetWithin(directory, target),
    flavour: mediaType,
    registries: new Map(Object.entries(registries).map(([host, settings]) => [host, withPaths(settings, directory)])),
    entries: charts.map((entry, index) => ({
      where: `${file}:${places.find(['charts', index, 'source']).line}`,
      ...defaults,
      ...entry,
      source: sourceWithin(directory, entry.source),
      include: listOf(entry.include),
      exclude: listOf(entry.exclude),
    })),
  };
}

const TOO_DEEP = 'it is nested too deep to be read';

/** @throws ChartError `MIRROR_FILE_INVALID` for what is nested so deep that it cannot be read */
function parseText(text: string, file: string, lines: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error', merge: true });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ChartError('MIRROR_FILE_INVALID', `${file}: ${TOO_DEEP}`, { hint: EXAMPLE_HINT, cause });
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

function withPaths(settings: HostSettings, directory: string): HostSettings {
  const paths = (['caFile', 'certFile', 'keyFile'] as const).flatMap((key) => {
    const path = settings[key];
    return path === undefined ? [] : [[key, isAbsolute(path) ? path : join(directory, path)]];
  });
  return { ...settings, ...Object.fromEntries(paths) };
}

function listOf(patterns: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof patterns === 'string' ? [patterns] : patterns;
}
