/**
 * What makes a file last: fsync of the file before its rename, and of the directory after it.
 */
import { closeSync, fdatasync, fsync, openSync } from 'node:fs';
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
