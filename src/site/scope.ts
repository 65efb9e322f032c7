/**
 * Which charts a chart repository offers. Every path is one: `/index.yaml` has all that is here, `/team/index.yaml` what is in
 * `team/` on the host that this means, `/registry.example.com/team/index.yaml` what came from there.
 *
 * A chart repository knows charts by name and version alone, and here several may share them. Of those, the ones count whose
 * tag is the version, then those on the preferred host. If two different archives are left, none is offered: which of them a
 * client got would else depend on who else pushes here.
 */
import { compareBytes } from '../chart/byte-order.js';
import { checkChartName } from '../chart/chart-name.js';
import { type ChartVersion, compareVersions, parseVersion } from '../chart/version.js';
import { isChartError } from '../errors.js';
import { wireTag } from '../oci/reference.js';
import type { CatalogChart, CatalogSnapshot, ChartContent } from './catalog.js';
import { cleanLine } from './texts.js';
import { Turns } from './turns.js';

/** A chart as a chart repository offers it. */
export interface OfferedChart {
  readonly name: string;
  readonly version: string;
  /** `NAME-VERSION.tgz` */
  readonly file: string;
  /** False where another chart's name and version make the same file name: `a-1` 2.0.0 and `a` 1-2.0.0. */
  readonly hasOwnFile: boolean;
  readonly content: ChartContent;
}

/** Charts of one name and version that are not offered, because they are not the same. */
export interface Ambiguity {
  readonly name: string;
  readonly version: string;
  readonly repositories: readonly string[];
}

export interface Scope {
  /** By name, newest version first. */
  readonly charts: readonly OfferedChart[];
  readonly ambiguities: readonly Ambiguity[];
}

/** @returns undefined where nothing is at or below the path. @param path without slashes at its ends; empty for everything */
export async function openScope({ charts }: CatalogSnapshot, path: string): Promise<Scope | undefined> {
  const inside = path === '' ? charts : charts.filter((chart) => isInside(chart, path));
  if (inside.length === 0 && path !== '') return undefined;
  const turns = new Turns();
  const ambiguities: Ambiguity[] = [];
  const chosen = new Map<string, Named[]>();
  const files = new Map<string, number>();
  for (const same of (await groupByName(inside, turns)).values()) {
    const candidate = choose(same);
    if (candidate) {
      files.set(fileName(candidate), (files.get(fileName(candidate)) ?? 0) + 1);
      collect(chosen, candidate.name, candidate);
    } else ambiguities.push(ambiguityOf(same));
    if (turns.isOver) await turns.give();
  }
  const offered: OfferedChart[] = [];
  for (const name of [...chosen.keys()].sort(compareBytes)) {
    const versions = chosen.get(name) as Named[];
    for (const item of versions.sort((a, b) => compareVersions(b.order, a.order))) {
      const { version, content } = item;
      const file = fileName(item);
      offered.push({ name, version, file, hasOwnFile: files.get(file) === 1, content });
    }
    if (turns.isOver) await turns.give();
  }
  return {
    charts: offered,
    ambiguities: ambiguities.sort((a, b) => compareBytes(a.name, b.name) || compareBytes(a.version, b.version)),
  };
}

export function isInside({ repository, shortName }: CatalogChart, path: string): boolean {
  return isAtOrBelow(repository, path) || (shortName !== undefined && isAtOrBelow(shortName, path));
}

function isAtOrBelow(repository: string, path: string): boolean {
  return repository === path || (repository.startsWith(path) && repository[path.length] === '/');
}

interface Named {
  readonly name: string;
  readonly version: string;
  readonly order: ChartVersion;
  readonly content: ChartContent;
}

type Candidate = Named & { readonly chart: CatalogChart };

async function groupByName(charts: readonly CatalogChart[], turns: Turns): Promise<Map<string, Candidate[]>> {
  const groups = new Map<string, Candidate[]>();
  for (const chart of charts) {
    const { content } = chart;
    const name = cleanLine(content.metadata.name);
    const version = content.metadata.version;
    const order = parseVersion(version);
    if (order === undefined || !isFileName(name)) continue;
    collect(groups, `${name}\n${version}`, { name, version, order, content, chart });
    if (turns.isOver) await turns.give();
  }
  return groups;
}

function collect<T>(groups: Map<string, T[]>, key: string, item: T): void {
  const group = groups.get(key);
  if (group) group.push(item);
  else groups.set(key, [item]);
}

/** Helm reads no index with a chart whose name is a path. */
function isFileName(name: string): boolean {
  try {
    checkChartName(name);
    return true;
  } catch (error) {
    if (isChartError(error)) return false;
    throw error;
  }
}

/** @returns undefined where there are several */
function choose(same: readonly Candidate[]): Candidate | undefined {
  const tagged = same.filter(({ chart, version }) => wireTag(chart.reference) === wireTag(version));
  const left = tagged.length > 0 ? tagged : same;
  if (isOne(left)) return left[0];
  const preferred = left.filter(({ chart }) => chart.isPreferred);
  return preferred.length > 0 && isOne(preferred) ? preferred[0] : undefined;
}

function isOne(candidates: readonly Candidate[]): boolean {
  return candidates.every(({ content }) => content.sha256 === candidates[0]?.content.sha256);
}

function ambiguityOf(same: readonly Candidate[]): Ambiguity {
  const { name, version } = same[0] as Candidate;
  return { name, version, repositories: [...new Set(same.map(({ chart }) => chart.repository))].sort(compareBytes) };
}

function fileName({ name, version }: Pick<Named, 'name' | 'version'>): string {
  return `${name}-${version}.tgz`;
}
