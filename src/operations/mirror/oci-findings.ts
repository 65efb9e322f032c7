/** What a repository with tags gives for an entry, be it a registry's, the cache's or a bundle's. */
import { repositoryName } from '../../oci/reference.js';
import type { Source } from '../../oci/target.js';
import type { Findings } from './found-chart.js';
import { OciChart } from './oci-chart.js';
import { selectTags } from './selection.js';
import type { MirrorEntry } from './types.js';

export interface RepositoryPlace {
  readonly host: string | undefined;
  readonly path: string;
  /** The start of the path that is not repeated at the target. */
  readonly fixed: string;
  readonly repository: Source;
  readonly mayBeOther?: boolean;
}

/** The directory part of a path, which is left out at the target where one repository is asked for. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

export function lastPartOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function chartAt(
  { host, path, fixed, repository, mayBeOther = false }: RepositoryPlace,
  tag: string,
  version: string,
): OciChart {
  const home = repositoryName({ host, path });
  return new OciChart({
    name: lastPartOf(path),
    path,
    version,
    relative: path.startsWith(fixed) ? path.slice(fixed.length) : path,
    home,
    source: `${home}:${version}`,
    repository,
    tag,
    mayBeOther,
  });
}

/** The versions that the entry wants, of the tags that there are. */
export function chartsOf(place: RepositoryPlace, tags: Iterable<string>, entry: MirrorEntry): Findings {
  const { versions, prereleases } = selectTags(tags, entry);
  const charts = versions.map(({ tag, version }) => chartAt(place, tag, version));
  return { charts, leftOut: [], refused: [], prereleases };
}

export function mergeFindings(all: readonly Findings[]): Findings {
  return {
    charts: all.flatMap(({ charts }) => charts),
    leftOut: all.flatMap(({ leftOut }) => leftOut),
    refused: all.flatMap(({ refused }) => refused),
    prereleases: all.reduce((sum, { prereleases }) => sum + prereleases, 0),
  };
}
