/** Directories with those above them. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemErrorCode } from './errors.js';

/**
 * Makes a directory and those above it; does nothing where it is there. Node's own `recursive` never ends where a directory
 * cannot be made and the system says no more than ENOENT, as below /proc.
 *
 * @throws the system's error
 */
export function makeDirectory(path: string, mode = 0o755): void {
  try {
    makeOne(path, mode);
  } catch (error) {
    const parent = dirname(resolve(path));
    if (systemErrorCode(error) !== 'ENOENT' || parent === resolve(path)) throw error;
    makeDirectory(parent, mode);
    makeOne(path, mode);
  }
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Of a directory that is there systems say EEXIST, or that they are read-only, or that it is not ours.
    if (systemErrorCode(error) === 'ENOENT' || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
