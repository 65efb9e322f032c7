/**
 * Deleting what nothing needs: blobs that no entry of index.json reaches, and what killed processes left in `ingest/`.
 *
 * Kept are blobs that running processes rely on (leases.ts), and manifests whose subject is kept. Entries that are attached to
 * nothing that is kept (attached.ts) go first. The plan is made without the
 * lock; it is carried out under it, after another look at index.json and at the leases.
 */
import { readdirSync, rmSync } from 'node:fs';
import { systemErrorCode, throwIfCancelled } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { isDigest } from '../oci/digest.js';
import type { CallOptions } from '../oci/target.js';
import { reachWithAttached } from './attached.js';
import { findBlob } from './blobs.js';
import type { LayoutContext } from './context.js';
import { type DiscardedBlob, discardBlobs } from './discard.js';
import { readFault, writing } from './faults.js';
import type { IndexEdit } from './index-edit.js';
import type { IndexEntry } from './index-json.js';
import { claimedName, parseEntry } from './index-json.js';
import { readIngest } from './leases.js';
import { blobsDir, ingestDir } from './paths.js';
import { reachableFrom } from './reachable.js';
import { recoverAll } from './trash.js';

export interface AbandonedFile {
  /** In `ingest/`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

export interface PruneResult {
  readonly blobs: readonly DiscardedBlob[];
  readonly ingest: readonly AbandonedFile[];
  /** Bytes of all of these. */
  readonly bytes: number;
}

export interface PrunePlan extends PruneResult {
  /** Names to remove first. */
  readonly names: readonly string[];
  /** Names of what is attached to nothing that stays: they go, too, unless something has come to need them. */
  readonly detached: readonly string[];
  /** Blobs that nothing reaches, and that stay because a running process relies on them. */
  readonly inUse: number;
  /** The version of index.json that this was found with. */
  readonly index: string;
}

export interface PruneOptions extends CallOptions {
  /** Names that are to be removed with what only they need. */
  readonly names?: readonly string[] | undefined;
}

/** Finds what would go. Changes nothing. @throws ChartError `LAYOUT_INVALID`, `LAYOUT_UNREADABLE`, `CANCELLED` */
export async function planPrune(
  { dir, index, workspace }: LayoutContext,
  { names = [], signal }: PruneOptions = {},
): Promise<PrunePlan> {
  // In this order: a blob that is named between the two is seen by the second.
  const { leased, abandoned } = readIngest(dir, workspace.host);
  const all = listBlobs(dir);
  throwIfCancelled(signal);
  const snapshot = await index.read();
  const gone = new Set(names);
  const { reached: needed, detached } = reachWithAttached(
    dir,
    snapshot.entries().filter(({ raw }) => !gone.has(claimedName(raw) ?? '')),
    all,
  );
  throwIfCancelled(signal);
  const loose = all.filter((digest) => !needed.has(digest));
  const blobs = loose.flatMap((digest) => {
    const file = leased.has(digest) ? undefined : findBlob(dir, digest);
    return file ? [{ digest, size: file.size }] : [];
  });
  const inUse = loose.filter((digest) => leased.has(digest)).length;
  return {
    blobs,
    ingest: abandoned,
    bytes: sum(blobs) + sum(abandoned),
    names,
    detached,
    inUse,
    index: snapshot.version,
  };
}

/**
 * Deletes what the plan names, unless something has come to need it.
 *
 * @returns what was deleted
 * @throws ChartError `LAYOUT_LOCKED`, `LAYOUT_UNWRITABLE`, `CANCELLED`
 */
export async function applyPrune(
  context: LayoutContext,
  plan: PrunePlan,
  { signal }: CallOptions = {},
): Promise<PruneResult> {
  const swept: AbandonedFile[] = [];
  const discarded = await context.updates.exclusive(
    async (session) => {
      const { edit, snapshot } = session;
      // First: on a full disk that may be what makes it possible to go on.
      const recovered = sweep(context, plan, swept);
      for (const name of plan.names) edit.remove(name);
      const candidates = [...new Set([...plan.blobs.map(({ digest }) => digest), ...recovered])];
      const asPlanned = snapshot.version === plan.index && recovered.length === 0;
      const now = asPlanned ? undefined : reachWithAttached(context.dir, entriesOf(edit), candidates);
      for (const name of plan.detached) if (now?.detached.includes(name) ?? true) edit.remove(name);
      await session.commit();
      if (now) for (const digest of reachableFrom(context.dir, descriptorsOf(entriesOf(edit)))) now.reached.add(digest);
      const loose = now ? candidates.filter((digest) => !now.reached.has(digest)) : candidates;
      return discardBlobs(context, loose, session);
    },
    () => signal?.aborted ?? false,
  );
  return { blobs: discarded, ingest: swept, bytes: sum(discarded) + sum(swept) };
}

function descriptorsOf(entries: readonly IndexEntry[]): Descriptor[] {
  return entries.flatMap(({ descriptor }) => descriptor ?? []);
}

function entriesOf(edit: IndexEdit): IndexEntry[] {
  return edit.result().map((raw, position) => parseEntry(raw, claimedName(raw), position));
}

/**
 * Deletes what is still abandoned: an upload may have gone on.
 *
 * @param swept gets what was deleted
 * @returns blobs that were put back, because the process that deleted them was killed
 */
function sweep({ dir, workspace }: LayoutContext, { ingest }: PrunePlan, swept: AbandonedFile[]): Digest[] {
  const planned = new Set(ingest.map(({ name }) => name));
  const { abandoned } = readIngest(dir, workspace.host);
  const recovered: Digest[] = [];
  for (const item of abandoned.filter(({ name }) => planned.has(name))) {
    const path = `${ingestDir(dir)}/${item.name}`;
    writing(path, () => {
      recovered.push(...recoverAll(dir, item.name));
      rmSync(path, { recursive: true, force: true });
    });
    swept.push(item);
  }
  return recovered;
}

/** Every file in `blobs/` that has the name of a digest. */
export function listBlobs(dir: string): Digest[] {
  return ['sha256', 'sha512'].flatMap((algorithm) => {
    const path = blobsDir(dir, algorithm);
    try {
      return readdirSync(path)
        .map((name) => `${algorithm}:${name}`)
        .filter(isDigest);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw readFault(error, path);
    }
  });
}

function sum(items: readonly { readonly size: number }[]): number {
  return items.reduce((total, { size }) => total + size, 0);
}
