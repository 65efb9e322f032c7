/**
 * Chart versions: semantic versions 2.0, loosely, as Helm 3 reads them. `1`, `1.2`, `v1.2.3` and `01.2.3` will do.
 *
 *     [v] MAJOR [.MINOR [.PATCH]] [-PRERELEASE] [+BUILD]
 */
import { compareBytes } from './byte-order.js';

/** A version in its parts. Numbers go up to 2^64 - 1, as in Go: 1.0.20261125093015123 is one that a build server makes. */
export interface ChartVersion {
  /** As it was written. */
  readonly text: string;
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  /** Without its `-`; empty for a release. */
  readonly prerelease: string;
  /** Build metadata without its `+`; empty if there is none. */
  readonly build: string;
  /** How many of the three numbers are written out. */
  readonly precision: 1 | 2 | 3;
}

const VERSION =
  /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

const MAX_NUMBER = 2n ** 64n - 1n;

/** True for what Helm 3.6.3 takes as `version` in a Chart.yaml. */
export function isChartVersion(text: string): boolean {
  return parseVersion(text) !== undefined;
}

/**
 * The parts of a version, or undefined for what is none.
 *
 * @example
 * ```ts
 * import { parseVersion } from 'helm-chart-cache';
 *
 * console.log(parseVersion('1.2.3-rc.1+build.7')?.prerelease); // rc.1
 * ```
 */
export function parseVersion(text: string): ChartVersion | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, major = '0', minor, patch, prerelease = '', build = ''] = match;
  const numbers = [major, minor ?? '0', patch ?? '0'];
  if (numbers.some((number) => parseNumber(number) === undefined) || !isPrerelease(prerelease)) return undefined;
  const [a, b, c] = numbers.map(BigInt) as [bigint, bigint, bigint];
  const precision = minor === undefined ? 1 : patch === undefined ? 2 : 3;
  return { text, major: a, minor: b, patch: c, prerelease, build, precision };
}

/** Digits as a number of 64 bits, or undefined. */
export function parseNumber(digits: string): bigint | undefined {
  if (!/^[0-9]+$/.test(digits)) return undefined;
  const number = BigInt(digits);
  return number > MAX_NUMBER ? undefined : number;
}

/** False where a part is a number with leading zeros. */
function isPrerelease(text: string): boolean {
  return !text.split('.').some((part) => /^0[0-9]+$/.test(part));
}

/** Negative where `a` comes before `b` by precedence, 0 where they are equal; build metadata does not count. */
export function comparePrecedence(a: ChartVersion, b: ChartVersion): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePrereleases(a.prerelease, b.prerelease)
  );
}

/**
 * A total order for lists: precedence; then build metadata, by the same rules as a prerelease, none before any; then how it
 * is written, so that 1.0.0 comes after v1.0.0 and 1.0.
 *
 * @example
 * ```ts
 * import { compareVersions, parseVersion } from 'helm-chart-cache';
 *
 * const versions = ['1.10.0', '1.9.0', '1.10.0-rc.1'].flatMap((text) => parseVersion(text) ?? []);
 * console.log(versions.sort(compareVersions).map(({ text }) => text).join()); // 1.9.0,1.10.0-rc.1,1.10.0
 * ```
 */
export function compareVersions(a: ChartVersion, b: ChartVersion): number {
  return (
    comparePrecedence(a, b) ||
    compareIdentifiers(a.build, b.build) ||
    a.precision - b.precision ||
    b.text.length - a.text.length ||
    compareBytes(a.text, b.text)
  );
}

/** A release comes after its prereleases. */
export function comparePrereleases(a: string, b: string): number {
  if (a === '' || b === '') return (a === '' ? 1 : 0) - (b === '' ? 1 : 0);
  return compareIdentifiers(a, b);
}

function compareIdentifiers(a: string, b: string): number {
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = compareIdentifier(left[i] ?? '', right[i] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

/** Nothing, then numbers by their value, then words by their bytes. */
function compareIdentifier(a: string, b: string): number {
  if (a === '' || b === '') return a.length - b.length;
  const left = parseNumber(a);
  const right = parseNumber(b);
  if (left !== undefined && right !== undefined) return compareNumbers(left, right);
  if (left !== undefined || right !== undefined) return left !== undefined ? -1 : 1;
  return compareBytes(a, b);
}

function compareNumbers(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
