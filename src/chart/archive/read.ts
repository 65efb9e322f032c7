/** Packed charts, read from a stream: what they hold, and single files out of them. */
import type { Readable } from 'node:stream';
import { type ChartFile, limitExceeded } from '../files.js';
import { indexWithin } from './index-archive.js';
import { outermost, type ReadArchiveOptions, readArchive } from './stream.js';

/**
 * The files of a packed chart. Reads the whole archive and keeps no content but that of the few files which decide whether
 * the chart is valid.
 *
 * @throws ChartError `ARCHIVE_INVALID`, `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`, `CANCELLED`. What is wrong with an archive under
 *   `charts/` is thrown by `unpack()` of that file, except for limits and cancellation.
 */
export async function indexArchive(source: Readable, options: ReadArchiveOptions = {}): Promise<readonly ChartFile[]> {
  return (await indexWithin(source, outermost(options))).files;
}

export interface ReadFile {
  /** Relative to the chart's root. */
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * The content of some files, in the order of the archive.
 *
 * Given a set, reading stops and the stream is destroyed as soon as all of it was found: what follows in the archive is
 * neither read nor checked. Given a predicate, the archive is read to its end.
 *
 * @param open starts the archive from its first byte
 * @throws ChartError as {@link indexArchive}; `LIMIT_EXCEEDED` for a file over `fileBytes`
 */
export async function readChartFiles(
  open: () => Promise<Readable>,
  wanted: ReadonlySet<string> | ((path: string) => boolean),
  options: ReadArchiveOptions = {},
): Promise<ReadFile[]> {
  const context = outermost(options);
  const { fileBytes } = context.budget.limits;
  const isWanted = typeof wanted === 'function' ? wanted : (path: string) => wanted.has(path);
  const found: ReadFile[] = [];
  let pieces: Buffer[] | undefined;
  let current = '';
  for await (const part of readArchive(await open(), context)) {
    if (part.kind === 'entry') {
      const { path, isDirectory, size } = part.entry;
      if (isDirectory || !isWanted(path)) continue;
      if (size > fileBytes) throw limitExceeded(`bytes in ${path}`, fileBytes);
      pieces = [];
      current = path;
    } else if (part.kind === 'content') {
      pieces?.push(part.bytes);
    } else if (pieces !== undefined) {
      found.push({ path: current, bytes: Buffer.concat(pieces) });
      pieces = undefined;
      if (typeof wanted !== 'function' && found.length === wanted.size) break;
    }
  }
  return found;
}

/** The content of one file, or undefined if the chart has none of this path. Stops reading once it was found. */
export async function readChartFile(
  open: () => Promise<Readable>,
  path: string,
  options: ReadArchiveOptions = {},
): Promise<Buffer | undefined> {
  const [file] = await readChartFiles(open, new Set([path]), options);
  return file?.bytes;
}
