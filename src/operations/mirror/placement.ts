/**
 * Where a chart goes.
 *
 *     oci://registry.lan/charts            PREFIX: registry.lan/charts/{name}:{version}
 *     oci://registry.lan/mirror/{path}     with placeholders, exactly that
 *     cache                                under the source's own name, as after a pull
 *     cache:team                           PREFIX in the cache
 *     out.bundle.tar                       as cache, in one file
 *
 * An entry's own `target` is the rest of the name below the prefix: `team/{name}`, or a name alone for one chart.
 *
 *     {name}      web             the chart's name
 *     {path}      acme/team/web   the repository in its registry; the name, for a classic repository
 *     {version}   1.4.0
 */
import { isAbsolute, join } from 'node:path';
import { ChartError } from '../../errors.js';
import { formatReference, parseReference, type Reference, withoutPassword } from '../../oci/reference.js';

export interface PlacedChart {
  readonly name: string;
  readonly path: string;
  readonly version: string;
  /** What stands for the chart below a prefix: the name, or what follows the fixed part of a pattern. */
  readonly relative: string;
  /** `HOST/PATH` where a target keeps the names of sources. */
  readonly home: string;
}

export type TargetKind = 'registry' | 'cache' | 'bundle';

export interface TargetPrefix {
  readonly kind: TargetKind;
  /** Before the names; empty where sources keep their own. */
  readonly prefix: string;
  /** Of a bundle. */
  readonly file?: string;
}

const PLACEHOLDER = /\{([^{}]*)\}/g;
const PLACEHOLDERS: readonly string[] = ['name', 'path', 'version'];

/** @throws ChartError `USAGE` */
export function parseTarget(text: string): TargetPrefix {
  if (text.startsWith('bundle:')) return { kind: 'bundle', prefix: '', file: text.slice('bundle:'.length) };
  if (isBundleFile(text)) return { kind: 'bundle', prefix: '', file: text };
  checkTemplate(text);
  if (text === 'cache') return { kind: 'cache', prefix: '' };
  if (text.startsWith('cache:')) return { kind: 'cache', prefix: trimmed(text.slice('cache:'.length)) };
  if (text.startsWith('cache/')) {
    throw new ChartError('USAGE', `${text} names no registry`, {
      hint: `Did you mean cache:${text.slice('cache/'.length)}? A registry is written oci://${text}.`,
    });
  }
  if (/^https?:\/\//i.test(text)) {
    throw new ChartError('USAGE', `${withoutPassword(text)} cannot be written to: a classic repository is only read`, {
      hint: 'Write oci://HOST/PREFIX for a registry; --plain-http where it has no TLS.',
    });
  }
  const prefix = trimmed(text.replace(/^oci:\/\//, ''));
  const sample = expand(prefix, { name: 'x', path: 'x', version: '1.0.0' });
  const probe = prefix.includes('/') ? sample : `${sample}/x`;
  const bare = !text.startsWith('oci://') && !text.includes('/');
  const isHost = parseReference(probe).host !== undefined;
  if (bare || !isHost) {
    const likely = isHost && /:\d+$/.test(prefix) ? `Did you mean oci://${prefix}? ` : '';
    throw new ChartError('USAGE', `${withoutPassword(text)} names no registry`, {
      hint: `${likely}A target is oci://HOST[:PORT]/PREFIX, "cache", or a bundle such as charts.bundle.tar.`,
    });
  }
  return { kind: 'registry', prefix };
}

export function isBundleFile(text: string): boolean {
  return /\.(?:tar|tar\.gz|tar\.zst|bundle)$/i.test(text) && !/^[a-z]+:\/\//i.test(text);
}

/** The target with the path of a bundle, if it is one, relative to a directory. @throws ChartError `USAGE` */
export function targetWithin(directory: string, text: string): string {
  const { kind, file = '' } = parseTarget(text);
  if (kind !== 'bundle' || isAbsolute(file)) return text;
  return text.slice(0, text.length - file.length) + join(directory, file);
}

/** @throws ChartError `USAGE` for a placeholder that there is not */
export function checkTemplate(text: string): void {
  for (const [all, name = ''] of text.matchAll(PLACEHOLDER)) {
    if (PLACEHOLDERS.includes(name)) continue;
    throw new ChartError('USAGE', `${all} in ${JSON.stringify(text)} stands for nothing`, {
      hint: 'Placeholders are {name}, {path} and {version}.',
    });
  }
}

/** The reference of a chart at the target, with its tag. @throws ChartError `REFERENCE_INVALID` */
export function placeChart(
  { prefix }: TargetPrefix,
  template: string | undefined,
  chart: PlacedChart,
): Reference & { tag: string } {
  const own = template === undefined ? undefined : trimmed(expand(template.replace(/^oci:\/\//, ''), chart));
  const text = template?.startsWith('oci://') ? (own as string) : below(prefix, own, chart);
  try {
    const reference = parseReference(text);
    return { ...reference, tag: reference.tag ?? chart.version };
  } catch (error) {
    if (!(error instanceof ChartError)) throw error;
    throw new ChartError(error.code, `${chart.name} ${chart.version} has no place at the target: ${error.message}`, {
      cause: error,
      hint: 'Give the entry a target of its own, such as "target: team/web".',
    });
  }
}

function below(prefix: string, own: string | undefined, chart: PlacedChart): string {
  const start = trimmed(expand(prefix, chart));
  if (own !== undefined) return start === '' ? own : `${start}/${own}`;
  if (start === '') return chart.home;
  return start === prefix ? `${start}/${chart.relative}` : start;
}

function expand(template: string, chart: Pick<PlacedChart, 'name' | 'path' | 'version'>): string {
  return template.replace(PLACEHOLDER, (_, name: 'name' | 'path' | 'version') => chart[name]);
}

function trimmed(text: string): string {
  return text.replace(/\/+$/, '');
}

export function formatPlace(reference: Reference): string {
  return formatReference(reference);
}
