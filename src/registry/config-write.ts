/** Replacing a file of secrets: one writer at a time, all or nothing, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ChartError, systemErrorCode } from '../errors.js';

/** Milliseconds after which the lock of a process that no longer lives is taken over. */
const STALE = 10_000;
const LOCK_RETRIES = { retries: 100, factor: 1.2, minTimeout: 10, maxTimeout: 250, randomize: true };

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
    await mkdir(dirname(found), { recursive: true, mode: 0o700 });
    return found;
  });
  const { default: lockfile } = await import('proper-lockfile');
  const release = await attempt(file, () =>
    lockfile.lock(target, { realpath: false, stale: STALE, retries: LOCK_RETRIES }),
  );
  try {
    const content = await produce();
    if (content !== undefined) await attempt(file, () => replace(target, content));
  } finally {
    await release().catch(() => undefined);
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

async function replace(target: string, content: string): Promise<void> {
  const mode = await stat(target).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  );
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function attempt<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ChartError) throw cause;
    const reason = systemErrorCode(cause) === 'ELOCKED' ? 'another process is writing it' : (cause as Error).message;
    throw new ChartError('CREDENTIALS_UNWRITABLE', `${file} cannot be written: ${reason}`, { cause });
  }
}
