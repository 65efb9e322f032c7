/**
 * Replacing a file of secrets: one writer at a time, all or nothing, readable by its owner alone.
 *
 *     config.json         what everybody reads, always whole
 *     config.json.lock    its next content: who creates it is the one writer, and renames it when done
 */
import { type FileHandle, lstat, open, readlink, realpath, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ChartError, systemErrorCode } from '../errors.js';
import { makeDirectory } from '../make-directory.js';
import { moveFile } from '../move-file.js';

/** Milliseconds to wait for another writer. */
const PATIENCE = 15_000;
/** Milliseconds after which another writer must have died: more than all credential helpers together may take. */
const STALE = 120_000;

/**
 * Replaces the content of a file while no other process does. A link is written through. New directories are 0700, a new
 * file is 0600, an existing one keeps its mode.
 *
 * @param produce gives the new content, or undefined to leave the file alone
 * @throws ChartError `CREDENTIALS_UNWRITABLE`, and what `produce` throws
 */
export async function replaceConfigFile(file: string, produce: () => Promise<string | undefined>): Promise<void> {
  const target = await attempt(file, async () => {
    const found = await targetOf(resolve(file));
    makeDirectory(dirname(found), 0o700);
    return found;
  });
  const next = `${target}.lock`;
  const handle = await attempt(file, () => openAlone(file, next));
  let renamed = false;
  try {
    const content = await produce();
    if (content === undefined) return;
    await attempt(file, () => write(handle, content, target));
    await attempt(file, () => moveFile(next, target));
    renamed = true;
  } finally {
    await handle.close();
    // Once renamed, the name is free for the next writer, and may be another's already.
    if (!renamed) await rm(next, { force: true });
  }
}

/** Where a link leads, also one whose end does not exist yet. */
async function targetOf(file: string, depth = 0): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' || depth > 40) throw error;
  }
  const link = await lstat(file).catch(() => undefined);
  return link?.isSymbolicLink() ? targetOf(resolve(dirname(file), await readlink(file)), depth + 1) : file;
}

async function openAlone(file: string, next: string): Promise<FileHandle> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    try {
      return await open(next, 'wx', 0o600);
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
    const other = await stat(next).catch(() => undefined);
    if (other && Date.now() - other.mtimeMs > STALE) {
      await rm(next, { force: true });
    } else if (performance.now() > end) {
      throw new ChartError('CREDENTIALS_UNWRITABLE', `${file} cannot be written: another process is writing it`, {
        hint: `If none is, remove ${next}.`,
      });
    } else {
      await pause(5 + Math.random() * 20);
    }
  }
}

async function write(handle: FileHandle, content: string, target: string): Promise<void> {
  const existing = await stat(target).catch(() => undefined);
  await handle.writeFile(content);
  if (existing) await handle.chmod(existing.mode & 0o777);
  await handle.sync();
  await handle.close();
}

async function attempt<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ChartError) throw cause;
    throw new ChartError('CREDENTIALS_UNWRITABLE', `${file} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
