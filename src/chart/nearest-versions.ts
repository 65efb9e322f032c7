/** What to say where no version fits a range: which ones come closest. */
import { type ChartVersion, comparePrecedence, parseVersion } from './version.js';
import type { VersionRange } from './version-range.js';
import type { VersionTag } from './version-tags.js';

/** The numbers that a range speaks of: 1.2.0 and 1.4.0 of `1.2 - 1.4`. */
const BOUND = /(?<![0-9A-Za-z.+-])v?[0-9]+(?:\.[0-9]+){0,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?/g;

/**
 * The versions on both sides of each bound of the range, newest first; the newest where it has no bounds.
 *
 * @param versions newest first; none of them fits
 */
export function nearestVersions(versions: readonly VersionTag[], range: VersionRange): VersionTag[] {
  const bounds = (range.text.match(BOUND) ?? []).flatMap((text) => parseVersion(text) ?? []);
  if (bounds.length === 0) return versions.slice(0, 1);
  const near = new Set(bounds.flatMap((bound) => neighbours(versions, bound)));
  return versions.filter((version) => near.has(version));
}

function neighbours(versions: readonly VersionTag[], bound: ChartVersion): VersionTag[] {
  const below = versions.find(({ version }) => comparePrecedence(version, bound) <= 0);
  const above = versions.findLast(({ version }) => comparePrecedence(version, bound) >= 0);
  return [above, below].flatMap((version) => version ?? []);
}
