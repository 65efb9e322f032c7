/** Charts from the cache to the registry that each reference names. */
import { type CopyEvent, copyArtifact } from '../copy.js';
import type { IndexEntry, Layout } from '../layout/layout.js';
import type { Digest } from '../oci/digest.js';
import { splitName } from '../oci/reference.js';
import type { Repository, Target } from '../oci/target.js';
import { type CachedChart, entryFinder, readCachedChart, summaryOf } from './cached-chart.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { mapConcurrent } from './parallel.js';
import type { AttachedItem, CarriedReferrers, ReferrersDependencies } from './referrers.js';
import { explainHost, remoteReference } from './remote-reference.js';
import type { ChartSummary } from './summary.js';

export interface TransferDependencies {
  readonly layout: Layout;
  /** One connection pool a host, kept for the whole command. */
  readonly connect: (host: string) => Promise<Target> | Target;
  readonly signal?: AbortSignal | undefined;
  /** @param item what was asked for, as it was written */
  readonly onEvent?: ((item: string, event: CopyEvent) => void) | undefined;
}

export interface PushDependencies extends TransferDependencies, ReferrersDependencies {
  /** Send what is attached to each chart, too. */
  readonly withReferrers?: boolean | undefined;
}

export interface PushListener {
  /** The chart was found in the cache; the network has not been touched. */
  onStart(index: number, chart: ChartSummary, repository: string): void;
  onOutcome(index: number, outcome: Outcome<Pushed>): void;
}

/** A chart that the registry has after a push. */
export interface Pushed extends ChartSummary {
  readonly tag: string;
  /** Layers of the artifact: the chart, and its provenance file where it has one. */
  readonly layers: number;
  /** Bytes of these layers. */
  readonly totalSize: number;
  /** Bytes that the registry did not have and was sent. */
  readonly sentBytes: number;
  /** Where they were asked for. */
  readonly referrers?: readonly AttachedItem[] | undefined;
}

/** Charts on their way at the same time. */
const CONCURRENCY = 8;

/**
 * Pushes charts, several at a time. Blobs that the registry has are not sent; the manifest goes last.
 *
 * @example
 * ```ts
 * import { openLayout, openRegistry, pushCharts, saveChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const registry = openRegistry('127.0.0.1:5000');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: '127.0.0.1:5000/new/app' });
 * const [outcome] = await pushCharts({ layout, connect: () => registry }, [ref]);
 * console.log(outcome?.result?.ref); // 127.0.0.1:5000/new/app:1.0.0
 * await registry.close();
 * await layout.close();
 * ```
 */
export async function pushCharts(
  dependencies: PushDependencies,
  refs: readonly string[],
  listener: Partial<PushListener> = {},
): Promise<Outcome<Pushed>[]> {
  const index = await dependencies.layout.readIndex();
  const find = entryFinder(index);
  const namesOf = namesByDigest(index);
  const carry = dependencies.withReferrers ? await carrier(dependencies, index) : undefined;
  return mapConcurrent(refs, CONCURRENCY, async (text, position) => {
    const outcome = await outcomeOf(text, async () => {
      const chart = await readCachedChart(dependencies.layout, find(text));
      listener.onStart?.(position, summaryOf(chart), chart.repository);
      const otherNames = namesOf.get(chart.manifest.descriptor.digest) ?? [];
      return await pushChart(dependencies, { item: text, chart, otherNames }, carry).catch(explainHost(chart.ref));
    });
    listener.onOutcome?.(position, outcome);
    return outcome;
  });
}

interface PushItem {
  /** As it was written. */
  readonly item: string;
  readonly chart: CachedChart;
  readonly otherNames: readonly string[];
}

type Carry = (item: string, chart: CachedChart, destination: Repository) => Promise<CarriedReferrers>;

/** What is attached is found by a look at the whole cache, once for all charts. */
async function carrier(dependencies: PushDependencies, index: readonly IndexEntry[]): Promise<Carry> {
  const { CachedReferrers, pushReferrers } = await import('./referrers.js');
  const { layout } = dependencies;
  const cached = new CachedReferrers(layout, index);
  return (item, { repository, manifest }, destination) =>
    pushReferrers(dependencies, { item, source: layout.repository(repository), manifest }, cached, destination);
}

async function pushChart(
  { layout, connect, signal, onEvent }: PushDependencies,
  { item, chart, otherNames }: PushItem,
  carry: Carry | undefined,
): Promise<Pushed> {
  const { host, path } = remoteReference(chart.ref, { cached: true });
  const destination = (await connect(host)).repository(path);
  const { digest } = chart.manifest.descriptor;
  const copied = await copyArtifact(layout.repository(chart.repository), destination, digest, {
    tag: chart.ref.includes('@') ? undefined : chart.tag,
    signal,
    mountFrom: pathsAt(host, otherNames),
    onEvent: (event) => onEvent?.(item, event),
  });
  const carried = await carry?.(item, chart, destination);
  const { layer, provenance } = chart.parts;
  return {
    ...summaryOf(chart),
    tag: chart.tag,
    layers: provenance ? 2 : 1,
    totalSize: layer.size + (provenance?.size ?? 0),
    sentBytes: copied.copiedBytes + (carried?.bytes ?? 0),
    referrers: carried?.items,
  };
}

/** The names of each manifest: what the cache calls by two names, a registry has under both, or can have. */
function namesByDigest(index: readonly IndexEntry[]): ReadonlyMap<Digest, readonly string[]> {
  const names = new Map<Digest, string[]>();
  for (const { name, descriptor } of index) {
    if (name === undefined || descriptor === undefined) continue;
    const known = names.get(descriptor.digest);
    if (known) known.push(name);
    else names.set(descriptor.digest, [name]);
  }
  return names;
}

/** The repositories of these names that are at that host. */
function pathsAt(host: string, names: readonly string[]): string[] {
  const prefix = `${host}/`;
  const repositories = names.map((name) => splitName(name).repository);
  return repositories.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}
