/** What the functions of this folder share: where the cache is, how it is to be treated, and what is known of it so far. */
import { ChartError } from '../errors.js';
import { WriteBack } from './durable.js';
import { IndexFile } from './index-file.js';
import { IndexUpdates } from './index-update.js';
import type { LockWait } from './lock.js';
import type { ManifestFacts } from './manifest-facts.js';
import { hasOwnIngest } from './own-directories.js';
import { ingestDir } from './paths.js';
import { prepareLayout } from './prepare.js';
import { Workspace } from './workspace.js';

/** How a cache is used. */
export interface LayoutOptions {
  /** Refuse every change. */
  readonly readOnly?: boolean | undefined;
  /** Wait until files are on the disk before saying that they are stored; true if absent. False is for throw-away caches. */
  readonly fsync?: boolean | undefined;
  /** Milliseconds to wait for another process that changes index.json; 60,000 if absent. */
  readonly lockTimeout?: number | undefined;
  /** Called once a wait, after a second. */
  readonly onLockWait?: ((wait: LockWait) => void) | undefined;
}

export interface LayoutContext {
  /** Absolute. */
  readonly dir: string;
  readonly fsync: boolean;
  /** Undefined without fsync. */
  readonly writeBack: WriteBack | undefined;
  readonly readOnly: boolean;
  readonly index: IndexFile;
  readonly updates: IndexUpdates;
  readonly workspace: Workspace;
  readonly facts: ManifestFacts;
  /** To be called before anything is written. @throws ChartError `LAYOUT_UNWRITABLE`, `LAYOUT_INVALID`, `DISK_FULL` */
  readonly prepare: () => Promise<void>;
}

export function createContext(
  dir: string,
  { readOnly = false, fsync = true, lockTimeout = 60_000, onLockWait }: LayoutOptions,
  facts: ManifestFacts,
  index = new IndexFile(dir),
): LayoutContext {
  const workspace = new Workspace(ingestDir(dir));
  let prepared: Promise<void> | undefined;
  const prepare = (): Promise<void> => {
    if (readOnly)
      return Promise.reject(new ChartError('LAYOUT_UNWRITABLE', `the cache ${dir} was opened for reading only`));
    // A directory that was deleted under a long-lived process is made again.
    if (!hasOwnIngest(dir)) prepared = undefined;
    prepared ??= prepareLayout(dir, workspace, fsync).catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    return prepared;
  };
  const updates = new IndexUpdates({ dir, index, workspace, fsync, lockTimeout, onLockWait, prepare });
  const writeBack = fsync ? new WriteBack() : undefined;
  return { dir, fsync, writeBack, readOnly, index, updates, workspace, facts, prepare };
}
