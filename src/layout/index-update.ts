/**
 * Changes of index.json: under the lock, read, change, write to a new file, fsync, rename. What this process wants to change at
 * the same time goes into one write.
 *
 * Right before the rename it is made sure that the lock is still held and that index.json is the file that was read. If
 * not (this process was stopped for so long that another broke its lock, or Helm 3.6.3, which knows no lock, wrote), the
 * change is made again on what is there now.
 */
import { fchmodSync, futimesSync, type Stats, statSync, writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { ChartError, cancelled, throwIfCancelled } from '../errors.js';
import { moveFile } from '../move-file.js';
import { onAbort } from '../on-abort.js';
import { syncDirectory, syncFile } from './durable.js';
import { writeFault } from './faults.js';
import { IndexEdit } from './index-edit.js';
import type { IndexFile, IndexSnapshot } from './index-file.js';
import { formatIndex } from './index-json.js';
import { acquireLock, type HeldLock, LockLost, type LockWait } from './lock.js';
import { assertNoLink } from './own-directories.js';
import { indexPath } from './paths.js';
import type { Workspace } from './workspace.js';

export interface UpdateSettings {
  readonly dir: string;
  readonly index: IndexFile;
  readonly workspace: Workspace;
  readonly fsync: boolean;
  /** Milliseconds. */
  readonly lockTimeout: number;
  readonly onLockWait?: ((wait: LockWait) => void) | undefined;
  /** Makes the directories, and refuses where nothing may be written. */
  readonly prepare: () => Promise<void>;
}

/** index.json under the lock. */
export interface IndexSession {
  readonly snapshot: IndexSnapshot;
  readonly edit: IndexEdit;
  /** Writes what was edited. Does nothing if that is nothing. */
  commit(): Promise<void>;
  /** @throws LockLost, which `exclusive` understands: it begins again */
  assertHeld(): void;
}

interface Waiting {
  readonly mutate: (edit: IndexEdit) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly isCancelled: () => boolean;
  readonly stop: () => void;
}

/** Internal: somebody without the lock has written. */
class IndexChanged extends Error {}

export class IndexUpdates {
  readonly #settings: UpdateSettings;
  #waiting: Waiting[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  constructor(settings: UpdateSettings) {
    this.#settings = settings;
  }

  /**
   * Changes the entries.
   *
   * @param mutate may be called more than once, each time with the entries as they are then; to refuse, it throws before it
   *   changes anything
   */
  update<T>(mutate: (edit: IndexEdit) => T, signal?: AbortSignal): Promise<T> {
    throwIfCancelled(signal);
    return new Promise<T>((resolve, reject) => {
      const stop = onAbort(signal, () => reject(cancelled(signal as AbortSignal)));
      const isCancelled = (): boolean => signal?.aborted ?? false;
      this.#waiting.push({ mutate, resolve: resolve as (value: unknown) => void, reject, isCancelled, stop });
      if (this.#waiting.length === 1) void this.#inTurn(() => this.#applyWaiting());
    });
  }

  /** Runs `body` under the lock; again from the start if the lock was lost or somebody else wrote before a `commit`. */
  exclusive<T>(body: (session: IndexSession) => Promise<T>, isCancelled?: () => boolean): Promise<T> {
    return this.#inTurn(() => this.#locked(body, isCancelled));
  }

  /** One after the other in this process: nobody here has to poll for a lock that is held here. */
  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(body);
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async #applyWaiting(): Promise<void> {
    if (this.#waiting.length === 0) return;
    let batch: Waiting[] = [];
    const isCancelled = (): boolean => [...batch, ...this.#waiting].every((waiting) => waiting.isCancelled());
    try {
      const outcomes = await this.#locked(async (session) => {
        // Whoever has come while the lock was waited for is served too.
        batch = [...batch, ...this.#waiting.splice(0)];
        const applied = batch.map((waiting) => apply(waiting, session.edit));
        await session.commit();
        return applied;
      }, isCancelled);
      for (const [position, waiting] of batch.entries()) outcomes[position]?.(waiting);
    } catch (error) {
      for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(error);
    } finally {
      for (const { stop } of batch) stop();
    }
  }

  async #locked<T>(body: (session: IndexSession) => Promise<T>, isCancelled?: () => boolean): Promise<T> {
    const { dir, workspace, prepare, fsync, lockTimeout, onLockWait } = this.#settings;
    await prepare();
    const deadline = performance.now() + lockTimeout;
    for (;;) {
      const timeout = Math.max(0, deadline - performance.now());
      const held = await acquireLock({ dir, workspace, timeout, onWait: onLockWait, isCancelled });
      let written = false;
      try {
        const session = await this.#openSession(held, () => {
          written = true;
        });
        return await body(session);
      } catch (error) {
        if (!(error instanceof LockLost || error instanceof IndexChanged)) throw error;
        if (performance.now() >= deadline) throw busy(dir, error);
      } finally {
        await held.release();
        if (written && fsync) await syncDirectory(dir);
      }
    }
  }

  async #openSession(held: HeldLock, onWritten: () => void): Promise<IndexSession> {
    const snapshot = await this.#settings.index.read();
    const edit = new IndexEdit(snapshot.document.entries);
    const commit = async (): Promise<void> => {
      if (!edit.changed && snapshot.document.isWhole) return;
      await this.#write(snapshot, edit.result(), held);
      onWritten();
    };
    return { snapshot, edit, commit, assertHeld: held.assertHeld };
  }

  async #write({ document, version }: IndexSnapshot, entries: unknown[], held: HeldLock): Promise<void> {
    const { dir, workspace, index, fsync } = this.#settings;
    const path = indexPath(dir);
    assertNoLink(path);
    const file = workspace.createFile(0o644);
    try {
      writeAll(file.fd, Buffer.from(formatIndex({ members: document.members, entries })));
      keepModeAndOrder(file.fd, statSync(path, { throwIfNoEntry: false }));
      if (fsync) await syncFile(file.fd);
      file.close();
      const check = (): void => {
        held.assertHeld();
        if (index.version() !== version) throw new IndexChanged('index.json was changed without the lock');
      };
      await moveFile(file.path, path, { check });
      file.release();
    } catch (error) {
      file.discard();
      throw writeFault(error, path);
    }
  }
}

/** @returns what tells the caller, once all is written */
function apply({ mutate, isCancelled }: Waiting, edit: IndexEdit): (waiting: Waiting) => void {
  if (isCancelled()) return () => undefined;
  try {
    const value = mutate(edit);
    return ({ resolve }) => resolve(value);
  } catch (error) {
    return ({ reject }) => reject(error);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}

/** Milliseconds by which the clock of a file system may be behind. */
const COARSE_CLOCK = 100;

/** The mode that the file had, and an mtime after the one that it had: see index-file.ts. */
function keepModeAndOrder(fd: number, before: Stats | undefined): void {
  if (before === undefined) return;
  fchmodSync(fd, before.mode & 0o777);
  const now = Date.now();
  if (now - before.mtimeMs < COARSE_CLOCK) {
    const after = Math.max(now, Math.floor(before.mtimeMs) + 2) / 1000;
    futimesSync(fd, after, after);
  }
}

function busy(dir: string, cause: unknown): ChartError {
  return new ChartError(
    'LAYOUT_LOCKED',
    `the cache ${dir} is being changed all the time by something without the lock`,
    {
      hint: 'Helm 3.6.3 knows no lock: run nothing else on the cache while it writes.',
      cause,
    },
  );
}
