/**
 * A chart as an archive: the same files give the same bytes, whatever the clock, user, system, CPU or Node version.
 *
 *     NAME/Chart.yaml            first, so that a reader finds the metadata at once
 *     NAME/.helmignore           then all else in the order of the bytes of its path
 *     NAME/charts/redis-1.0.tgz  files as they are
 *     NAME/files/                a directory only where nothing else would bring it into being
 *     1024 zeros                 the end of a tar archive, without padding to 10240
 *
 * The only mode that counts is the execute bit: 0755 with it, 0644 without.
 */
import { closeSync, read, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { ChartError, systemErrorCode, throwIfCancelled } from '../errors.js';
import { gzip } from './archive/gzip.js';
import { BLOCK, paddingOf, type TarEntry, tarHeader } from './archive/tar-header.js';
import { compareBytes } from './byte-order.js';
import { checkChartName } from './chart-name.js';
import { openSource, unreadable } from './source-file.js';

export interface PackedFile {
  /** Relative to the chart's root, with `/`. */
  readonly path: string;
  /** Bytes; a file that turns out to have more or fewer is an error. */
  readonly size: number;
  readonly executable: boolean;
  /** Where the content is on disk. */
  readonly source: string;
}

export interface PackInput {
  /** The chart's name. */
  readonly name: string;
  readonly files: readonly PackedFile[];
  /** Paths of directories without any file, as for files. */
  readonly emptyDirectories: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Bytes read at once. */
const PIECE = 64 * 1024;
/** Bytes up to which waiting for the disk costs less than handing the wait to another thread. */
const READ_AT_ONCE = 256 * 1024;

const readLater = promisify(read);

/**
 * Packs as a stream, in memory that does not grow with the chart.
 *
 * The stream fails with ChartError `CHART_SOURCE_UNREADABLE` when a file cannot be read or changes size while it is read,
 * and with `CANCELLED`.
 *
 * @throws ChartError `CHART_INVALID` for a name that is no directory name
 */
export function packChart(input: PackInput): Readable {
  checkChartName(input.name);
  return Readable.from(gzip(tarPieces(input)), { objectMode: false, highWaterMark: PIECE });
}

interface Item extends TarEntry {
  readonly source?: string;
}

function inOrder({ name, files, emptyDirectories }: PackInput): Item[] {
  const items: Item[] = [
    ...files.map((file) => ({ ...file, name: `${name}/${file.path}`, isDirectory: false })),
    ...emptyDirectories.map((path) => ({ name: `${name}/${path}/`, isDirectory: true, size: 0, executable: false })),
  ];
  items.sort((a, b) => compareBytes(a.name, b.name));
  const first = items.findIndex((item) => item.name === `${name}/Chart.yaml`);
  return first > 0 ? [...items.splice(first, 1), ...items] : items;
}

async function* tarPieces(input: PackInput): AsyncGenerator<Uint8Array, void, void> {
  const buffer = Buffer.allocUnsafe(PIECE);
  for (const item of inOrder(input)) {
    throwIfCancelled(input.signal);
    yield tarHeader(item);
    if (item.source === undefined) continue;
    for await (const piece of readSource(item.source, item.size, buffer)) {
      yield piece;
      throwIfCancelled(input.signal);
    }
    yield Buffer.alloc(paddingOf(item.size));
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** The content of a file in pieces that are valid until the next one is asked for: exactly `size` bytes, or an error. */
async function* readSource(path: string, size: number, buffer: Buffer): AsyncGenerator<Uint8Array, void, void> {
  const file = openSource(path);
  try {
    let left = size;
    while (left > 0) {
      const wanted = Math.min(left, buffer.length);
      const count =
        size <= READ_AT_ONCE ? readSync(file, buffer, 0, wanted, null) : await readInto(file, buffer, wanted);
      if (count === 0) throw changed(path);
      yield buffer.subarray(0, count);
      left -= count;
    }
    if (readSync(file, buffer, 0, 1, null) > 0) throw changed(path);
  } catch (error) {
    throw systemErrorCode(error) === undefined ? error : unreadable('read', path, error);
  } finally {
    closeSync(file);
  }
}

async function readInto(file: number, buffer: Buffer, length: number): Promise<number> {
  return (await readLater(file, buffer, 0, length, null)).bytesRead;
}

function changed(path: string): ChartError {
  return new ChartError('CHART_SOURCE_UNREADABLE', `read ${path}: the file changed size while it was packed`, {
    hint: 'Try again once nothing writes to the chart any more.',
  });
}
