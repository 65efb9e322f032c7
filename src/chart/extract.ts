/**
 * Unpacks a chart into DESTINATION/NAME, where NAME is the chart's own name and not the archive's prefix.
 *
 * Over an existing directory this is what Helm does: what the archive has is replaced, what it does not have stays. The
 * archive is read twice: once to check all of it, and the way for each of its files, before the first byte is written, and
 * once to write. Each file appears whole, under its name, or not at all.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { ChartError, throwIfCancelled } from '../errors.js';
import { checkChartArchive } from './archive/check.js';
import { type ArchiveEntry, outermost, type ReadArchiveOptions, readArchive } from './archive/stream.js';
import { checkChartName } from './chart-name.js';
import { checkWayClear } from './extract-plan.js';
import { FileWriter } from './file-writer.js';
import { findLeftovers } from './leftovers.js';

export interface ExtractedChart {
  /** DESTINATION/NAME, as the user would write it. */
  readonly directory: string;
  readonly name: string;
  /** What was there before and is not in the chart, see {@link findLeftovers}. */
  readonly leftovers: readonly string[];
}

export interface ExtractOptions extends ReadArchiveOptions {
  /** Told the chart's name before anything is written; what it throws ends the extraction. */
  readonly onName?: ((name: string) => void) | undefined;
}

/** Entries after which other work gets its turn: some 20 ms. */
const TURN = 256;

/**
 * Makes DESTINATION too if it is missing. Directories get mode 0755, files 0755 or 0644 by their execute bit, less the umask;
 * directories that are there keep theirs. After a failure no temporary file is left, and a file is either the old or the new one.
 *
 * @param open starts the archive from its first byte; is called twice
 * @throws ChartError `EXPORT_BLOCKED`, `DISK_FULL`, `CHART_INVALID`, `ARCHIVE_INVALID`, `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`,
 *   `CANCELLED`
 */
export async function extractChart(
  open: () => Promise<Readable>,
  destination: string,
  options: ExtractOptions = {},
): Promise<ExtractedChart> {
  const { metadata, entries } = await checkChartArchive(open, options);
  checkChartName(metadata.name);
  options.onName?.(metadata.name);
  const directory = path.join(destination, metadata.name);
  checkWayClear(directory, entries);
  const isNew = !existsSync(directory);
  const writer = new FileWriter(directory);
  try {
    await write(await open(), { writer, checked: entries, options });
  } finally {
    writer.close();
  }
  return { directory, name: metadata.name, leftovers: isNew ? [] : findLeftovers(directory, entries) };
}

interface Work {
  readonly writer: FileWriter;
  readonly checked: readonly ArchiveEntry[];
  readonly options: ReadArchiveOptions;
}

async function write(source: Readable, { writer, checked, options }: Work): Promise<void> {
  let count = 0;
  for await (const part of readArchive(source, outermost(options))) {
    if (part.kind === 'content') {
      await writer.write(part.bytes);
    } else if (part.kind === 'end') {
      await writer.finish();
    } else {
      if (!isSame(part.entry, checked[count])) throw changed();
      count += 1;
      if (part.entry.isDirectory) writer.makeDirectory(part.entry.path);
      else writer.start(part.entry);
      if (count % TURN === 0) await setImmediate();
      throwIfCancelled(options.signal);
    }
  }
  if (count !== checked.length) throw changed();
}

function isSame(entry: ArchiveEntry, checked: ArchiveEntry | undefined): boolean {
  return entry.path === checked?.path && entry.size === checked.size && entry.isDirectory === checked.isDirectory;
}

function changed(): ChartError {
  return new ChartError('ARCHIVE_INVALID', 'the archive changed while it was unpacked');
}
