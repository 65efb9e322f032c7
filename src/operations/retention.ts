/**
 * Which references have had their time.
 *
 * By number: of each repository the newest versions stay. The order is that of `chart tags`, a total one: of versions that are equal
 * but for their build metadata, 1.0.0+2 is newer than 1.0.0+1. Tags that are no versions stay, and so do entries by digest.
 *
 * By age: what is older goes, whatever its tag. How old an entry is says its annotation `org.opencontainers.image.created` in
 * index.json; without one, when its packed chart came into the cache, which is CREATED of `chart list`. Of what cannot tell its age,
 * because it is broken, nothing goes.
 *
 * By both: only what both would take. What is attached to something (signatures, attestations) goes with that, and by no rule here.
 */
import { chartParts, looksLikeChart } from '../artifact.js';
import { sortTags } from '../chart/version-tags.js';
import { isChartError } from '../errors.js';
import type { IndexEntry, Layout } from '../layout/layout.js';
import { isDigest } from '../oci/digest.js';
import { parseManifest } from '../oci/manifest.js';
import { splitName } from '../oci/reference.js';
import { subjectOfTag } from '../oci/referrers.js';

export interface Retention {
  /** Versions that stay of each repository, at least. */
  readonly keepLast?: number | undefined;
  /** Milliseconds: what is not older stays. */
  readonly olderThan?: number | undefined;
}

const CREATED = 'org.opencontainers.image.created';

/** A rule for `planPrune`. @param now milliseconds since 1970 */
export function chooseObsolete(
  layout: Pick<Layout, 'readSmallBlobs' | 'statBlobFile'>,
  { keepLast, olderThan }: Retention,
  now: number,
): (entries: readonly IndexEntry[]) => string[] {
  const ages = new Map<string, number | undefined>();
  const created = (entry: IndexEntry): number | undefined => {
    const key = JSON.stringify(entry.raw);
    if (!ages.has(key)) ages.set(key, createdAt(layout, entry));
    return ages.get(key);
  };
  return (entries) => {
    if (keepLast === undefined && olderThan === undefined) return [];
    const named = new Map(entries.flatMap((entry) => (entry.name === undefined ? [] : [[entry.name, entry]])));
    const beyond = keepLast === undefined ? undefined : beyondLast(named.keys(), keepLast);
    return [...named].flatMap(([name, entry]) => {
      if (subjectOfTag(splitName(name).tag) !== undefined) return [];
      if (beyond && !beyond.has(name)) return [];
      if (olderThan === undefined) return [name];
      const since = created(entry);
      return since !== undefined && now - since > olderThan ? [name] : [];
    });
  };
}

/** Versions that have as many newer ones in their repository. */
function beyondLast(names: Iterable<string>, keepLast: number): ReadonlySet<string> {
  const repositories = new Map<string, Map<string, string>>();
  for (const name of names) {
    const { repository, tag } = splitName(name);
    if (name.includes('@') || tag === '') continue;
    const tags = repositories.get(repository) ?? new Map<string, string>();
    repositories.set(repository, tags.set(tag, name));
  }
  const beyond = new Set<string>();
  for (const tags of repositories.values()) {
    for (const { tag } of sortTags(tags.keys()).versions.slice(keepLast)) beyond.add(tags.get(tag) as string);
  }
  return beyond;
}

/** Milliseconds since 1970. */
function createdAt(
  layout: Pick<Layout, 'readSmallBlobs' | 'statBlobFile'>,
  { name, descriptor }: IndexEntry,
): number | undefined {
  if (descriptor === undefined) return undefined;
  const said = Date.parse(descriptor.annotations?.[CREATED] ?? '');
  if (Number.isFinite(said)) return said;
  try {
    const [bytes] = layout.readSmallBlobs([descriptor]);
    if (!bytes || bytes instanceof Error) return undefined;
    const manifest = parseManifest(bytes, descriptor.mediaType);
    if (!looksLikeChart(manifest) && isDigest(splitName(name ?? '').tag)) return undefined;
    const { digest } = looksLikeChart(manifest) ? chartParts(manifest).layer : descriptor;
    return layout.statBlobFile(digest).created.getTime();
  } catch (error) {
    if (isChartError(error)) return undefined;
    throw error;
  }
}
