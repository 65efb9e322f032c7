/**
 * The directories of a cache have to be its own. Through a link in the place of one, prune would delete what is not this cache's: its
 * names say nothing of which blobs another cache needs. What leads to the cache directory itself may be a link.
 *
 *     CACHE/ingest, CACHE/blobs, CACHE/blobs/ALGORITHM     directories, or not there; CACHE/index.json is a file of its own, too
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { ChartError } from '../errors.js';
import { present } from './faults.js';
import { blobsDir, indexPath, ingestDir } from './paths.js';

/** To be called before anything is written or deleted. @throws ChartError `LAYOUT_INVALID` for the first that is a link */
export function assertOwnDirectories(dir: string): void {
  for (const path of directories(dir)) assertNoLink(path);
}

/** The same for `ingest/` alone. */
export function assertOwnIngest(dir: string): void {
  assertNoLink(ingestDir(dir));
}

/** True where `ingest/` is there, and is a directory. */
export function hasOwnIngest(dir: string): boolean {
  try {
    return lstatSync(ingestDir(dir), { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

/**
 * Writing index.json would replace a link there by a file, and leave what it leads to as it was; the lock, too, is that of this directory.
 *
 * @throws ChartError `LAYOUT_INVALID`
 */
export function assertNoLink(path: string): void {
  const error = linkFault(path);
  if (error) throw error;
}

/** What writing and pruning would throw, with the path within the cache. */
export function findLinks(dir: string): { readonly path: string; readonly error: ChartError }[] {
  return [indexPath(dir), ...directories(dir)].flatMap((path) => {
    const error = linkFault(path);
    return error ? [{ path: path.slice(dir.length + 1), error }] : [];
  });
}

function directories(dir: string): string[] {
  return [ingestDir(dir), `${dir}/blobs`, ...['sha256', 'sha512'].map((algorithm) => blobsDir(dir, algorithm))];
}

function linkFault(path: string): ChartError | undefined {
  const stats = present(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (!stats?.isSymbolicLink()) return undefined;
  const target = present(path, () => readlinkSync(path)) ?? '';
  return new ChartError('LAYOUT_INVALID', `${path} is a symbolic link to ${target}`, {
    hint: 'Nothing is written or deleted through it, since others may need what is there. Put a copy of it in the place of the link; a link to the whole cache directory does no harm.',
  });
}
