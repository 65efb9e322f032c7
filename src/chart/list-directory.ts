/** What lies in a directory, for hints and warnings. */
import { type Dirent, readdirSync } from 'node:fs';
import { systemErrorCode } from '../errors.js';

/** Empty where it cannot be read: whoever can write somewhere may still not read there, and others come and go. */
export function listDirectory(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [];
  }
}
