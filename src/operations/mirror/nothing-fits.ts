/** Why an entry finds nothing, a chart that is not there told from a version that is not, and what there is instead. */
import { nearestVersions } from '../../chart/nearest-versions.js';
import { parseVersionRange, type VersionRange } from '../../chart/version-range.js';
import { sortTags } from '../../chart/version-tags.js';
import { ChartError } from '../../errors.js';
import { nearNames } from '../near-names.js';
import { isPattern } from '../pattern.js';
import type { MirrorEntry } from './types.js';

/** Names that are told where none is near. */
const NAMES_TOLD = 5;

/** @param names what there is */
export function noSuchChart(
  { name, include = [] }: Pick<MirrorEntry, 'name' | 'include'>,
  reason: string,
  names: Iterable<string>,
): ChartError {
  const all = [...new Set(names)].sort();
  const wishes = name === undefined ? include : [name];
  const near = wishes.filter((wish) => !isPattern(wish)).flatMap((wish) => nearNames(wish, all));
  const told =
    all.slice(0, NAMES_TOLD).join(', ') + (all.length > NAMES_TOLD ? ` and ${all.length - NAMES_TOLD} more` : '');
  const hint =
    near.length > 0 ? `Did you mean ${near.join(' or ')}?` : all.length > 0 ? `There is ${told}.` : undefined;
  return new ChartError('CHART_NOT_FOUND', [reason, ...wishes.map((wish) => JSON.stringify(wish))].join(' '), { hint });
}

/**
 * @param what where the charts are, or the one chart
 * @param charts what versions there are of each, as far as it is known
 * @param prereleases how many of these were left out for being that
 */
export function noSuchVersion(
  { version, prerelease }: Pick<MirrorEntry, 'version' | 'prerelease'>,
  what: string,
  charts: ReadonlyMap<string, readonly string[]>,
  prereleases: number,
): ChartError {
  if (version === undefined) {
    return new ChartError('CHART_NOT_FOUND', `${what} has no version that fits`, {
      hint: prereleases > 0 ? 'Prereleases are taken with --prerelease (prerelease: true) only.' : undefined,
    });
  }
  const range = parseVersionRange(version, { prerelease });
  const told = [...charts].slice(0, NAMES_TOLD).map(([name, versions]) => {
    const nearest = nearestEligible(versions, range);
    return charts.size > 1 ? `${name}: ${nearest ?? 'no version at all.'}` : nearest;
  });
  if (charts.size > NAMES_TOLD) told.push(`and ${charts.size - NAMES_TOLD} more`);
  const hint = told.filter((line) => line !== undefined).join('\n') || undefined;
  const words =
    charts.size > 1
      ? `none of ${charts.size} charts of ${what} has a version that fits`
      : `${what} has no version that fits`;
  return new ChartError('CHART_NOT_FOUND', `${words} ${JSON.stringify(version)}`, { hint });
}

/** What could be taken by another range: prereleases only where this one takes them, or where there is nothing else. */
function nearestEligible(versions: readonly string[], range: VersionRange): string | undefined {
  const all = sortTags(versions).versions;
  const releases = all.filter((each) => range.includesPrereleases || each.version.prerelease === '');
  const [newest] = all;
  if (newest === undefined) return undefined;
  if (releases.length === 0)
    return `There are prereleases only, such as ${newest.version.text}; --prerelease takes them.`;
  const near = nearestVersions(releases, range).map((each) => each.version.text);
  return `The nearest ${near.length === 1 ? 'is' : 'are'} ${near.join(', ')}.`;
}
