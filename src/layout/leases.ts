/**
 * What is in `ingest/`, as prune sees it: blobs that running processes rely on, and what nobody wants any more.
 *
 * Two ways to keep prune from taking a blob that a running command is about to name were weighed:
 *
 *   - A period of grace by age. Nothing to write, but `remove` and `prune` right after `save` free nothing, a command that
 *     takes longer than the period loses its blobs, and a blob that exists already looks old: its mtime must not change
 *     (CREATED is made of it), and its atime may only be changed by its owner.
 *   - A list of digests for each process, kept in `ingest/` for as long as it lives. One write of 73 bytes for each blob, which
 *     is little beside the fsync of that blob, and exact.
 *
 * The second was taken. Whether a process lives is asked of the system where it is on this machine; of one on another
 * machine the last sign of life counts. Behind it stands a check that needs no lease: no name is given to a manifest
 * unless, under the lock, all of its blobs are there (tags.ts).
 */
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { type Digest, isDigest } from '../oci/digest.js';
import { present } from './faults.js';
import { readTextFile } from './open-file.js';
import { assertOwnIngest } from './own-directories.js';
import { ownerState } from './owners.js';
import { ingestDir } from './paths.js';
import { isUploadName } from './upload-names.js';
import { workspaceOwner } from './workspace.js';

export interface IngestState {
  /** Blobs that must stay. */
  readonly leased: ReadonlySet<Digest>;
  /** Names in `ingest/` that nobody will come back for. */
  readonly abandoned: readonly { readonly name: string; readonly size: number }[];
  /** What may still go on. */
  readonly uploads: readonly WaitingUpload[];
}

/** An upload in `ingest/` that stays for now. */
export interface WaitingUpload {
  /** In `ingest/`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When it is given up, unless somebody goes on with it. */
  readonly until: Date;
}

/** Milliseconds without a sign of life after which the process is taken for dead, though its id is in use on this machine. */
const SILENCE_HERE = 24 * 3600_000;
/** The same for processes of other machines, whose clocks may differ. */
const SILENCE_ELSEWHERE = 3600_000;
/** Milliseconds after which an upload that nothing was added to is given up. */
const UPLOAD_LIFETIME = 24 * 3600_000;
/** The same for what other programs (Helm 3.6.3) have in `ingest/`. */
const FOREIGN_LIFETIME = 3600_000;

/** Reads `ingest/`. @param now milliseconds since 1970 @throws ChartError `LAYOUT_INVALID` where it is a link; `LAYOUT_UNREADABLE` */
export function readIngest(dir: string, host: string, now = Date.now()): IngestState {
  assertOwnIngest(dir);
  const ingest = ingestDir(dir);
  const leased = new Set<Digest>();
  const abandoned: { name: string; size: number }[] = [];
  const uploads: WaitingUpload[] = [];
  for (const name of list(ingest)) {
    const path = `${ingest}/${name}`;
    const content = measure(path);
    if (content === undefined) continue;
    const age = now - content.lastChange;
    const owner = workspaceOwner(name);
    const state = owner && ownerState(owner, host);
    const limit = owner
      ? { alive: SILENCE_HERE, dead: -Infinity, unknown: SILENCE_ELSEWHERE }[state as NonNullable<typeof state>]
      : isUploadName(name)
        ? UPLOAD_LIFETIME
        : FOREIGN_LIFETIME;
    if (age > limit) abandoned.push({ name, size: content.size });
    else if (owner) readLog(`${path}/leases`, leased);
    else if (isUploadName(name)) {
      uploads.push({ name, size: content.size, until: new Date(content.lastChange + UPLOAD_LIFETIME) });
    }
  }
  return { leased, abandoned, uploads };
}

function readLog(path: string, into: Set<Digest>): void {
  const own = new Set<Digest>();
  for (const line of readText(path).split('\n')) {
    const digest = line.slice(1);
    if (!isDigest(digest)) continue;
    if (line[0] === '+') own.add(digest);
    else own.delete(digest);
  }
  for (const digest of own) into.add(digest);
}

/** Bytes, and the youngest mtime, of a file or of a directory and the files in it. */
function measure(path: string): { size: number; lastChange: number } | undefined {
  const stats = stat(path);
  if (stats === undefined || !stats.isDirectory()) return stats && { size: stats.size, lastChange: stats.mtimeMs };
  const files = list(path).flatMap((name) => stat(`${path}/${name}`) ?? []);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return { size, lastChange: Math.max(stats.mtimeMs, ...files.map(({ mtimeMs }) => mtimeMs)) };
}

function stat(path: string): Stats | undefined {
  return present(path, () => lstatSync(path, { throwIfNoEntry: false }));
}

function list(path: string): string[] {
  return present(path, () => readdirSync(path)) ?? [];
}

function readText(path: string): string {
  return present(path, () => readTextFile(path, 'latin1')) ?? '';
}
