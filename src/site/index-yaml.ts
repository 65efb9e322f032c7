/**
 * The index of a chart repository.
 *
 *     apiVersion: v1
 *     entries:
 *       "web":
 *         - apiVersion: "v2"
 *           keywords: ["http"]
 *           ...
 *           created: "2026-01-02T03:04:05.678Z"
 *           digest: "ab12..."
 *           urls: ["charts/web-1.2.0.tgz"]
 *     generated: "2026-01-02T03:04:06.000Z"
 *
 * Every value is JSON, which is YAML too, for every reader since Helm 2; docs/decisions.md says why. Addresses are relative, so
 * that the repository works by any name and behind any proxy.
 * https://helm.sh/docs/topics/chart_repository/#the-index-file
 */
import type { ChartMetadata } from '../chart/metadata.js';
import type { ChartContent } from './catalog.js';
import type { OfferedChart, Scope } from './scope.js';
import { cleanLine, cleanLines } from './texts.js';
import { Turns } from './turns.js';

/** Characters of one chart's metadata, beyond which only the most important of it is in the index. */
const ENTRY_LIMIT = 64 * 1024;
/** Characters up to which YAML readers find the colon after a key. */
const KEY_LIMIT = 500;
const MAX_NOTES = 100;
/** Characters that are made bytes at once. */
const CHUNK = 256 * 1024;

/** What was made of charts before. A chart is in the index as it was, whatever comes and goes beside it. */
export type KnownEntries = WeakMap<ChartContent, string>;

/** Formats an index; others get their turn while it does. @returns its pieces */
export async function formatIndexYaml(
  { charts, ambiguities }: Scope,
  generated: Date,
  known: KnownEntries = new WeakMap(),
): Promise<Buffer[]> {
  const notes = ambiguities
    .slice(0, MAX_NOTES)
    .map(
      ({ name, version, repositories }) =>
        `# Not here, because it is not the same everywhere: ${name} ${version} of ${repositories.slice(0, 8).join(', ')}\n`,
    );
  if (ambiguities.length > MAX_NOTES) notes.push(`# ... and ${ambiguities.length - MAX_NOTES} more\n`);
  const pieces: Buffer[] = [];
  let text = `${notes.join('')}apiVersion: v1\n${charts.length === 0 ? 'entries: {}\n' : 'entries:\n'}`;
  const turns = new Turns();
  let name: string | undefined;
  for (const chart of charts) {
    if (chart.name !== name) text += `  ${toJson(chart.name)}:\n`;
    name = chart.name;
    text += `${entryOf(chart, known)}      urls: ${toJson([urlOf(chart)])}\n`;
    if (text.length > CHUNK) {
      pieces.push(Buffer.from(text));
      text = '';
    }
    if (turns.isOver) await turns.give();
  }
  pieces.push(Buffer.from(`${text}generated: ${toJson(generated.toISOString())}\n`));
  return pieces;
}

/** `charts/web-1.2.0.tgz`, or with the archive's hash where that could be another chart, too. */
function urlOf({ file, hasOwnFile, content }: OfferedChart): string {
  return `charts/${hasOwnFile ? '' : `${content.sha256}/`}${encodeURIComponent(file)}`;
}

/** All but the address, which depends on what else is offered. */
function entryOf({ content, name, version }: OfferedChart, known: KnownEntries): string {
  const before = known.get(content);
  if (before !== undefined) return before;
  const entry = formatEntry(content, name, version);
  known.set(content, entry);
  return entry;
}

function formatEntry({ metadata, created, sha256 }: ChartContent, name: string, version: string): string {
  const fixed = { created: created.toISOString(), digest: sha256 };
  const { annotations, ...others } = metadata;
  const whole = format({ ...others, name, version }, annotations, fixed);
  if (whole.length <= ENTRY_LIMIT) return whole;
  const { apiVersion, appVersion, kubeVersion, type, deprecated } = metadata;
  const short = { apiVersion, appVersion, kubeVersion, type, deprecated, name, version };
  const fits = Object.entries(short).filter(([, value]) => typeof value !== 'string' || value.length <= KEY_LIMIT);
  return format(Object.fromEntries(fits), undefined, fixed);
}

function format(metadata: object, annotations: ChartMetadata['annotations'], fixed: object): string {
  const lines = Object.entries(metadata).flatMap(([field, value]) =>
    value === undefined ? [] : `${field}: ${cleanJson(value)}\n`,
  );
  if (annotations) lines.push(`annotations: ${toJson(cleanAnnotations(annotations))}\n`);
  for (const [field, value] of Object.entries(fixed)) lines.push(`${field}: ${toJson(value)}\n`);
  return `    - ${lines.join('      ')}`;
}

/** JSON of nothing but printable ASCII: that is clean. */
const PLAIN = /^(?:[\x20-\x5b\x5d-\x7e]|\\["\\])*$/;

function cleanJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length <= KEY_LIMIT && PLAIN.test(json) ? json : toJson(clean(value));
}

function cleanAnnotations(annotations: Readonly<Record<string, string>>): object {
  return Object.fromEntries(
    Object.entries(annotations)
      .filter(([key]) => key.length <= KEY_LIMIT)
      .map(([key, value]) => [cleanLine(key), cleanLines(value)]),
  );
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return cleanLine(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === undefined || key.length > KEY_LIMIT ? [] : [[cleanLine(key), clean(item)]],
    ),
  );
}

/** JSON that is YAML, too: YAML holds some characters in their escaped form only. */
function toJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
