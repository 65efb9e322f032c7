/**
 * Files beside the cache that hold nothing which could not be made anew: they may be deleted at any time, and whatever is in them
 * is believed only as far as the reader can check it.
 *
 *     list-cache     chart-list-3 1542670745      what it is, and the checksum of all that follows
 *                    ...
 *
 * They are not synced: after a crash the checksum tells that one is not whole. It guards against accidents only, for who can
 * write here could write the right one too; a cryptographic one would take as long to load as all else to read.
 */
import { isAscii } from 'node:buffer';
import { closeSync, fstatSync, readFileSync, statSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { isChartError, systemErrorCode } from '../errors.js';
import { moveFile } from '../move-file.js';
import type { LayoutContext } from './context.js';
import { checkIsFile, openFile } from './open-file.js';
import { indexPath } from './paths.js';

export interface DerivedFile {
  /** In the directory of the cache. */
  readonly name: string;
  /** What it holds and in which form; a file of another kind is none. */
  readonly kind: string;
}

/** Bytes; above what a million charts need, such a file is not read. */
const SIZE_LIMIT = 512 * 1024 * 1024;

/** @returns undefined for a file that is missing, damaged or not to be read: never an error */
export function readDerived(dir: string, { name, kind }: DerivedFile): string | undefined {
  const bytes = readWhole(`${dir}/${name}`);
  const end = bytes?.indexOf(0x0a) ?? -1;
  if (bytes === undefined || end < 0 || end > 200) return undefined;
  const content = bytes.subarray(end + 1);
  if (bytes.toString('latin1', 0, end) !== `${kind} ${crc32(content)}`) return undefined;
  return content.toString(isAscii(content) ? 'latin1' : 'utf8');
}

function readWhole(path: string): Buffer | undefined {
  try {
    const fd = openFile(path);
    try {
      const stats = fstatSync(fd);
      checkIsFile(stats, path);
      return stats.size > SIZE_LIMIT ? undefined : readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return noMatter(error);
  }
}

/** Replaces the file as a whole. Does nothing where the cache may not be written to, has no index.json, or the disk is full. */
export async function writeDerived(context: LayoutContext, { name, kind }: DerivedFile, text: string): Promise<void> {
  if (context.readOnly) return;
  try {
    // Who may not read the names in index.json is not to read them here.
    const mode = statSync(indexPath(context.dir)).mode & 0o666;
    const content = Buffer.from(text);
    const bytes = Buffer.concat([Buffer.from(`${kind} ${crc32(content)}\n`), content]);
    const file = context.workspace.createFile(mode);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file.fd, bytes, done);
      file.close();
      await moveFile(file.path, `${context.dir}/${name}`);
      file.release();
    } finally {
      file.discard();
    }
  } catch (error) {
    noMatter(error);
  }
}

/** What the system has against it only means that the work is done again. @throws anything else */
function noMatter(error: unknown): undefined {
  if (systemErrorCode(error) === undefined && !isChartError(error)) throw error;
  return undefined;
}
