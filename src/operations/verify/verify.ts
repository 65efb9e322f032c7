/**
 * Is the cache in order? Every blob is hashed, every entry of index.json followed to its end, every chart unpacked.
 *
 * Nothing is locked. What others do meanwhile is no fault: if index.json is another at the end, what was found is looked at again.
 */
import { type ChartError, isChartError } from '../../errors.js';
import type { Layout, PrunePlan, Survey, SurveyedEntry } from '../../layout/layout.js';
import { entryFinder } from '../cached-chart.js';
import { mapConcurrent } from '../parallel.js';
import { Artifacts, type FollowedArtifact } from './artifacts.js';
import { type BlobState, Contents, type KnownContents } from './contents.js';
import { collectFaults, pathOf, unneededFault } from './faults.js';
import { entryName, type FoundFault, type Note, type VerifyReport } from './findings.js';
import { layoutFaults, layoutNotes } from './layout-faults.js';

export interface VerifyDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
  /** Bytes read so far, of all that lie in blobs/. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface VerifyInput {
  /** Only these, and what they lead to; all that the cache holds where it is absent. */
  readonly refs?: readonly string[] | undefined;
}

/** A report with what a repair needs. */
export interface Findings extends VerifyReport {
  readonly faults: readonly FoundFault[];
  readonly survey: Survey;
  /** References that were asked for and are not here. */
  readonly unknown: readonly { readonly ref: string; readonly error: ChartError }[];
}

/** Artifacts followed at the same time. Each reads a blob or two, piece by piece. */
const CONCURRENCY = 6;
const ATTEMPTS = 5;

/**
 * Checks the cache. A fault is no error: it is in the report.
 *
 * @throws ChartError `LAYOUT_UNREADABLE`, `LAYOUT_INVALID` where not even the directories can be read; `CANCELLED`
 *
 * @example
 * ```ts
 * import { openLayout, saveChart, verifyCache } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * const { faults } = await verifyCache({ layout });
 * console.log(faults.length); // 0
 * await layout.close();
 * ```
 */
export async function verifyCache(
  dependencies: VerifyDependencies,
  input: VerifyInput = {},
  known: KnownContents = { intact: new Map(), charts: new Map() },
): Promise<Findings> {
  for (let attempt = 1; ; attempt++) {
    const findings = await look(dependencies, input, known);
    if (findings.faults.length === 0 || attempt >= ATTEMPTS) return findings;
    const { version } = await dependencies.layout.survey();
    if (version === findings.survey.version) return findings;
  }
}

async function look(
  { layout, signal, onProgress }: VerifyDependencies,
  { refs }: VerifyInput,
  known: KnownContents,
): Promise<Findings> {
  const survey = await layout.survey();
  const { entries, unknown } = selectEntries(survey.entries, refs);
  let done = 0;
  const total = [...survey.blobs.values()].reduce((sum, { size }) => sum + size, 0);
  const onBytes = (bytes: number): void => {
    done += bytes;
    onProgress?.(done, total);
  };
  const contents = new Contents({ layout, survey, known, signal, onBytes });
  const artifacts = new Artifacts(layout, contents);
  const followed = new Map<SurveyedEntry, FollowedArtifact>();
  await mapConcurrent(entries, CONCURRENCY, async (entry) => {
    if (entry.descriptor) followed.set(entry, await artifacts.follow(entry.descriptor));
  });
  const faults = [...layoutFaults(survey, entries, refs === undefined), ...collectFaults(entries, followed)];
  const notes = notesOf(entries, followed);
  if (refs === undefined) {
    const reported = new Set(faults.map(({ path }) => path));
    const others = await otherFaults(layout, survey, contents, reported);
    faults.push(...others.faults);
    notes.push(...others.notes);
  }
  const { blobs, bytes } = await contents.totals();
  return { references: entries.length, blobs, bytes, faults, notes, survey, unknown };
}

/** What no entry leads to is hashed as well; nobody suffers from what is wrong with it. */
async function otherFaults(
  layout: Layout,
  survey: Survey,
  contents: Contents,
  reported: ReadonlySet<string>,
): Promise<{ faults: FoundFault[]; notes: Note[] }> {
  const digests = [...survey.blobs.keys()];
  const states = await mapConcurrent(digests, CONCURRENCY, (digest) => contents.state(digest));
  // Without names it cannot be told what is needed.
  const plan = survey.indexFault ? undefined : await planUnlessBroken(layout);
  const loose = new Set(plan?.blobs.map(({ digest }) => digest));
  const broken = digests.flatMap((digest, position) => {
    const state = states[position] as BlobState;
    const isBroken = state.kind !== 'intact' && state.kind !== 'missing';
    return isBroken && !reported.has(pathOf(digest)) ? [unneededFault(digest, state, loose.has(digest))] : [];
  });
  return { faults: broken, notes: layoutNotes(survey, plan) };
}

async function planUnlessBroken(layout: Layout): Promise<PrunePlan | undefined> {
  try {
    return await layout.planPrune();
  } catch (error) {
    if (isChartError(error, 'LAYOUT_INVALID')) return undefined;
    throw error;
  }
}

/** The entries that were asked for, whatever is wrong with them. */
function selectEntries(
  entries: readonly SurveyedEntry[],
  refs: readonly string[] | undefined,
): { entries: readonly SurveyedEntry[]; unknown: Findings['unknown'] } {
  if (refs === undefined) return { entries, unknown: [] };
  const claims = new Map<string | undefined, SurveyedEntry[]>();
  for (const entry of entries) claims.set(entry.claimed, [...(claims.get(entry.claimed) ?? []), entry]);
  const find = entryFinder(entries);
  const selected = new Set<SurveyedEntry>();
  const unknown: { ref: string; error: ChartError }[] = [];
  for (const ref of refs) {
    try {
      for (const entry of claims.get(ref) ?? claims.get(find(ref).name) ?? []) selected.add(entry);
    } catch (error) {
      if (!isChartError(error)) throw error;
      unknown.push({ ref, error });
    }
  }
  return { entries: entries.filter((entry) => selected.has(entry)), unknown };
}

function notesOf(entries: readonly SurveyedEntry[], followed: ReadonlyMap<SurveyedEntry, FollowedArtifact>): Note[] {
  const notes = new Map<string, { kind: Note['kind']; message: string; refs: string[] }>();
  for (const entry of entries) {
    for (const { kind, message } of followed.get(entry)?.notes ?? []) {
      const note = notes.get(message) ?? { kind, message, refs: [] };
      note.refs.push(entryName(entry));
      notes.set(message, note);
    }
  }
  return [...notes.values()];
}
