/** How files of a repository are read: over the network by what the operations bring, or from disk. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { systemWords } from '../chart/system-words.js';
import { ChartError, cancelled, systemErrorCode, throwIfCancelled } from '../errors.js';
import { onAbort } from '../on-abort.js';

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** The file may come compressed, and is unpacked on the way. */
  readonly compressed?: boolean | undefined;
}

/**
 * Has `use` read the file at a URL, again from its first byte where the connection breaks. `use` passes faults of the content on
 * as they are.
 *
 * @throws ChartError `REPOSITORY_NOT_FOUND` where there is no such file
 */
export type Fetch = <T>(url: URL, use: (content: Readable) => Promise<T>, options?: FetchOptions) => Promise<T>;

/** Reads `file:` URLs. */
export const fetchFile: Fetch = async (url, use, { signal } = {}) => {
  const path = fileURLToPath(url);
  throwIfCancelled(signal);
  const content = createReadStream(path);
  const forget = onAbort(signal, () => void content.destroy(cancelled(signal as AbortSignal)));
  try {
    return await use(content);
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === undefined) throw cause;
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    throw new ChartError(
      missing ? 'REPOSITORY_NOT_FOUND' : 'REPOSITORY_INVALID',
      `cannot read ${path}: ${systemWords(cause)}`,
      { cause },
    );
  } finally {
    forget();
  }
};
