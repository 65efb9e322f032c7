/** System errors in the words that Helm (Go) uses for them, so that scripts which match on messages keep working. */
import { systemErrorCode } from '../errors.js';

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'device or resource busy',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'file too large',
  EEXIST: 'file exists',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  ELOOP: 'too many levels of symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'file name too long',
  ENFILE: 'too many open files in system',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
  ENXIO: 'no such device or address',
};

/** `no such file or directory` for an ENOENT, and so on; for what is no system error, its own message. */
export function systemWords(error: unknown): string {
  const code = systemErrorCode(error);
  if (code !== undefined && code in WORDS) return WORDS[code] as string;
  return error instanceof Error ? error.message : String(error);
}
