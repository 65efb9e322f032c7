/**
 * A chart archive as a stream of checked entries: gunzip, tar, then Helm's rules for names.
 *
 *     entry content* end   entry content* end   ...
 *
 * Limits are counted before anything is passed on, and no entry is passed on whose name or type could do harm when it is
 * stored: whoever reads a whole archive through here may write what comes.
 */
import type { Readable } from 'node:stream';
import { ChartError } from '../../errors.js';
import type { ChartLimits } from '../files.js';
import { ChartBudget } from './budget.js';
import { entryPath, quoteName } from './entry-path.js';
import { gunzip } from './gunzip.js';
import { PathSet } from './path-set.js';
import { type TarMember, TarReader } from './tar-reader.js';

export interface ArchiveEntry {
  /** Relative to the chart's root. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** Bytes. */
  readonly size: number;
  readonly executable: boolean;
}

export type ArchivePart =
  | { readonly kind: 'entry'; readonly entry: ArchiveEntry }
  /** A piece of the last entry's content. It is part of a larger buffer: copy what is kept for long. */
  | { readonly kind: 'content'; readonly bytes: Buffer }
  | { readonly kind: 'end' };

export interface ReadArchiveOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limits?: ChartLimits | undefined;
}

/** How an archive within a chart is read: on the chart's budget, at some depth. */
export interface ArchiveContext {
  readonly signal?: AbortSignal | undefined;
  readonly budget: ChartBudget;
  /** 0 for the chart itself, 1 for an archive in its `charts/`, and so on. */
  readonly depth: number;
}

export function outermost({ signal, limits }: ReadArchiveOptions = {}): ArchiveContext {
  return { signal, budget: new ChartBudget(limits), depth: 0 };
}

/**
 * Reads a packed chart. Destroys `source` at the end, also when the caller stops early.
 *
 * A link or a device in an archive within a chart counts as an empty file, as for Helm: that archive is never unpacked here.
 *
 * @throws ChartError `ARCHIVE_INVALID`, `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`, `CANCELLED`, with Helm's words where they are short
 */
export async function* readArchive(source: Readable, context: ArchiveContext): AsyncGenerator<ArchivePart, void, void> {
  const { budget, depth, signal } = context;
  const tar = new TarReader();
  const paths = new PathSet();
  let hasFiles = false;
  let skipping = false;
  for await (const chunk of gunzip(source, signal)) {
    budget.addBytes(chunk.length);
    for (const part of tar.read(chunk)) {
      if (part.kind !== 'member') {
        if (!skipping) yield part;
        continue;
      }
      budget.addEntry();
      const entry = checkMember(part.member, depth > 0, budget);
      skipping = entry.path === '';
      if (skipping) continue;
      paths.add(entry.path, entry.isDirectory);
      hasFiles ||= !entry.isDirectory;
      yield { kind: 'entry', entry };
    }
  }
  tar.end();
  if (!hasFiles) throw new ChartError('ARCHIVE_INVALID', 'no files in chart archive');
}

function checkMember(member: TarMember, isNested: boolean, budget: ChartBudget): ArchiveEntry {
  const { name, type, size, executable } = member;
  if (!isNested && (type === 'link' || type === 'other')) {
    const what = type === 'link' ? 'a link' : 'a device or FIFO';
    throw new ChartError('ARCHIVE_UNSAFE', `the archive holds ${what}: ${quoteName(name)}`, {
      hint: 'Charts are files and directories. Unpack it, replace the entry by what it stands for, and save the directory.',
    });
  }
  const isDirectory = type === 'directory';
  return { path: entryPath(name, isDirectory, budget), isDirectory, size, executable };
}
