/** Why a file that somebody named cannot be read. */
import { systemWords } from '../chart/system-words.js';
import { systemErrorCode } from '../errors.js';

export function readFault(error: unknown): string {
  const code = systemErrorCode(error);
  return code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a directory' : systemWords(error);
}
