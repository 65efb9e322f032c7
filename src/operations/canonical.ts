/**
 * References as Helm 3.8 and later make them: the last part of the repository is the chart's name, and the tag its version.
 *
 *     registry.example.com/team/app:1.2.3      of chart app 1.2.3: canonical
 *     registry.example.com/team/app:stable     the tag is another
 *     registry.example.com/team/app-prod:1.2.3 the name is another; canonical would be registry.example.com/team/app:1.2.3
 */
import { ChartError } from '../errors.js';
import type { Layout, NamedDescriptor } from '../layout/layout.js';
import { formatReference, isRepositoryPath, isTag, parseReference, splitName, wireTag } from '../oci/reference.js';
import { entryFinder, readCachedChart, summaryOf } from './cached-chart.js';
import { type ListedChart, type Listing, listCharts } from './list.js';
import { type Outcome, outcomeOf } from './outcome.js';
import type { ChartSummary } from './summary.js';

/** What of a reference is not the chart's own. */
export type Mismatch = 'name' | 'version';

export interface IncompatibleChart extends ListedChart {
  readonly mismatches: readonly Mismatch[];
  /** The reference that would do, or undefined where the chart's name or version cannot stand in one. */
  readonly canonical: string | undefined;
}

export interface Renamed extends ChartSummary {
  /** The reference that it had, and that stays unless it was to be moved. */
  readonly from: string;
  readonly status: 'tagged' | 'moved' | 'present';
}

interface Named {
  readonly ref: string;
  readonly name: string;
  readonly version: string;
}

/** What of the reference differs from the chart; a tag with `_` for the `+` of a version is the version's. */
export function findMismatches({ ref, name, version }: Named): Mismatch[] {
  const { repository, tag } = splitName(ref);
  const wrong: Mismatch[] = [];
  if (repository.slice(repository.lastIndexOf('/') + 1) !== name) wrong.push('name');
  if (!ref.includes('@') && wireTag(tag) !== wireTag(version)) wrong.push('version');
  return wrong;
}

/**
 * The reference in the same place that has the chart's name and version.
 *
 * @throws ChartError `REFERENCE_INVALID` if the chart's name cannot be part of a repository, or its version no tag
 */
export function canonicalReference({ ref, name, version }: Named): string {
  const { repository } = splitName(ref);
  const last = repository.slice(repository.lastIndexOf('/') + 1);
  const parent = repository.slice(0, repository.length - last.length);
  if (!isRepositoryPath(name) || !isTag(version)) {
    const what = isRepositoryPath(name) ? `version ${JSON.stringify(version)}` : `name ${JSON.stringify(name)}`;
    throw new ChartError('REFERENCE_INVALID', `the chart's ${what} cannot stand in a reference`, {
      hint: 'Repositories are written in lower case, and tags have at most 128 characters: no Helm can push this chart under its own name.',
    });
  }
  return formatReference(parseReference(`${parent}${name}:${version}`));
}

/** The charts of the cache whose reference is not canonical, in byte order; `pattern` as for {@link listCharts}. */
export async function listIncompatible(
  context: { layout: Layout },
  pattern?: string,
): Promise<Pick<Listing, 'broken'> & { charts: IncompatibleChart[] }> {
  const { charts, broken } = await listCharts(context, pattern);
  const incompatible = charts.flatMap((chart) => {
    const mismatches = findMismatches(chart);
    return mismatches.length === 0 ? [] : [{ ...chart, mismatches, canonical: canonicalOrNone(chart) }];
  });
  return { charts: incompatible, broken };
}

function canonicalOrNone(chart: Named): string | undefined {
  try {
    return canonicalReference(chart);
  } catch {
    return undefined;
  }
}

/**
 * Gives charts their canonical names too, all in one write. A name that stands for another chart is not taken from it.
 *
 * @param move whether the old names go
 */
export async function tagCanonical(
  { layout, signal }: { layout: Layout; signal?: AbortSignal | undefined },
  refs: readonly string[],
  { move = false }: { move?: boolean } = {},
): Promise<Outcome<Renamed>[]> {
  const index = await layout.readIndex();
  const find = entryFinder(index);
  const taken = new Map(index.map(({ name, descriptor }) => [name, descriptor?.digest]));
  const added: NamedDescriptor[] = [];
  const left: string[] = [];
  const outcomes: Outcome<Renamed>[] = [];
  for (const text of refs) {
    outcomes.push(
      await outcomeOf(text, async () => {
        const entry = find(text);
        const summary = summaryOf(await readCachedChart(layout, entry));
        const ref = canonicalReference(summary);
        const holder = taken.get(ref);
        if (taken.has(ref) && holder !== entry.descriptor.digest) throw nameTaken(entry.name, ref);
        if (!taken.has(ref)) {
          added.push({ name: ref, descriptor: entry.descriptor });
          taken.set(ref, entry.descriptor.digest);
        }
        const moved = move && entry.name !== ref;
        if (moved) left.push(entry.name);
        return { ...summary, ref, from: entry.name, status: moved ? 'moved' : holder ? 'present' : 'tagged' } as const;
      }),
    );
  }
  if (added.length > 0) await layout.tagAll(added, { signal });
  if (left.length > 0) await layout.untagAll(left, { signal });
  return outcomes;
}

function nameTaken(from: string, ref: string): ChartError {
  return new ChartError('REFERENCE_TAKEN', `${ref} stands for another chart than ${from}`, {
    hint: `Remove one of the two (chart remove REF), or give the other one another name (chart tag ${ref} REF).`,
  });
}
