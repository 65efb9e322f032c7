/**
 * Deleting what nothing needs: blobs that no entry of index.json reaches, and what killed processes left in `ingest/`.
 *
 * Kept are blobs that running processes rely on (leases.ts), and manifests whose subject is kept. Entries that are attached to
 * nothing that is kept (attached.ts) go first. The plan is made without the
 * lock; it is carried out under it, after another look at index.json and at the leases.
 */
import { readdirSync, rmSync } from 'node:fs';
import { isChartError, systemErrorCode, throwIfCancelled } from '../errors.js';
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
import type { IndexSession } from './index-update.js';
import { readIngest, type WaitingUpload } from './leases.js';
import { assertOwnDirectories } from './own-directories.js';
import { blobsDir, ingestDir } from './paths.js';
import { reachableFrom } from './reachable.js';
import { recoverAll } from './trash.js';

export interface AbandonedFile {
  /** In `ingest/`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** What goes, or went. */
interface Pruned {
  readonly blobs: readonly DiscardedBlob[];
  readonly ingest: readonly AbandonedFile[];
  /** Bytes of all of these. */
  readonly bytes: number;
}

export interface PruneResult extends Pruned {
  /** Names that were removed. */
  readonly names: readonly string[];
}

/** A name that is to go with what only it needs. */
export interface ObsoleteName {
  readonly name: string;
  /** What it stood for; undefined for a broken entry. */
  readonly digest: Digest | undefined;
}

/** Which names are to go, of these entries: asked when the plan is made, and again under the lock. */
export type ChooseNames = (entries: readonly IndexEntry[]) => Iterable<string>;

export interface PrunePlan extends Pruned {
  /** Names to remove first. */
  readonly names: readonly ObsoleteName[];
  /** Undefined for names that were given one by one. */
  readonly choose?: ChooseNames | undefined;
  /** Names of what is attached to nothing that stays: they go, too, unless something has come to need them. */
  readonly detached: readonly string[];
  /** Blobs that nothing reaches, and that stay because a running process relies on them. */
  readonly inUse: number;
  /** Uploads that stay, since somebody may go on with them. */
  readonly uploads: readonly WaitingUpload[];
  /** The version of index.json that this was found with. */
  readonly index: string;
}

export interface PruneOptions extends CallOptions {
  /** Names that are to be removed with what only they need. */
  readonly names?: readonly string[] | undefined;
  /** The same by a rule, which has to hold still when the plan is carried out. */
  readonly choose?: ChooseNames | undefined;
}

/** Finds what would go. Changes nothing. @throws ChartError `LAYOUT_INVALID`, `LAYOUT_UNREADABLE`, `CANCELLED` */
export async function planPrune(
  { dir, index, workspace }: LayoutContext,
  { names: given = [], choose, signal }: PruneOptions = {},
): Promise<PrunePlan> {
  assertOwnDirectories(dir);
  // In this order: a blob that is named between the two is seen by the second.
  const { leased, abandoned, uploads } = readIngest(dir, workspace.host);
  const all = listBlobs(dir);
  throwIfCancelled(signal);
  const snapshot = await index.read();
  const entries = snapshot.entries();
  const gone = new Set([...given, ...(choose?.(entries) ?? [])]);
  const names = entries.flatMap(({ name, descriptor }) =>
    name !== undefined && gone.has(name) ? [{ name, digest: descriptor?.digest }] : [],
  );
  const { reached: needed, detached } = reachWithAttached(
    dir,
    entries.filter(({ raw }) => !gone.has(claimedName(raw) ?? '')),
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
    choose,
    detached,
    inUse,
    uploads,
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
  const discarded: DiscardedBlob[] = [];
  const names: string[] = [];
  await context.updates.exclusive(
    async (session) => {
      assertOwnDirectories(context.dir);
      const { edit, snapshot } = session;
      // First: on a full disk that may be what makes it possible to go on.
      const recovered = sweep(context, plan, swept);
      const candidates = [...new Set([...plan.blobs.map(({ digest }) => digest), ...recovered])];
      const discard = async (needed: ReadonlySet<Digest>): Promise<number> => {
        const loose = candidates.filter((digest) => !needed.has(digest));
        const before = discarded.length;
        discarded.push(...(await discardBlobs(context, loose, session)));
        return discarded.length - before;
      };
      const gone = stillObsolete(plan, session);
      for (const name of gone) edit.remove(name);
      const isAsPlanned =
        snapshot.version === plan.index && recovered.length === 0 && gone.length === plan.names.length;
      const now = isAsPlanned ? undefined : reachWithAttached(context.dir, entriesOf(edit), candidates);
      const detached = plan.detached.filter((name) => now?.detached.includes(name) ?? true);
      for (const name of detached) edit.remove(name);
      try {
        await session.commit();
      } catch (error) {
        if (!isChartError(error, 'DISK_FULL')) throw error;
        // What no name needs makes room to take away names.
        const { reached } = reachWithAttached(context.dir, snapshot.entries(), candidates);
        for (const digest of reachableFrom(context.dir, descriptorsOf(snapshot.entries()))) reached.add(digest);
        if ((await discard(reached)) === 0) throw error;
        await session.commit();
      }
      names.push(
        ...gone,
        ...detached.filter((name) => snapshot.document.entries.some((raw) => claimedName(raw) === name)),
      );
      if (now) for (const digest of reachableFrom(context.dir, descriptorsOf(entriesOf(edit)))) now.reached.add(digest);
      await discard(now?.reached ?? new Set());
    },
    () => signal?.aborted ?? false,
  );
  return { names, blobs: discarded, ingest: swept, bytes: sum(discarded) + sum(swept) };
}

/** Not a name that stands for something else by now, or that the rule would not take any more. */
function stillObsolete({ names, choose, index }: PrunePlan, { snapshot, edit }: IndexSession): string[] {
  const chosen = choose && snapshot.version !== index ? new Set(choose(snapshot.entries())) : undefined;
  return names.flatMap(({ name, digest }) => {
    const entry = edit.find(name);
    const isSame = entry !== undefined && entry.descriptor?.digest === digest;
    return isSame && (chosen?.has(name) ?? true) ? [name] : [];
  });
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
