/**
 * Putting right what a check has found, without loss.
 *
 *     oci-layout, index.json         written anew, in their form
 *     two entries with one name      the one that does not count becomes REPOSITORY@DIGEST
 *     size or type in an entry       corrected by what the manifest is
 *     a link, FIFO or wrong mode     replaced by the file that it should be; what holds nothing is taken away
 *     a missing or damaged blob      a config from the chart in the layer; all else from the registry in the reference, by digest
 *     a damaged blob nobody needs    deleted, and what killed processes left is swept
 *
 * Entries that still are of no use in the end are dropped only where that was asked for.
 */
import { type ChartError, isChartError, throwIfCancelled } from '../../errors.js';
import type { EntryMend, Layout } from '../../layout/layout.js';
import type { Target } from '../../oci/target.js';
import { mapConcurrent } from '../parallel.js';
import type { KnownContents } from './contents.js';
import { fetchBlob } from './fetch-blob.js';
import { entryName, type FoundFault } from './findings.js';
import { type Findings, type VerifyDependencies, type VerifyInput, verifyCache } from './verify.js';

export { verifyCache };

export interface RepairDependencies extends VerifyDependencies {
  readonly connect: (host: string) => Promise<Target> | Target;
}

export interface RepairInput extends VerifyInput {
  /** Remove entries that cannot be put right. */
  readonly dropBroken?: boolean | undefined;
}

/** See {@link repairCache}. */
export interface RepairReport extends Findings {
  /** What was wrong and is not any more. */
  readonly repaired: readonly FoundFault[];
  /** References that were removed. */
  readonly dropped: readonly string[];
  /** Why blobs could not be fetched: the paths within the cache, with the registries' answers. */
  readonly refusals: ReadonlyMap<string, string>;
  /** Where the content of blobs came from, by their paths: a repository, or the layer of the chart. */
  readonly origins: ReadonlyMap<string, string>;
}

/** A manifest that came back shows what else is missing; charts are not deeper than that. */
const ROUNDS = 6;
const CONCURRENCY = 6;

interface Run extends RepairDependencies {
  readonly refusals: Map<string, string>;
  readonly origins: Map<string, string>;
}

/**
 * Checks the cache and puts right what it can; then checks it again.
 *
 * @throws ChartError as `verifyCache`; `LAYOUT_UNWRITABLE`, `LAYOUT_LOCKED`, `DISK_FULL`
 *
 * @example
 * ```ts
 * import { openLayout, openRegistry, repairCache } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { faults } = await repairCache({ layout, connect: (host) => openRegistry(host) }, { dropBroken: false });
 * console.log(faults.length); // 0
 * await layout.close();
 * ```
 */
export async function repairCache(dependencies: RepairDependencies, input: RepairInput = {}): Promise<RepairReport> {
  const known: KnownContents = { intact: new Map(), charts: new Map() };
  const run: Run = { ...dependencies, refusals: new Map(), origins: new Map() };
  const met = new Map<string, FoundFault>();
  let findings = await mendUntilStill(run, input, known, met);
  const dropped = input.dropBroken ? await dropBroken(dependencies.layout, findings, dependencies.signal) : [];
  if (dropped.length > 0) findings = await mendUntilStill(run, withoutRefs(input, dropped), known, met);
  const left = new Set(findings.faults.map(identity));
  const wasDropped = ({ refs }: FoundFault): boolean => refs.length > 0 && refs.every((ref) => dropped.includes(ref));
  const repaired = [...met.values()].filter((fault) => !left.has(identity(fault)) && !wasDropped(fault));
  return { ...findings, repaired, dropped, refusals: run.refusals, origins: run.origins };
}

/** @param met gets every fault that was seen */
async function mendUntilStill(
  run: Run,
  input: VerifyInput,
  known: KnownContents,
  met: Map<string, FoundFault>,
): Promise<Findings> {
  let findings = await verifyCache(run, input, known);
  for (let round = 1; round <= ROUNDS && findings.faults.length > 0; round++) {
    const before = new Set(findings.faults.map(identity));
    for (const fault of findings.faults) met.set(identity(fault), fault);
    await mendAll(run, findings);
    findings = await verifyCache(run, input, known);
    if (findings.faults.length === before.size && findings.faults.every((fault) => before.has(identity(fault)))) break;
  }
  return findings;
}

function identity({ kind, path, message }: FoundFault): string {
  return `${kind} ${path} ${message}`;
}

function withoutRefs({ refs }: VerifyInput, gone: readonly string[]): VerifyInput {
  return { refs: refs?.filter((ref) => !gone.includes(ref)) };
}

async function mendAll(run: Run, { faults, survey }: Findings): Promise<void> {
  const { layout, signal } = run;
  if (survey.layoutFile !== 'right') await attempt(run, 'oci-layout', () => layout.mendLayoutFile());
  await mapConcurrent(faults, CONCURRENCY, async (fault) => {
    throwIfCancelled(signal);
    if (fault.blob) await attempt(run, fault.path, () => mendBlob(run, fault));
  });
  // With an index.json that cannot be read nothing is known of what is needed.
  if (survey.indexFault) return;
  await mendEntries(run, faults);
  await discard(run, faults, survey);
}

/** What the disk refuses ends the repair; what a registry refuses is told of the blob. */
async function attempt(run: Run, path: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
    run.refusals.delete(path);
  } catch (error) {
    const isOver: ChartError['code'][] = ['CANCELLED', 'DISK_FULL', 'LAYOUT_LOCKED'];
    if (!isChartError(error) || isOver.includes(error.code)) throw error;
    run.refusals.set(path, error.message);
  }
}

async function mendBlob(run: Run, fault: FoundFault): Promise<void> {
  const { layout, signal } = run;
  const { blob, mend, kind } = fault;
  if (blob === undefined) return;
  const { descriptor } = blob;
  if (kind === 'misplaced' || kind === 'unreadable') {
    if (await layout.mendBlobFile(descriptor.digest, { signal })) return;
  }
  if (mend?.kind === 'config') {
    await layout.putBytes(mend.bytes, descriptor.mediaType);
    run.origins.set(fault.path, 'the chart itself');
  } else if (fault.refs.length > 0) {
    const origin = await fetchBlob(run, blob, fault.refs);
    if (origin !== undefined) run.origins.set(fault.path, origin);
  }
}

async function mendEntries({ layout, signal }: Run, faults: readonly FoundFault[]): Promise<void> {
  // Where the entry that has the name is broken, the other one is to have the name back when that is dropped.
  const broken = new Set(faults.flatMap(({ isFatal, refs }) => (isFatal ? refs : [])));
  const mends: EntryMend[] = faults.flatMap(({ mend, entries, path }): EntryMend[] => {
    if (mend?.kind === 'rename') {
      return entries.filter(({ claimed }) => !broken.has(claimed ?? '')).map((entry) => ({ kind: 'rename', entry }));
    }
    if (mend?.kind !== 'describe') return [];
    const { mediaType, size } = mend;
    return entries
      .filter(({ descriptor }) => descriptor && path.endsWith(descriptor.digest.slice(7)))
      .map((entry) => ({ kind: 'describe', entry, mediaType, size }));
  });
  const isNeeded = mends.length > 0 || faults.some(({ mend }) => mend?.kind === 'index');
  if (isNeeded) await layout.mendIndex(mends, { signal });
}

/** Deletes damaged blobs that nobody needs, unless somebody has come to need them, and sweeps `ingest/`. */
async function discard(
  { layout, signal }: Run,
  faults: readonly FoundFault[],
  survey: Findings['survey'],
): Promise<void> {
  const blobs = faults.flatMap(({ mend }) => {
    return mend?.kind === 'discard' ? [{ digest: mend.digest, size: survey.blobs.get(mend.digest)?.size ?? 0 }] : [];
  });
  if (blobs.length === 0 && survey.abandoned.length === 0) return;
  // With no version of index.json, what is needed is found out under the lock.
  const plan = { blobs, ingest: survey.abandoned, bytes: 0, names: [], detached: [], inUse: 0, uploads: [], index: '' };
  await layout.applyPrune(plan, { signal });
}

async function dropBroken(layout: Layout, { faults }: Findings, signal?: AbortSignal): Promise<string[]> {
  const broken = new Set(faults.flatMap(({ isFatal, entries }) => (isFatal ? entries : [])));
  if (broken.size === 0) return [];
  const mends = [...broken].map((entry): EntryMend => ({ kind: 'drop', entry }));
  const done = await layout.mendIndex(mends, { signal });
  return [...broken].filter((_, position) => done[position]).map(entryName);
}
