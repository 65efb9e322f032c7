/** Which names and versions of a source are taken. */
import { compareVersions, parseVersion } from '../../chart/version.js';
import { parseVersionRange } from '../../chart/version-range.js';
import { sortTags } from '../../chart/version-tags.js';
import { isAttachmentTag } from '../../oci/referrers.js';
import { patternTest } from '../pattern.js';
import type { MirrorEntry } from './types.js';

/** Versions newest first, and how many prereleases were left out for being that. */
export interface Selected<Version> {
  readonly versions: readonly Version[];
  readonly prereleases: number;
}

export type VersionRule = Pick<MirrorEntry, 'version' | 'limit' | 'prerelease'>;

/** Tags as a registry has them. Tags that move, such as `latest` or `1.2` beside `1.2.0`, are none of a mirror's. */
export function selectTags(tags: Iterable<string>, rule: VersionRule): Selected<{ tag: string; version: string }> {
  const { versions } = sortTags([...tags].filter((tag) => !isAttachmentTag(tag)));
  const candidates = versions.map(({ tag, version }) => ({ tag, version: version.text }));
  return selectVersions(candidates, rule);
}

/** @param candidates in any order; what is no version is passed over */
export function selectVersions<Candidate extends { readonly version: string }>(
  candidates: readonly Candidate[],
  { version: text, limit, prerelease = false }: VersionRule,
): Selected<Candidate> {
  const sorted = candidates
    .flatMap((candidate) => {
      const parsed = parseVersion(candidate.version);
      return parsed === undefined ? [] : [{ candidate, parsed }];
    })
    .sort((a, b) => compareVersions(b.parsed, a.parsed));
  const cut = (found: typeof sorted): Candidate[] => found.slice(0, limit).map(({ candidate }) => candidate);
  if (text === undefined) {
    const taken = sorted.filter(({ parsed }) => prerelease || parsed.prerelease === '');
    return { versions: cut(taken), prereleases: sorted.length - taken.length };
  }
  // Build metadata does not count in a range: 1.0.0+a is told from 1.0.0+b by being written out.
  const exact = sorted.filter(({ parsed }) => parsed.text === text.trim());
  if (exact.length > 0) return { versions: cut(exact), prereleases: 0 };
  const range = parseVersionRange(text, { prerelease });
  return { versions: cut(sorted.filter(({ parsed }) => range.matches(parsed))), prereleases: 0 };
}

/** @param paths more than one way to call the same chart: its name, its path */
export function isWanted({ name, include = [], exclude = [] }: MirrorEntry, ...paths: readonly string[]): boolean {
  const fits = (pattern: string): boolean => paths.some(patternTest(pattern));
  if (name !== undefined && !fits(name)) return false;
  return (include.length === 0 || include.some(fits)) && !exclude.some(fits);
}
