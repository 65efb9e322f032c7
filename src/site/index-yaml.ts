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
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { ChartMetadata } from '../chart/metadata.js';
import type { OfferedChart, Scope } from './scope.js';
import { cleanLine, cleanLines } from './texts.js';

/** Milliseconds of work after which others get their turn. */
const SLICE = 8;
/** Characters of one chart's metadata, beyond which only the most important of it is in the index. */
const ENTRY_LIMIT = 64 * 1024;
/** Characters up to which YAML readers find the colon after a key. */
const KEY_LIMIT = 500;
const MAX_NOTES = 100;

/** Formats an index; others get their turn while it does. */
export async function formatIndexYaml({ charts, ambiguities }: Scope, generated: Date): Promise<string> {
  const notes = ambiguities
    .slice(0, MAX_NOTES)
    .map(
      ({ name, version, repositories }) =>
        `# Not here, because it is not the same everywhere: ${name} ${version} of ${repositories.slice(0, 8).join(', ')}\n`,
    );
  if (ambiguities.length > MAX_NOTES) notes.push(`# ... and ${ambiguities.length - MAX_NOTES} more\n`);
  const pieces = [...notes, 'apiVersion: v1\n', charts.length === 0 ? 'entries: {}\n' : 'entries:\n'];
  let began = performance.now();
  let name: string | undefined;
  for (const chart of charts) {
    if (chart.name !== name) pieces.push(`  ${toJson(chart.name)}:\n`);
    name = chart.name;
    pieces.push(entryOf(chart));
    if (performance.now() - began < SLICE) continue;
    await yieldToOthers();
    began = performance.now();
  }
  pieces.push(`generated: ${toJson(generated.toISOString())}\n`);
  return pieces.join('');
}

/** `charts/web-1.2.0.tgz`, or with the archive's hash where that could be another chart, too. */
function urlOf({ file, hasOwnFile, content }: OfferedChart): string {
  return `charts/${hasOwnFile ? '' : `${content.sha256}/`}${encodeURIComponent(file)}`;
}

function entryOf(chart: OfferedChart): string {
  const { content, name, version } = chart;
  const fixed = {
    created: content.created.toISOString(),
    digest: content.sha256,
    urls: [urlOf(chart)],
  };
  const { apiVersion, appVersion, kubeVersion, type, deprecated } = content.metadata;
  const whole = format({ ...cleanMetadata(content.metadata), name, version, ...fixed });
  if (whole.length <= ENTRY_LIMIT) return whole;
  const short = { apiVersion, appVersion, kubeVersion, type, deprecated, name, version };
  const fits = Object.entries(short).filter(([, value]) => typeof value !== 'string' || value.length <= KEY_LIMIT);
  return format({ ...cleanMetadata(Object.fromEntries(fits) as unknown as ChartMetadata), ...fixed });
}

function format(entry: object): string {
  const lines = Object.entries(entry).map(([field, value]) => `${field}: ${toJson(value)}\n`);
  return `    - ${lines.join('      ')}`;
}

function cleanMetadata({ annotations, ...others }: ChartMetadata): object {
  return {
    ...(clean(others) as object),
    ...(annotations && {
      annotations: Object.fromEntries(
        Object.entries(annotations)
          .filter(([key]) => key.length <= KEY_LIMIT)
          .map(([key, value]) => [cleanLine(key), cleanLines(value)]),
      ),
    }),
  };
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
