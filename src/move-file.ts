/** A file that takes the place of another. */
import { chmodSync, renameSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemErrorCode } from './errors.js';

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
