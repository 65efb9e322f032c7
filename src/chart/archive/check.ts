/** Is this layer a chart, and which? */
import type { Readable } from 'node:stream';
import { loadChart } from '../load.js';
import type { ChartMetadata } from '../metadata.js';
import { indexWithin } from './index-archive.js';
import { type ArchiveEntry, outermost, type ReadArchiveOptions } from './stream.js';

export interface CheckedArchive {
  readonly metadata: ChartMetadata;
  /** What Helm would warn of, one line each. */
  readonly warnings: readonly string[];
  /** Names of charts that it depends on and does not contain. */
  readonly missing: readonly string[];
  /** Files and directories in the order of the archive. */
  readonly entries: readonly ArchiveEntry[];
}

/**
 * Reads a packed chart to its end and validates it as Helm does before it uses one; nothing is stored.
 *
 * @param open starts the archive from its first byte
 * @throws ChartError `ARCHIVE_INVALID`, `ARCHIVE_UNSAFE`, `CHART_INVALID`, `LIMIT_EXCEEDED`, `CANCELLED`
 */
export async function checkChartArchive(
  open: () => Promise<Readable>,
  options: ReadArchiveOptions = {},
): Promise<CheckedArchive> {
  const { entries, files } = await indexWithin(await open(), outermost(options));
  return { ...(await loadChart(files)), entries };
}
