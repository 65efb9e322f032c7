/** Why an entry finds nothing, a chart that is not there told from a version that is not, and what there is instead. */
import { nearestVersions } from '../../chart/nearest-versions.js';
import { parseVersionRange } from '../../chart/version-range.js';
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
 * @param what the chart, or several
 * @param versions what there is of it, as far as it is known
 * @param prereleases how many of these were left out for being that
 */
export function noSuchVersion(
  { version }: Pick<MirrorEntry, 'version'>,
  what: string,
  versions: Iterable<string>,
  prereleases: number,
): ChartError {
  if (version === undefined) {
    return new ChartError('CHART_NOT_FOUND', `${what} has no version that fits`, {
      hint: prereleases > 0 ? 'Prereleases are taken with --prerelease (prerelease: true) only.' : undefined,
    });
  }
  const near = nearestVersions(sortTags(versions).versions, parseVersionRange(version)).map(
    (each) => each.version.text,
  );
  return new ChartError('CHART_NOT_FOUND', `${what} has no version that fits ${JSON.stringify(version)}`, {
    hint: near.length > 0 ? `The nearest ${near.length === 1 ? 'is' : 'are'} ${near.join(', ')}.` : undefined,
  });
}
