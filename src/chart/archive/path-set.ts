import { ChartError } from '../../errors.js';
import { quoteName } from './entry-path.js';

/**
 * The paths of one chart. Two that name the same file, or that some file system (case-blind, or normalising Unicode)
 * takes for the same, are refused: one of them would silently overwrite the other.
 */
export class PathSet {
  readonly #seen = new Map<string, string>();
  readonly #directories = new Set<string>();

  /**
   * A directory may be added many times, a file once. The directories that lead to a path need not be added.
   *
   * @throws ChartError `ARCHIVE_UNSAFE`
   */
  add(path: string, isDirectory: boolean): void {
    if (this.#directories.has(path)) {
      if (!isDirectory) throw conflict(`${quoteName(path)} is both a file and a directory`);
      return;
    }
    const cut = path.lastIndexOf('/');
    if (cut > 0 && !this.#directories.has(path.slice(0, cut))) this.add(path.slice(0, cut), true);
    const key = fold(path);
    const other = this.#seen.get(key);
    if (other !== undefined) {
      if (other !== path) {
        throw conflict(`${quoteName(other)} and ${quoteName(path)} differ only in case or Unicode form`);
      }
      throw conflict(
        isDirectory ? `${quoteName(path)} is both a file and a directory` : `${quoteName(path)} occurs twice`,
      );
    }
    this.#seen.set(key, path);
    if (isDirectory) this.#directories.add(path);
  }
}

/** Equal for names that APFS, HFS+ or NTFS could take for one. */
function fold(path: string): string {
  return path.normalize('NFD').toUpperCase().normalize('NFD');
}

function conflict(message: string): ChartError {
  return new ChartError('ARCHIVE_UNSAFE', message, {
    hint: 'On some systems one of the two would overwrite the other; rename one of them.',
  });
}
