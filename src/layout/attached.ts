/**
 * Entries that are here for the sake of another manifest, and go when that goes:
 *
 *     registry.example.com/team/app@sha256:0d3a...         of a manifest that names a subject
 *     registry.example.com/team/app:sha256-7be1....sig     of whatever is attached to sha256:7be1... by its tag
 *
 * A referrer with a tag of its own stays, for somebody gave it that name, and so does a chart that was pulled by its digest.
 */
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { isDigest } from '../oci/digest.js';
import { CHART_CONFIG } from '../oci/media-types.js';
import { splitName } from '../oci/reference.js';
import { referrersTag, subjectOfTag } from '../oci/referrers.js';
import type { IndexEntry } from './index-json.js';
import { addReferrers, follow, readReferrer } from './reachable.js';

interface Attached {
  readonly name: string;
  readonly descriptor: Descriptor;
  isNeeded(reached: ReadonlySet<Digest>): boolean;
}

/** What the other entries reach, with all that is attached to it, and the names that are attached to nothing of that. */
export function reachWithAttached(
  dir: string,
  entries: readonly IndexEntry[],
  candidates: readonly Digest[],
): { readonly reached: Set<Digest>; readonly detached: string[] } {
  const waiting = new Map<IndexEntry, Attached>();
  for (const entry of entries) {
    const attached = asAttached(dir, entry);
    if (attached) waiting.set(entry, attached);
  }
  const reached = new Set<Digest>();
  const roots = entries.filter((entry) => !waiting.has(entry));
  follow(
    dir,
    roots.flatMap(({ descriptor }) => descriptor ?? []),
    reached,
  );
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const [entry, { descriptor, isNeeded }] of waiting) {
      if (!isNeeded(reached)) continue;
      waiting.delete(entry);
      follow(dir, [descriptor], reached);
    }
    addReferrers(
      dir,
      candidates.filter((digest) => !reached.has(digest)),
      reached,
    );
  }
  return { reached, detached: [...waiting.values()].map(({ name }) => name) };
}

function asAttached(dir: string, { name, descriptor }: IndexEntry): Attached | undefined {
  if (name === undefined || descriptor === undefined) return undefined;
  const { tag } = splitName(name);
  if (isDigest(tag)) {
    const referrer = readReferrer(dir, descriptor.digest);
    if (referrer === undefined || referrer.configType === CHART_CONFIG) return undefined;
    return { name, descriptor, isNeeded: (reached) => reached.has(referrer.subject) };
  }
  const subject = subjectOfTag(tag);
  if (subject === undefined) return undefined;
  if (isDigest(subject)) return { name, descriptor, isNeeded: (reached) => reached.has(subject) };
  // A sha512 of which the tag has only the first half.
  return {
    name,
    descriptor,
    isNeeded: (reached) => [...reached].some((digest) => tag.startsWith(referrersTag(digest))),
  };
}
