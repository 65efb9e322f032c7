/**
 * Tags that are versions. A tag cannot hold `+`, so build metadata follows a `_` on the wire, as in Helm 3.8 (`wireTag` in oci/reference.ts).
 *
 *     1.2.0_build.7     the version 1.2.0+build.7
 *     v1.2.0            a version
 *     1.2               a version, unless 1.2.0 or 1.2.1 ... lies beside it: then it is a name that moves along with them
 *     latest            none
 */
import { compareBytes } from './byte-order.js';
import { type ChartVersion, compareVersions, parseVersion } from './version.js';
import type { VersionRange } from './version-range.js';

/** A tag with the version that it stands for. */
export interface VersionTag {
  /** As the registry has it. */
  readonly tag: string;
  readonly version: ChartVersion;
}

export interface SortedTags {
  /** Newest first. */
  readonly versions: readonly VersionTag[];
  /** Tags that are no version, by name. */
  readonly others: readonly string[];
}

/**
 * The version that a tag stands for, or undefined.
 *
 * @example
 * ```ts
 * import { tagToVersion } from 'helm-chart-cache';
 *
 * console.log(tagToVersion('1.2.3_build.7')?.text); // 1.2.3+build.7
 * ```
 */
export function tagToVersion(tag: string): ChartVersion | undefined {
  return parseVersion(tag.replace('_', '+'));
}

/**
 * Sorts tags by the versions that they stand for.
 *
 * @example
 * ```ts
 * import { sortTags } from 'helm-chart-cache';
 *
 * const { versions, others } = sortTags(['latest', '1.9.0', '1.10.0_build.1']);
 * console.log(versions.map(({ version }) => version.text).join(), others.join()); // 1.10.0+build.1,1.9.0 latest
 * ```
 */
export function sortTags(tags: Iterable<string>): SortedTags {
  const versions: VersionTag[] = [];
  const others: string[] = [];
  const unique = new Set(tags);
  for (const tag of unique) {
    const version = tagToVersion(tag);
    if (version === undefined) others.push(tag);
    else versions.push({ tag, version });
  }
  const whole = new Set(versions.flatMap(({ version }) => stems(version)));
  const moves = ({ version }: VersionTag): boolean => whole.has(stem(version, version.precision));
  return {
    versions: versions
      .filter((entry) => !moves(entry))
      .sort((a, b) => compareVersions(b.version, a.version) || compareBytes(a.tag, b.tag)),
    others: [...others, ...versions.filter(moves).map(({ tag }) => tag)].sort(compareBytes),
  };
}

/** `1` and `1.2` for 1.2.3; `1-alpine` and `1.2-alpine` for 1.2.3-alpine. */
function stems(version: ChartVersion): string[] {
  return [1, 2].filter((length) => length < version.precision).map((length) => stem(version, length));
}

function stem({ major, minor, patch, prerelease }: ChartVersion, length: number): string {
  return `${[major, minor, patch].slice(0, length).join('.')}-${prerelease}`;
}

/**
 * The highest version that fits. A version that is written exactly as the range is comes first: that tells 1.0.0+a from
 * 1.0.0+b, which are equal by precedence.
 *
 * @example
 * ```ts
 * import { highestMatch, parseVersionRange, sortTags } from 'helm-chart-cache';
 *
 * const { versions } = sortTags(['1.0.0', '1.10.0', '1.9.0', 'latest']);
 * console.log(highestMatch(versions, parseVersionRange('~1'))?.tag); // 1.10.0
 * ```
 */
export function highestMatch(versions: readonly VersionTag[], range: VersionRange): VersionTag | undefined {
  const exact = versions.find(({ version }) => version.text === range.text.trim());
  return exact ?? versions.find(({ version }) => range.matches(version));
}
