/**
 * Images in a chart's templates. Templates are not run; of a line `image: ...` is asked what can be told without that:
 *
 *     image: busybox:1.36                                           an image
 *     image: "{{ .Values.registry }}/app:{{ .Chart.AppVersion }}"   an image, since the values are known
 *     image: {{ include "app.image" . }}                            in the values, if what the helper uses is; else it may be any
 */
import type { YamlValue } from '../chart/yaml/values.js';
import { type ImageChart, valueAt } from './images-chart.js';
import { formatImage, parseImage } from './images-reference.js';

export interface TemplateImages {
  readonly found: readonly { readonly image: string; readonly where: string }[];
  /** Lines that may name an image that was not found. */
  readonly open: readonly { readonly where: string; readonly text: string }[];
}

const IMAGE_LINE = /^\s*(?:-\s+)?(?:image|"image"|'image')\s*:\s*(\S.*?)\s*$/;
const HELPER_DEPTH = 6;

/**
 * @param reached paths of values where images were found
 * @param helpers the bodies of all `define`s, of the charts around it too
 */
export function imagesInTemplates(
  chart: ImageChart,
  reached: readonly (readonly string[])[],
  helpers: ReadonlyMap<string, string>,
): TemplateImages {
  const found: { image: string; where: string }[] = [];
  const open: { where: string; text: string }[] = [];
  for (const [path, content] of chart.templates) {
    // Helpers count where they are used, and a library has nothing but helpers.
    if (!/\.(?:ya?ml|json)$/.test(path) || /\/_[^/]*$/.test(path) || chart.metadata.type === 'library') continue;
    const lines = withoutComments(content).split(/\r?\n/);
    for (const [index, line] of lines.entries()) {
      const text = IMAGE_LINE.exec(line)?.[1];
      if (text === undefined || text.startsWith('#')) continue;
      const where = `${path}:${index + 1}`;
      const literal = evaluate(chart, text);
      const parsed = literal === undefined ? undefined : parseImage(literal);
      if (parsed) found.push({ image: formatImage(parsed), where });
      else if (!isReached(chart, text, lines.slice(0, index), reached, helpers))
        open.push({ where, text: text.slice(0, 120) });
    }
  }
  return { found, open };
}

/** The bodies of `define`s by name. */
export function helpersOf(charts: readonly ImageChart[]): ReadonlyMap<string, string> {
  const helpers = new Map<string, string>();
  for (const { templates } of charts) {
    for (const content of templates.values()) {
      const pieces = withoutComments(content).split(/\{\{-?\s*define\s+"([^"]+)"\s*-?\}\}/);
      for (let index = 1; index + 1 < pieces.length; index += 2)
        helpers.set(pieces[index] as string, pieces[index + 1] as string);
    }
  }
  return helpers;
}

function withoutComments(content: string): string {
  return content.replace(/\{\{-?\s*\/\*.*?\*\/\s*-?\}\}/gs, (comment) => comment.replace(/[^\n]/g, ''));
}

/** The text with its expressions replaced, if each is a value, a default and quotes; undefined otherwise. */
function evaluate(chart: ImageChart, text: string): string | undefined {
  let isKnown = true;
  const result = text.replace(/\{\{-?\s*(.*?)\s*-?\}\}/g, (_, expression: string) => {
    const value = evaluateExpression(chart, expression);
    if (value === undefined) isKnown = false;
    return value ?? '';
  });
  if (!isKnown || result.includes('{{')) return undefined;
  return result.replace(/\s+#.*$/, '').replace(/^(["'])(.*)\1$/, '$2');
}

function evaluateExpression(chart: ImageChart, expression: string): string | undefined {
  const [first = '', ...pipes] = expression.split('|').map((part) => part.trim());
  let value = operand(chart, first);
  for (const pipe of pipes) {
    const fallback = /^default\s+(\S+|"[^"]*")$/.exec(pipe)?.[1];
    if (fallback !== undefined) value = value || operand(chart, fallback);
    else if (!/^(?:quote|squote|toString|trim)$/.test(pipe)) return undefined;
  }
  return value || undefined;
}

function operand(chart: ImageChart, text: string): string | undefined {
  const literal = /^"([^"{}]*)"$/.exec(text)?.[1];
  if (literal !== undefined) return literal;
  if (/^\$?\.Chart\.AppVersion$/.test(text)) return chart.metadata.appVersion;
  if (/^\$?\.Chart\.Version$/.test(text)) return chart.metadata.version;
  if (/^\$?\.Chart\.Name$/.test(text)) return chart.metadata.name;
  const path = /^\$?\.Values((?:\.\w+)+)$/.exec(text)?.[1];
  const value = path && valueAt(chart.values, path.slice(1).split('.'));
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function isReached(
  chart: ImageChart,
  text: string,
  before: readonly string[],
  reached: readonly (readonly string[])[],
  helpers: ReadonlyMap<string, string>,
): boolean {
  const used = pathsIn(text, helpers, 0);
  if (used.length > 0) return used.some((path) => reached.some((other) => areRelated(path, other)));
  // `.image` within a range or with: the values that it goes through, of which there may be none.
  const block = enclosingBlock(before);
  return pathsIn(block ?? '', helpers, 0).some(
    (path) => isNothing(valueAt(chart.values, path)) || reached.some((other) => areRelated(path, other)),
  );
}

/** The innermost `range` or `with` that is open after these lines. */
function enclosingBlock(lines: readonly string[]): string | undefined {
  const actions = [...lines.join('\n').matchAll(/\{\{-?\s*(end|range|with|if|define|block)\b[^}]*/g)];
  let closed = 0;
  for (const [text, keyword] of actions.reverse()) {
    if (keyword === 'end') closed += 1;
    else if (closed > 0) closed -= 1;
    else if (keyword === 'range' || keyword === 'with') return text;
  }
  return undefined;
}

/** Paths below `.Values` that an expression uses, by itself or through helpers. */
function pathsIn(text: string, helpers: ReadonlyMap<string, string>, depth: number): string[][] {
  const own = [...text.matchAll(/\.Values((?:\.\w+)+)/g)].map((match) => (match[1] as string).slice(1).split('.'));
  if (depth >= HELPER_DEPTH) return own;
  const included = [...text.matchAll(/\b(?:include|template)\s+"([^"]+)"/g)].map(
    (match) => helpers.get(match[1] as string) ?? '',
  );
  // With arguments of its own, a helper is about these.
  if (own.length > 0) return own;
  return included.flatMap((body) => pathsIn(body, helpers, depth + 1));
}

function areRelated(one: readonly string[], other: readonly string[]): boolean {
  const length = Math.min(one.length, other.length);
  return one.slice(0, length).every((key, index) => key === other[index]);
}

function isNothing(value: YamlValue | undefined): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return Array.isArray(value) ? value.length === 0 : value instanceof Map && value.size === 0;
}
