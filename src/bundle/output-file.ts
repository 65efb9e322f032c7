/** Files that appear under their names when they are whole, and not before. */
import { randomUUID } from 'node:crypto';
import { lstatSync, realpathSync, rmSync, type Stats } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemWords } from '../chart/system-words.js';
import { ChartError, systemErrorCode, throwIfCancelled } from '../errors.js';
import { moveFile } from '../move-file.js';

/** A file on its way. One of `commit` and `discard` ends it. */
export interface OutputFile {
  readonly path: string;
  /** Bytes that were written. */
  readonly size: number;
  /** Gives it its name, in place of a file that has it. */
  commit(): Promise<void>;
  /** Leaves nothing. Does nothing after `commit`. */
  discard(): Promise<void>;
}

/**
 * Writes a stream beside `path`. What is no regular file, such as a FIFO or /dev/null, is written to as it is.
 *
 * @throws ChartError `BUNDLE_UNWRITABLE`, `DISK_FULL`, `CANCELLED`; what the content throws. Nothing stays then.
 */
export async function writeOutput(
  path: string,
  content: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<OutputFile> {
  const target = resolveTarget(path);
  const isDirect = !isRegular(target);
  const temporary = isDirect ? target : join(dirname(target), `.${basename(target)}.${randomUUID()}.partial`);
  let file: FileHandle | undefined;
  if (!isDirect) addUnfinished(temporary);
  const discard = async (): Promise<void> => {
    removeUnfinished(temporary);
    if (!isDirect) await rm(temporary, { force: true });
  };
  try {
    file = await writing(path, () => open(temporary, isDirect ? 'w' : 'wx', 0o644));
    let size = 0;
    for await (const piece of content) {
      throwIfCancelled(signal);
      await writing(path, () => writeAll(file as FileHandle, piece));
      size += piece.length;
    }
    if (!isDirect) await writing(path, () => (file as FileHandle).sync());
    await writing(path, () => (file as FileHandle).close());
    const commit = async (): Promise<void> => {
      if (!isDirect) await writing(path, () => moveFile(temporary, target));
      removeUnfinished(temporary);
    };
    return { path, size, commit, discard };
  } catch (error) {
    await file?.close().catch(() => undefined);
    await discard();
    throw error;
  }
}

/** Files without their names. A second signal ends the process on the spot; one listener, of which Node.js warns as of a leak if there are many. */
const unfinished = new Set<string>();

function addUnfinished(path: string): void {
  if (unfinished.size === 0) process.on('exit', discardUnfinished);
  unfinished.add(path);
}

function removeUnfinished(path: string): void {
  if (unfinished.delete(path) && unfinished.size === 0) process.removeListener('exit', discardUnfinished);
}

function discardUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}

/** A link stays a link: what it leads to is written. */
function resolveTarget(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isRegular(path: string): boolean {
  const stats = statOf(path);
  if (stats?.isDirectory()) {
    throw new ChartError('BUNDLE_UNWRITABLE', `cannot write ${path}: it is a directory`, {
      hint: 'Name a file, such as charts.tar.',
    });
  }
  return stats === undefined || stats.isFile();
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): unknown {
  const code = systemErrorCode(cause);
  if (code === undefined) return cause;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  return new ChartError(isFull ? 'DISK_FULL' : 'BUNDLE_UNWRITABLE', `cannot write ${path}: ${systemWords(cause)}`, {
    cause,
    hint: isFull
      ? 'Make space there, or make parts with --split, or write to another machine: -o - | ssh HOST chart unbundle -.'
      : 'Name a file in a directory that exists and that you may write to.',
  });
}
