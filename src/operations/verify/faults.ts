/** Faults of blobs, gathered: one for each blob and kind, with all references that suffer from it. */
import type { SurveyedEntry } from '../../layout/layout.js';
import { type Digest, digestAlgorithm, digestHex } from '../../oci/digest.js';
import { damageOf, type FollowedArtifact, MISPLACED, type Problem } from './artifacts.js';
import type { BlobState } from './contents.js';
import { entryName, type FaultKind, type FoundFault } from './findings.js';

/** Within the cache. */
export function pathOf(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

export function collectFaults(
  entries: readonly SurveyedEntry[],
  followed: ReadonlyMap<SurveyedEntry, FollowedArtifact>,
): FoundFault[] {
  const found = new Map<string, { problem: Problem; entries: SurveyedEntry[] }>();
  for (const entry of entries) {
    for (const problem of followed.get(entry)?.problems ?? []) {
      const key = `${problem.kind} ${problem.digest} ${problem.message}`;
      const known = found.get(key);
      if (!known) found.set(key, { problem, entries: [entry] });
      else if (!known.entries.includes(entry)) known.entries.push(entry);
    }
  }
  return [...found.values()].map(({ problem, entries: suffering }) => {
    const { kind, digest, message, isFatal, blob, mend } = problem;
    const refs = suffering.map(entryName);
    const hint = problem.hint ?? hintFor(kind, refs);
    return { kind, path: pathOf(digest), refs, message, hint, entries: suffering, isFatal, blob, mend };
  });
}

function hintFor(kind: FaultKind, refs: readonly string[]): string {
  const what = refs.length === 1 ? 'it' : 'one of them';
  const again = `Save or pull ${what} again, or run "chart verify --repair": that fetches it from the registry in the reference.`;
  return kind === 'misplaced' ? `${again} A directory has to be moved away first.` : again;
}

/** @param isLoose nothing can come to need it but by writing it anew */
export function unneededFault(
  digest: Digest,
  state: Exclude<BlobState, { kind: 'intact' | 'missing' }>,
  isLoose: boolean,
): FoundFault {
  const common = { path: pathOf(digest), refs: [], entries: [], isFatal: false };
  const nobody = 'No reference leads to it.';
  switch (state.kind) {
    case 'damaged':
      return {
        ...common,
        kind: 'content',
        message: damageOf(undefined, state),
        hint: isLoose ? `${nobody} "chart verify --repair" and "chart prune" delete it.` : 'Delete it.',
        ...(isLoose && { mend: { kind: 'discard', digest } as const }),
      };
    case 'misplaced':
      return {
        ...common,
        kind: 'misplaced',
        message: `it is no file, but ${MISPLACED[state.what]}`,
        hint: `${nobody} Move it away, or run "chart verify --repair", which takes away what holds nothing.`,
        blob: { descriptor: { mediaType: 'application/octet-stream', digest, size: 0 }, role: 'blob' },
      };
    case 'unreadable':
      return {
        ...common,
        kind: 'unreadable',
        message: state.error.message,
        hint: `${nobody} ${state.error.hint ?? ''}`.trim(),
        blob: { descriptor: { mediaType: 'application/octet-stream', digest, size: 0 }, role: 'blob' },
      };
  }
}
