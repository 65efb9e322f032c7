/**
 * What an archive holds, without unpacking it: names and sizes, the content of the few files that decide whether a chart is
 * valid, and the same of the charts packed within it, all in one pass.
 */

import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { isChartError } from '../../errors.js';
import { type ChartFile, isLoadedFile, limitExceeded } from '../files.js';
import type { ChartBudget } from './budget.js';
import { type ArchiveContext, type ArchiveEntry, readArchive } from './stream.js';

/** Directly under a `charts/`, at any level; Helm skips names that begin with `_` or `.`. */
const PACKED_CHART = /^(?:charts\/[^/_.][^/]*\/)*charts\/[^/_.][^/]*\.tgz$/;

export interface ArchiveIndex {
  /** Files and directories in the order of the archive. */
  readonly entries: readonly ArchiveEntry[];
  readonly files: readonly ChartFile[];
}

/**
 * Reads an archive to its end, on the budget of the chart that it is or is within.
 *
 * @throws ChartError as `readArchive`. What is wrong with an archive under `charts/` is thrown by `unpack()` of that
 *   file, except for limits and cancellation.
 */
export async function indexWithin(source: Readable, context: ArchiveContext): Promise<ArchiveIndex> {
  context.budget.checkDepth(context.depth, 'levels of charts within charts');
  const entries: ArchiveEntry[] = [];
  const files: ChartFile[] = [];
  let sink: Sink | undefined;
  try {
    for await (const part of readArchive(source, context)) {
      if (part.kind === 'entry') {
        entries.push(part.entry);
        if (!part.entry.isDirectory) sink = sinkFor(part.entry, context);
      } else if (part.kind === 'content') {
        await sink?.write(part.bytes);
      } else if (sink !== undefined) {
        files.push(await sink.end());
        sink = undefined;
      }
    }
  } finally {
    sink?.abandon();
  }
  return { entries, files };
}

/** Takes one file's content. */
interface Sink {
  write(bytes: Buffer): Promise<void> | void;
  end(): Promise<ChartFile> | ChartFile;
  abandon(): void;
}

function sinkFor(entry: ArchiveEntry, context: ArchiveContext): Sink {
  if (isLoadedFile(entry.path)) return keep(entry, context.budget);
  if (PACKED_CHART.test(entry.path)) return descend(entry, context);
  return { write: () => {}, end: () => chartFile(entry, {}), abandon: () => {} };
}

function keep(entry: ArchiveEntry, budget: ChartBudget): Sink {
  const { fileBytes } = budget.limits;
  if (entry.size > fileBytes) throw limitExceeded(`bytes in ${entry.path}`, fileBytes);
  budget.addKept(entry.size);
  const pieces: Buffer[] = [];
  return {
    write: (bytes) => void pieces.push(bytes),
    end: () => chartFile(entry, { content: Buffer.concat(pieces) }),
    abandon: () => {},
  };
}

function descend(entry: ArchiveEntry, context: ArchiveContext): Sink {
  const inner = new PassThrough();
  let isRead = false;
  const index = indexWithin(inner, { ...context, depth: context.depth + 1 })
    .then(({ files }) => ({ files }))
    .catch((error: unknown) => ({ error }))
    .finally(() => {
      isRead = true;
    });
  inner.on('error', () => {});
  return {
    async write(bytes) {
      if (isRead || inner.write(bytes)) return;
      await Promise.race([once(inner, 'drain').catch(() => {}), index]);
    },
    async end() {
      inner.end();
      const outcome = await index;
      const isFatal = 'error' in outcome && (isChartError(outcome.error, 'LIMIT_EXCEEDED') || context.signal?.aborted);
      if ('error' in outcome && isFatal) throw outcome.error;
      return chartFile(entry, { outcome });
    },
    abandon: () => void inner.destroy(),
  };
}

interface Held {
  readonly content?: Uint8Array;
  readonly outcome?: { readonly files: readonly ChartFile[] } | { readonly error: unknown };
}

function chartFile({ path, size }: ArchiveEntry, { content, outcome }: Held): ChartFile {
  return {
    path,
    size,
    async read() {
      if (content === undefined) throw new Error(`${path} was not kept when its archive was read`);
      return content;
    },
    async unpack() {
      if (outcome === undefined) throw new Error(`${path} was not opened when its archive was read`);
      if ('error' in outcome) throw outcome.error;
      return outcome.files;
    },
  };
}
