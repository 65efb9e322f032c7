/** One comparator of a version range, as Masterminds/semver 3.5 reads it: an operator and a version that may have gaps. */
import { type ChartVersion, comparePrecedence, comparePrereleases, parseVersion } from './version.js';

export type RangeOperator = '' | '=' | '!=' | '>' | '<' | '>=' | '=>' | '<=' | '=<' | '~' | '~>' | '^';

export interface Comparator {
  /** Whether its version has a prerelease. */
  readonly prerelease: boolean;
  matches(version: ChartVersion): boolean;
}

/** A version with what is missing, `x`, `X` or `*` taken as 0. */
interface Bound {
  readonly version: ChartVersion;
  /** The first number that is open. */
  readonly open: 'major' | 'minor' | 'patch' | undefined;
}

type Test = (version: ChartVersion, bound: Bound) => boolean;

const TESTS: Readonly<Record<RangeOperator, Test>> = {
  '': equal,
  '=': equal,
  '!=': notEqual,
  '>': greater,
  '<': (version, bound) => comparePrecedence(version, bound.version) < 0,
  '>=': (version, bound) => comparePrecedence(version, bound.version) >= 0,
  '=>': (version, bound) => comparePrecedence(version, bound.version) >= 0,
  '<=': lessOrEqual,
  '=<': lessOrEqual,
  '~': tilde,
  '~>': tilde,
  '^': caret,
};

/** @returns undefined where `text` is no version with gaps */
export function parseComparator(operator: RangeOperator, text: string): Comparator | undefined {
  const bound = parseBound(text);
  if (bound === undefined) return undefined;
  const test = TESTS[operator];
  return { prerelease: bound.version.prerelease !== '', matches: (version) => test(version, bound) };
}

function parseBound(text: string): Bound | undefined {
  const [, major = '', minor = '', patch = '', prerelease = '', build = ''] =
    /^v?([^.+-]*)(?:\.([^.+-]*))?(?:\.([^.+-]*))?(-[^+]*)?(\+.*)?$/.exec(text) ?? [];
  const open = isOpen(major) ? 'major' : isOpen(minor) ? 'minor' : isOpen(patch) ? 'patch' : undefined;
  const numbers = {
    major: '0.0.0',
    minor: `${major}.0.0`,
    patch: `${major}.${minor}.0`,
    none: `${major}.${minor}.${patch}`,
  };
  const version = parseVersion(`${numbers[open ?? 'none']}${prerelease}${open ? '' : build}`);
  return version && { version, open };
}

function isOpen(part: string): boolean {
  return part === '' || part === 'x' || part === 'X' || part === '*';
}

/** `1.2` and `1.2.x` are `~1.2`. */
function equal(version: ChartVersion, bound: Bound): boolean {
  return bound.open ? tilde(version, bound) : comparePrecedence(version, bound.version) === 0;
}

/** `!=1.2` is what `1.2` is not, but for prereleases, which differ from `1.2` as words do. */
function notEqual(version: ChartVersion, { version: other, open }: Bound): boolean {
  if (open === undefined) return comparePrecedence(version, other) !== 0;
  if (version.major !== other.major) return true;
  if (open === 'minor') return false;
  if (version.minor !== other.minor) return true;
  if (open === 'major') return comparePrecedence(version, other) !== 0;
  return comparePrereleases(version.prerelease, other.prerelease) !== 0;
}

/** `>11` begins at 12, and `>11.1` at 11.2. */
function greater(version: ChartVersion, { version: other, open }: Bound): boolean {
  if (open === undefined || open === 'major') return comparePrecedence(version, other) > 0;
  if (version.major !== other.major) return version.major > other.major;
  return open === 'patch' && version.minor > other.minor;
}

/** `<=11` ends before 12, and `<=11.1` before 11.2. */
function lessOrEqual(version: ChartVersion, { version: other, open }: Bound): boolean {
  if (open === undefined) return comparePrecedence(version, other) <= 0;
  if (version.major !== other.major) return version.major < other.major;
  return open === 'minor' || version.minor <= other.minor;
}

/** The same minor version, or major version where no minor is given. `~0.0.0` is everything. */
function tilde(version: ChartVersion, { version: other, open }: Bound): boolean {
  if (comparePrecedence(version, other) < 0) return false;
  const zero = other.major === 0n && other.minor === 0n && other.patch === 0n;
  if (zero && (open === undefined || open === 'major')) return true;
  return version.major === other.major && (open === 'minor' || version.minor === other.minor);
}

/** No change of the first number that is not 0. */
function caret(version: ChartVersion, { version: other, open }: Bound): boolean {
  if (comparePrecedence(version, other) < 0) return false;
  if (other.major > 0n || open === 'minor') return version.major === other.major;
  if (version.major > 0n) return false;
  if (other.minor > 0n || open === 'patch') return version.minor === other.minor;
  return version.minor === 0n && version.patch === other.patch;
}
