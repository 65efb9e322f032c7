/**
 * What lies in a cache directory, and whether each thing is of the kind that it should be. Contents of blobs are not read.
 *
 *     oci-layout                 a file with the right words
 *     index.json                 a list of entries, each name once
 *     blobs/ALGORITHM/HEX        files; links, directories and FIFOs are none, and nothing else belongs there
 *     ingest/                    what killed processes left is counted
 */
import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs';
import { type ChartError, isChartError } from '../errors.js';
import { type Digest, isDigest } from '../oci/digest.js';
import type { LayoutContext } from './context.js';
import { present } from './faults.js';
import type { IndexSnapshot } from './index-file.js';
import { claimedName, type IndexEntry } from './index-json.js';
import { indexFaults } from './index-shape.js';
import { checkLayoutFile } from './layout-file.js';
import { readIngest } from './leases.js';
import { findLinks } from './own-directories.js';
import { blobsDir } from './paths.js';

export type FileKind = 'file' | 'directory' | 'link' | 'other';

/** Something that has the name of a blob. */
export interface SurveyedFile {
  readonly kind: FileKind;
  /** Bytes. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
}

/** An entry of index.json as it stands there, also one whose name another has. */
export interface SurveyedEntry extends IndexEntry {
  readonly position: number;
  /** The name that it claims; `name` is undefined where a later entry has it. */
  readonly claimed: string | undefined;
}

/** See {@link surveyLayout}. */
export interface Survey {
  /** `missing`: there are blobs or names, but no oci-layout. */
  readonly layoutFile: 'right' | 'missing' | ChartError;
  /** Why index.json is of no use as a whole; `entries` is empty then. */
  readonly indexFault: ChartError | undefined;
  /** What is wrong with its form though it can be used. */
  readonly indexFaults: readonly ChartError[];
  readonly entries: readonly SurveyedEntry[];
  /** Tells one index.json from another. */
  readonly version: string;
  readonly blobs: ReadonlyMap<Digest, SurveyedFile>;
  /** Paths within the cache of what lies in `blobs/` and is no blob by its name. */
  readonly strays: readonly string[];
  /** Links in place of directories and of index.json: nothing is written or deleted where there is one. */
  readonly links: readonly { readonly path: string; readonly error: ChartError }[];
  /** Blobs that running processes rely on. */
  readonly leased: ReadonlySet<Digest>;
  /** What killed processes left in `ingest/`. */
  readonly abandoned: readonly { readonly name: string; readonly size: number }[];
}

/** @throws ChartError `LAYOUT_UNREADABLE`; `LAYOUT_INVALID` where a directory of the cache is no directory */
export async function surveyLayout({ dir, index, workspace }: LayoutContext): Promise<Survey> {
  const layoutFile = surveyLayoutFile(dir);
  let snapshot: IndexSnapshot | undefined;
  let indexFault: ChartError | undefined;
  // Before the blobs: what has a name then is there, unless its name has gone since, and that `version` tells.
  try {
    snapshot = await index.read({ checkLayout: false });
  } catch (error) {
    if (!isChartError(error, 'LAYOUT_INVALID')) throw error;
    indexFault = error;
  }
  const found: SurveyedDirectory = { blobs: new Map(), strays: [] };
  surveyBlobs(dir, found);
  const links = findLinks(dir);
  const { leased, abandoned } = links.some(({ path }) => path === 'ingest')
    ? { leased: new Set<Digest>(), abandoned: [] }
    : readIngest(dir, workspace.host);
  const hasContent = found.blobs.size > 0 || (snapshot?.version ?? 'absent') !== 'absent';
  return {
    ...found,
    links,
    leased,
    abandoned,
    layoutFile: layoutFile === 'missing' && !hasContent ? 'right' : layoutFile,
    indexFault,
    indexFaults: snapshot ? indexFaults(snapshot, dir) : [],
    entries: snapshot ? surveyEntries(snapshot) : [],
    version: snapshot?.version ?? index.version(),
  };
}

function surveyLayoutFile(dir: string): Survey['layoutFile'] {
  try {
    return checkLayoutFile(dir) ? 'right' : 'missing';
  } catch (error) {
    if (isChartError(error, 'LAYOUT_INVALID')) return error;
    throw error;
  }
}

function surveyEntries(snapshot: IndexSnapshot): SurveyedEntry[] {
  return snapshot.entries().map((entry, position) => ({ ...entry, position, claimed: claimedName(entry.raw) }));
}

interface SurveyedDirectory {
  readonly blobs: Map<Digest, SurveyedFile>;
  readonly strays: string[];
}

const ALGORITHMS = ['sha256', 'sha512'];

function surveyBlobs(dir: string, into: SurveyedDirectory): void {
  for (const { name } of list(`${dir}/blobs`)) if (!ALGORITHMS.includes(name)) into.strays.push(`blobs/${name}`);
  for (const algorithm of ALGORITHMS) {
    const path = blobsDir(dir, algorithm);
    for (const { name } of list(path)) {
      const digest = `${algorithm}:${name}`;
      if (!isDigest(digest)) {
        into.strays.push(`blobs/${algorithm}/${name}`);
        continue;
      }
      const stats = lstat(`${path}/${name}`);
      if (stats) into.blobs.set(digest, { kind: kindOf(stats), size: stats.size, mode: stats.mode & 0o777 });
    }
  }
}

function kindOf(stats: Stats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

function list(path: string): Dirent[] {
  return present(path, () => readdirSync(path, { withFileTypes: true })) ?? [];
}

function lstat(path: string): Stats | undefined {
  return present(path, () => lstatSync(path, { throwIfNoEntry: false }));
}
