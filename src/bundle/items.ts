/**
 * The artifacts of a bundle under the references that they get.
 *
 * In what other tools wrote an entry may have a tag alone, or no name; a chart is then `NAME:TAG` or `NAME:VERSION`.
 */

import { type ImageIndex, type ImageManifest, successors } from '../oci/manifest.js';
import { isTag, parseReference, wireTag } from '../oci/reference.js';
import type { BundledItem } from './content.js';
import { type BundleIndex, type BundleIndexEntry, isReference } from './index-json.js';
import type { BundleSurvey } from './survey.js';

export interface NamedItems {
  readonly items: readonly BundledItem[];
  /** Entries that no reference can be made for, and that are about no other: what they are called. */
  readonly nameless: readonly string[];
}

export interface EntryFacts {
  readonly manifest: ImageManifest | ImageIndex | undefined;
  readonly chart: { readonly name: string; readonly version: string } | undefined;
}

/** @param factsOf what is known of the entry's manifest */
export function nameItems(index: BundleIndex, factsOf: (entry: BundleIndexEntry) => EntryFacts): NamedItems {
  const items = new Map<string, BundledItem>();
  const nameless: string[] = [];
  const about: { readonly subject: string; readonly entry: BundleIndexEntry }[] = [];
  for (const entry of index.entries) {
    const { manifest, chart } = factsOf(entry);
    const ref = referenceFor(entry.label, chart);
    if (ref !== undefined) {
      const facts = chart && { name: chart.name, version: chart.version };
      items.set(ref, { ref, descriptor: entry.descriptor, ...facts, referrers: [] });
    } else if (entry.label === undefined && manifest?.subject) {
      about.push({ subject: manifest.subject.digest, entry });
    } else {
      nameless.push(entry.label ?? entry.descriptor.digest);
    }
  }
  for (const [ref, item] of items) {
    const digests = new Set<string>([item.descriptor.digest]);
    const referrers: BundledItem['referrers'][number][] = [];
    // A referrer may have referrers.
    for (let before = -1; before !== digests.size; ) {
      before = digests.size;
      for (const { subject, entry } of about) {
        if (!digests.has(subject) || digests.has(entry.descriptor.digest)) continue;
        digests.add(entry.descriptor.digest);
        referrers.push(entry.descriptor);
      }
    }
    if (referrers.length > 0) items.set(ref, { ...item, referrers });
  }
  return { items: [...items.values()], nameless };
}

function referenceFor(label: string | undefined, chart: EntryFacts['chart']): string | undefined {
  if (label !== undefined && isReference(label)) {
    const reference = tryParse(label);
    // What is no reference is told as such when it is used.
    if (!reference || reference.tag !== undefined || reference.digest !== undefined) return label;
    return chart && isTag(chart.version) ? `${label}:${chart.version}` : `${label}:latest`;
  }
  if (chart === undefined) return undefined;
  // On the wire and in names that other tools gave, a version's + is _.
  const tag = label === undefined || label === wireTag(chart.version) ? chart.version : label;
  return `${chart.name}:${tag}`;
}

function tryParse(text: string) {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}

/** The items of a bundle that was gone through. */
export function itemsOf(survey: BundleSurvey): NamedItems {
  if (survey.content) return { items: survey.content.items, nameless: [] };
  const { items, nameless } = nameItems(survey.index, ({ descriptor }) => {
    const manifest = survey.manifests.get(descriptor.digest);
    return { manifest, chart: manifest?.kind === 'manifest' ? survey.charts.get(manifest.config.digest) : undefined };
  });
  return { items: items.map((item) => ({ ...item, totalSize: totalSize(survey, item) })), nameless };
}

function totalSize({ manifests }: BundleSurvey, { descriptor, referrers }: BundledItem): number {
  const sizes = new Map<string, number>();
  const queue = [descriptor, ...referrers];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (sizes.has(next.digest)) continue;
    sizes.set(next.digest, next.size);
    const manifest = manifests.get(next.digest);
    if (manifest) queue.push(...successors(manifest));
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
