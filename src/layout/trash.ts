/**
 * Blobs on their way out, in the workspace of the process that deletes them.
 *
 *     ingest/w-.../trash-7/HEX    moved out of blobs/, until it is certain that nobody relies on it
 *
 * Under the lock of index.json nobody else deletes. So whoever has the lock and finds trash has found what a killed process left,
 * and what is needed can be put back.
 */
import { linkSync, lstatSync, readdirSync, renameSync } from 'node:fs';
import { isChartError, systemErrorCode } from '../errors.js';
import { type Digest, digestHex, isDigest } from '../oci/digest.js';
import type { LayoutContext } from './context.js';
import { present, readFault, writeFault } from './faults.js';
import { blobPath, ingestDir } from './paths.js';
import { workspaceOwner } from './workspace.js';

/** What the name of a directory in a workspace begins with. */
export const TRASH = 'trash-';

/** @returns false if the blob is not here */
export function throwAway(dir: string, digest: Digest, trash: string): boolean {
  const from = blobPath(dir, digest);
  try {
    renameSync(from, `${trash}/${digestHex(digest)}`);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw writeFault(error, from);
  }
}

/** Does not replace what a writer has put there in the meantime, where the file system has links. */
export function putBack(dir: string, digest: Digest, trash: string): void {
  const from = `${trash}/${digestHex(digest)}`;
  const to = blobPath(dir, digest);
  try {
    linkSync(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') renameSync(from, to);
  }
}

/** Puts a blob back that a killed process was deleting. To be called under the lock. @returns false if there is none */
export function recover(dir: string, digest: Digest): boolean {
  for (const workspace of list(ingestDir(dir))) {
    for (const { trash, digests } of trashIn(dir, workspace)) {
      if (!digests.includes(digest)) continue;
      putBack(dir, digest, trash);
      return true;
    }
  }
  return false;
}

/**
 * Reads a blob that this process may rely on. If it does, and the blob is not here, prune has taken it for a moment or was killed
 * after that: it is read again when prune has ended, and has been put back.
 */
export async function readRelied<T>(
  { dir, workspace, updates }: LayoutContext,
  digest: Digest,
  read: () => T | Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isChartError(error, 'BLOB_NOT_FOUND') || !workspace.reliesOn(digest)) throw error;
  }
  await updates.exclusive(async () => recover(dir, digest));
  return read();
}

/** Puts back all that is in a workspace whose owner is dead. To be called under the lock. @returns what was put back */
export function recoverAll(dir: string, workspace: string): Digest[] {
  return trashIn(dir, workspace).flatMap(({ trash, digests }) => {
    for (const digest of digests) putBack(dir, digest, trash);
    return digests;
  });
}

function trashIn(dir: string, workspace: string): { readonly trash: string; readonly digests: Digest[] }[] {
  if (workspaceOwner(workspace) === undefined) return [];
  const path = `${ingestDir(dir)}/${workspace}`;
  if (!present(path, () => lstatSync(path, { throwIfNoEntry: false }))?.isDirectory()) return [];
  const names = list(path).filter((name) => name.startsWith(TRASH));
  return names.map((name) => {
    const trash = `${path}/${name}`;
    const digests = list(trash).map((hex) => `sha${hex.length === 128 ? 512 : 256}:${hex}`);
    return { trash, digests: digests.filter(isDigest) };
  });
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw readFault(error, path);
  }
}
