/** What has to be there before anything is written. */
import { writeSync } from 'node:fs';
import { makeDirectory } from '../make-directory.js';
import { moveFile } from '../move-file.js';
import { syncFile } from './durable.js';
import { writeFault, writing } from './faults.js';
import { CONTENT, checkLayoutFile } from './layout-file.js';
import { assertOwnDirectories } from './own-directories.js';
import { blobsDir, ingestDir, layoutFilePath } from './paths.js';
import type { Workspace } from './workspace.js';

/** Makes what a writer needs: the directories, and oci-layout in a directory that has none. */
export async function prepareLayout(dir: string, workspace: Workspace, fsync: boolean): Promise<void> {
  assertOwnDirectories(dir);
  for (const path of [ingestDir(dir), blobsDir(dir, 'sha256')]) {
    writing(path, () => makeDirectory(path));
  }
  if (checkLayoutFile(dir)) return;
  const file = workspace.createFile(0o644);
  try {
    writeSync(file.fd, CONTENT);
    if (fsync) await syncFile(file.fd);
    file.close();
    await moveFile(file.path, layoutFilePath(dir));
    file.release();
  } catch (error) {
    throw writeFault(error, layoutFilePath(dir));
  } finally {
    file.discard();
  }
}
