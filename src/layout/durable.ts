/**
 * What makes a file last: fsync of the file before its rename, and of the directory after it.
 */
import { chmodSync, closeSync, fdatasync, fsync, openSync, renameSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ChartError, systemErrorCode } from '../errors.js';
import { systemReason } from './faults.js';

/** Off the main thread: several files sync at the same time, and the file system commits them together. */
export const syncFile: (fd: number) => Promise<void> = promisify(fsync);

const syncContent: (fd: number) => Promise<void> = promisify(fdatasync);

/** Sets the disk to work on files that are still being written. One at a time: each takes one of the few threads for the disk. */
export class WriteBack {
  #isBusy = false;

  /** @returns undefined while it is busy. Rejects where content was lost: nobody else is told of that. */
  begin(fd: number): Promise<void> | undefined {
    if (this.#isBusy) return undefined;
    this.#isBusy = true;
    return syncContent(fd).finally(() => {
      this.#isBusy = false;
    });
  }
}

/**
 * Makes renames into the directory last. Does nothing where directories cannot be synced (Windows, some network mounts).
 *
 * @throws ChartError `LAYOUT_UNWRITABLE`, when what was renamed has its name already
 */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    const fd = openSync(path, 'r');
    try {
      await syncFile(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === undefined) throw cause;
    if (['EINVAL', 'ENOTSUP', 'EBADF', 'EISDIR'].includes(code)) return;
    throw new ChartError('LAYOUT_UNWRITABLE', `cannot write ${path} to the disk: ${systemReason(code)}`, {
      cause,
      hint: 'What was written may not outlast a power failure. Check the disk, and run the command again.',
    });
  }
}

export interface MoveOptions {
  /** Called right before each attempt, with nothing in between; what it throws, the move throws. */
  readonly check?: (() => void) | undefined;
  readonly rename?: ((from: string, to: string) => void) | undefined;
  readonly platform?: NodeJS.Platform;
}

const ATTEMPTS = 12;

/**
 * Renames, over a file that is there. On Windows that fails for as long as somebody has the target open, or if it is
 * read-only: tried again for some two seconds. Elsewhere the first attempt decides, and is made before this returns.
 */
export async function moveFile(
  from: string,
  to: string,
  { check, rename = renameSync, platform = process.platform }: MoveOptions = {},
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    check?.();
    try {
      return rename(from, to);
    } catch (error) {
      const busy = ['EPERM', 'EBUSY', 'EACCES'].includes(systemErrorCode(error) ?? '');
      if (platform !== 'win32' || !busy || attempt >= ATTEMPTS) throw error;
      makeWritable(to);
    }
    await delay(Math.min(10 * 2 ** (attempt - 1), 250));
  }
}

function makeWritable(path: string): void {
  try {
    chmodSync(path, 0o666);
  } catch {
    // It is not there, or not ours: the next attempt says so.
  }
}
