/**
 * Version ranges as Helm reads them.
 * https://github.com/Masterminds/semver/tree/v3.5.0#checking-version-constraints
 *
 *     RANGE       GROUP || GROUP || ...                  any of them
 *     GROUP       COMPARATOR, COMPARATOR ...             all of them; parted by a comma or blanks
 *     COMPARATOR  [OPERATOR] VERSION                     = != > < >= => <= =< ~ ~> ^
 *                 VERSION - VERSION                      from and to, both included
 *     VERSION     where a number may be missing, x, X or *
 *
 * A prerelease fits only a group that has a prerelease in one of its comparators, such as `>=1.0.0-0`.
 */
import { ChartError } from '../errors.js';
import { type ChartVersion, parseVersion } from './version.js';
import { type Comparator, parseComparator, type RangeOperator } from './version-comparator.js';

export interface VersionRange {
  /** As it was written. */
  readonly text: string;
  /** Whether prereleases can fit: by the option, or because a group asks for them. */
  readonly includesPrereleases: boolean;
  /** False too for what is no version. */
  matches(version: string | ChartVersion): boolean;
}

export interface VersionRangeOptions {
  /** Let prereleases fit every group. */
  readonly prerelease?: boolean | undefined;
}

interface Group {
  readonly comparators: readonly Comparator[];
  readonly prereleases: boolean;
}

/** As in Masterminds/semver 3.5. */
const LENGTH_LIMIT = 512;
const GROUPS_LIMIT = 32;

/** The blanks of Go's regular expressions. */
const BLANKS = /[\t\n\f\r ]*/y;
const PARTIAL =
  'v?[0-9xX*|]+(?:\\.[0-9xX*|]+)?(?:\\.[0-9xX*|]+)?(?:-[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?';
const COMPARATOR = new RegExp(`(=>|=<|>=|<=|!=|~>|=|>|<|~|\\^|)[\\t\\n\\f\\r ]*(${PARTIAL})`, 'y');
const HYPHEN = new RegExp(`[\\t\\n\\f\\r ]+-[\\t\\n\\f\\r ]+(${PARTIAL})`, 'y');

/**
 * @throws ChartError `USAGE`, with the part that cannot be read
 *
 * @example
 * ```ts
 * import { parseVersionRange } from 'helm-chart-cache';
 *
 * const range = parseVersionRange('>= 1.2, < 3');
 * console.log(range.matches('2.9.0'), range.matches('3.0.0')); // true false
 * ```
 */
export function parseVersionRange(text: string, { prerelease = false }: VersionRangeOptions = {}): VersionRange {
  if (text.length > LENGTH_LIMIT) throw invalid(text, `it has more than ${LENGTH_LIMIT} characters`);
  const parts = text.split('||');
  if (parts.length > GROUPS_LIMIT) throw invalid(text, `it has more than ${GROUPS_LIMIT} parts between ||`);
  const groups = parts.map((part) => parseGroup(text, part, prerelease));
  return {
    text,
    includesPrereleases: groups.some(({ prereleases }) => prereleases),
    matches(version) {
      const parsed = typeof version === 'string' ? parseVersion(version) : version;
      return parsed !== undefined && groups.some((group) => groupMatches(group, parsed));
    },
  };
}

function groupMatches({ comparators, prereleases }: Group, version: ChartVersion): boolean {
  if (version.prerelease !== '' && !prereleases) return false;
  return comparators.every((comparator) => comparator.matches(version));
}

function parseGroup(range: string, text: string, prerelease: boolean): Group {
  const comparators: Comparator[] = [];
  let position = skip(BLANKS, text, 0);
  /** Helm reads no hyphen range after a single comparator and blanks alone: it wants a comma before it. */
  let hyphenMayFollow = true;
  let commaBefore = false;
  const add = (operator: RangeOperator, version: string): void => {
    const comparator = parseComparator(operator, version);
    if (comparator === undefined) throw invalid(range, `${quote(version)} is no version`);
    comparators.push(comparator);
  };
  do {
    const match = matchAt(COMPARATOR, text, position);
    if (match === undefined) throw invalid(range, expected(text, position));
    const [all, operator, version] = match as unknown as [string, RangeOperator, string];
    position += all.length;
    const hyphen: RegExpExecArray | undefined =
      operator === '' && hyphenMayFollow ? matchAt(HYPHEN, text, position) : undefined;
    if (hyphen === undefined) {
      add(operator, version);
    } else {
      add('>=', version);
      add('<=', hyphen[1] as string);
      position += hyphen[0].length;
    }
    const end = skip(BLANKS, text, position);
    commaBefore = text[end] === ',';
    if (!commaBefore && end === position && end < text.length && hyphen === undefined) {
      throw invalid(range, expected(text, end));
    }
    hyphenMayFollow = commaBefore || hyphen !== undefined;
    position = commaBefore ? skip(BLANKS, text, end + 1) : end;
  } while (position < text.length || commaBefore);
  return { comparators, prereleases: prerelease || comparators.some((comparator) => comparator.prerelease) };
}

function matchAt(expression: RegExp, text: string, position: number): RegExpExecArray | undefined {
  expression.lastIndex = position;
  return expression.exec(text) ?? undefined;
}

function skip(expression: RegExp, text: string, position: number): number {
  return position + (matchAt(expression, text, position)?.[0].length ?? 0);
}

function expected(text: string, position: number): string {
  const rest = text.slice(position).trim();
  return rest === '' ? 'a version is missing' : `${quote(rest)} cannot be read`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

function invalid(range: string, reason: string): ChartError {
  return new ChartError('USAGE', `invalid version range ${quote(range)}: ${reason}`, {
    hint: 'Write it as Helm does: 1.2.3, ^1.2, ~1.2.3, 1.x, ">=1.2 <3", "1.2 - 1.4", or several with || between them.',
  });
}
