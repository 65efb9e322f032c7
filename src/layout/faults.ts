/**
 * What the operating system reports, in words of the cache: which file, why, and what to do.
 */
import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ChartError, systemErrorCode } from '../errors.js';

const NO_FILE = 'it is no file';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'file too large',
  EROFS: 'read-only file system',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EIO: 'input/output error',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files in system',
  ENOTDIR: 'not a directory',
  EEXIST: 'a file is where a directory should be',
  EISDIR: 'it is a directory',
  ENXIO: NO_FILE,
  ESPIPE: NO_FILE,
  EAGAIN: NO_FILE,
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  EXDEV: 'it is on another file system than the rest of the cache',
};

/** What a code of the operating system means; the code itself where nobody has met it. */
export function systemReason(code: string): string {
  return REASONS[code] ?? code;
}

/** Calls `read`; undefined where there is no such file (any more): others come and go while this looks. */
export function present<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw readFault(error, path);
  }
}

/** Calls `body` and turns its system errors into `ChartError`s about writing `path`. */
export function writing<T>(path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw writeFault(error, path);
  }
}

/**
 * @returns `DISK_FULL`, `LAYOUT_UNWRITABLE` or `LAYOUT_INVALID`; what is no such system error comes back as it is
 */
export function writeFault(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  const reason = code === undefined ? undefined : REASONS[code];
  // What mkdir says on a read-only file system, too.
  if (code === 'ENOENT') return unwritable(path, 'it cannot be made there', error);
  if (code === undefined || reason === undefined) return error;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new ChartError('DISK_FULL', `cannot write ${path}: ${reason}`, {
        hint: 'Nothing was changed. Make space ("chart prune" deletes what no reference needs) and run the command again.',
        cause: error,
      });
    case 'ENOTDIR':
      return notADirectory(path, error);
    case 'EEXIST':
      return linkToNothing(path, error) ?? unwritable(path, reason, error);
    case 'EXDEV':
      return new ChartError('LAYOUT_INVALID', `cannot write ${path}: ${reason}`, {
        hint: 'ingest/, blobs/ and index.json of a cache have to be on one file system.',
        cause: error,
      });
    default:
      return unwritable(path, reason, error);
  }
}

function unwritable(path: string, reason: string, cause: unknown): ChartError {
  return new ChartError('LAYOUT_UNWRITABLE', `cannot write ${path}: ${reason}`, {
    hint:
      hintOf(systemErrorCode(cause)) ??
      (['EACCES', 'EPERM'].includes(systemErrorCode(cause) ?? '') ? ownerHint(path) : undefined) ??
      'Use a cache directory that you may write to (--cache-dir), or ask its owner; nothing was changed.',
    cause,
  });
}

/** What to do where neither place nor owner of the file matters. */
function hintOf(code: string | undefined): string | undefined {
  if (code === 'EIO') return 'The disk reports a fault; copy the cache to another one.';
  if (code !== 'EMFILE' && code !== 'ENFILE') return undefined;
  return 'Raise the limit of open files (ulimit -n), or end what holds so many, and run the command again.';
}

/** Whose it is, where it is not this user's. */
function ownerHint(path: string): string | undefined {
  const place = nearestThere(path);
  const stats = statSync(place, { throwIfNoEntry: false });
  if (stats === undefined || process.getuid === undefined || stats.uid === process.getuid()) return undefined;
  return `${place} belongs to ${userName(stats.uid)}. Use a cache directory of your own (--cache-dir), or have its owner let you write there; nothing was changed.`;
}

function nearestThere(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));
}

function userName(id: number): string {
  try {
    const line = readFileSync('/etc/passwd', 'latin1')
      .split('\n')
      .find((one) => one.split(':')[2] === `${id}`);
    return line?.split(':')[0] || `user ${id}`;
  } catch {
    return `user ${id}`;
  }
}

/** Where a link that leads nowhere is in the place of a directory; undefined for anything else. */
function linkToNothing(path: string, cause: unknown): ChartError | undefined {
  const link = cause instanceof Error && 'path' in cause ? String(cause.path) : path;
  try {
    if (!lstatSync(link).isSymbolicLink()) return undefined;
    const words = `cannot write ${path}: ${link} is a link to ${readlinkSync(link)}, which does not exist`;
    return new ChartError('LAYOUT_UNWRITABLE', words, {
      hint: 'Make the directory that it leads to (is a disk not mounted?), remove the link, or use another directory (--cache-dir).',
      cause,
    });
  } catch {
    return undefined;
  }
}

/** @returns `LAYOUT_UNREADABLE` or `LAYOUT_INVALID`; what is no such system error comes back as it is */
export function readFault(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  const reason = code === undefined ? undefined : REASONS[code];
  if (code === undefined || reason === undefined) return error;
  if (code === 'ENOTDIR') return notADirectory(path, error);
  return new ChartError('LAYOUT_UNREADABLE', `cannot read ${path}: ${reason}`, {
    hint:
      hintOf(code) ??
      (reason === NO_FILE || code === 'EISDIR'
        ? 'Move it away, and save or pull the chart again: that puts back what should be there.'
        : 'Check the permissions of the cache directory, or use another one (--cache-dir).'),
    cause: error,
  });
}

/** Helm 3.6.3's words, which name the cache directory whichever file of it was wanted. */
function notADirectory(path: string, cause: unknown): ChartError {
  const dir = path.replace(/\/(?:oci-layout|index\.json.*|blobs(?:\/.*)?|ingest(?:\/.*)?)$/, '');
  return new ChartError('LAYOUT_INVALID', `mkdir ${dir}: not a directory`, {
    hint: 'A file is where the cache directory should be; move it away or use another directory (--cache-dir).',
    cause,
  });
}
