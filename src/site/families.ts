/** Charts as people look for them: a repository with all of its versions is one. */
import { compareBytes } from '../chart/byte-order.js';
import { sortTags, tagToVersion } from '../chart/version-tags.js';
import { isDigest } from '../oci/digest.js';
import { wireTag } from '../oci/reference.js';
import { type CatalogChart, type CatalogSnapshot, servedName } from './catalog.js';
import { cleanLine } from './texts.js';

export interface ChartFamily {
  /** The shortest name that finds it. */
  readonly name: string;
  readonly newest: CatalogChart;
  /** Newest first; what goes by no version comes last. */
  readonly charts: readonly CatalogChart[];
  /** What a search looks through, in lower case. */
  readonly searched: string;
}

export interface Families {
  /** By name. */
  readonly all: readonly ChartFamily[];
  /** By the long name and by the short one. */
  readonly byName: ReadonlyMap<string, ChartFamily>;
}

export function groupFamilies({ charts }: CatalogSnapshot): Families {
  const groups = new Map<string, CatalogChart[]>();
  for (const chart of charts) {
    const group = groups.get(chart.repository);
    if (group) group.push(chart);
    else groups.set(chart.repository, [chart]);
  }
  const all = [...groups.values()].map(familyOf).sort((a, b) => compareBytes(a.name, b.name));
  const byName = new Map(all.map((family) => [family.newest.repository, family]));
  for (const family of all) byName.set(family.name, family);
  return { all, byName };
}

function familyOf(group: readonly CatalogChart[]): ChartFamily {
  const charts = group.length === 1 ? group : sortCharts(group);
  const newest = charts.find(({ reference }) => isRelease(reference)) ?? (charts[0] as CatalogChart);
  const { metadata } = newest.content;
  const texts = [metadata.name, newest.repository, metadata.description ?? '', ...(metadata.keywords ?? [])];
  return { name: servedName(newest), newest, charts, searched: cleanLine(texts.join(' ')).toLowerCase() };
}

function sortCharts(group: readonly CatalogChart[]): CatalogChart[] {
  const byReference = new Map(group.map((chart) => [chart.reference, chart]));
  const { versions, others } = sortTags(group.map(({ reference }) => reference).filter((tag) => !isDigest(tag)));
  const untagged = group.filter(({ reference }) => isDigest(reference));
  const tagged = [...versions.map(({ tag }) => tag), ...others];
  return [...tagged.flatMap((tag) => byReference.get(tag) ?? []), ...untagged];
}

function isRelease(reference: string): boolean {
  return tagToVersion(reference)?.prerelease === '';
}

/** The chart that a tag or digest names, in the form that it has on screen or on the wire. */
export function findChart({ charts }: ChartFamily, reference: string): CatalogChart | undefined {
  return (
    charts.find((chart) => chart.reference === reference) ??
    charts.find((chart) => wireTag(chart.reference) === wireTag(reference)) ??
    charts.find(({ content }) => content.digest === reference)
  );
}

/** Families with all the words, those first that have them in the name. */
export function searchFamilies(families: readonly ChartFamily[], query: string): readonly ChartFamily[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return families;
  const found = families.filter(({ searched }) => words.every((word) => searched.includes(word)));
  const inName = ({ newest }: ChartFamily): boolean => {
    const name = newest.content.metadata.name.toLowerCase();
    return words.every((word) => name.includes(word));
  };
  return [...found.filter(inName), ...found.filter((family) => !inName(family))];
}
