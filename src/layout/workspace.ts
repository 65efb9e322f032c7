/**
 * What one process has in the making, in a directory of its own that comes with the first write and goes with the last.
 *
 *     ingest/w-1f0c52a97be4-4711-9f86d081/
 *       leases        +sha256:... a line for each blob that this process relies on and no entry of index.json reaches yet,
 *                     -sha256:... when that is over; see leases.ts for who reads it
 *       1, 2, ...     files on their way to their final name
 *       trash-3/      blobs on their way out, see trash.ts
 *
 * The name says whose it is, so that prune can tell what a killed process left behind from what is still wanted.
 */
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  futimesSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors.js';
import { makeDirectory } from '../make-directory.js';
import type { Digest } from '../oci/digest.js';
import { writing } from './faults.js';
import { LeaseBook } from './lease-book.js';
import { assertOwnIngest } from './own-directories.js';
import { currentHost, type Owner } from './owners.js';

/** Milliseconds between signs of life; other machines have nothing else to go by. */
const HEARTBEAT = 60_000;
/** Lines of `leases` after which it is written anew. */
const LINES_LIMIT = 20_000;

const NAME = /^w-([0-9a-f]{12})-([0-9]{1,10})-[0-9a-f]{8}$/;

/** Whose workspace a file name in `ingest/` is, or undefined for what is none. */
export function workspaceOwner(name: string): Owner | undefined {
  const match = NAME.exec(name);
  return match ? { host: match[1] as string, pid: Number(match[2]) } : undefined;
}

/** An open file in the workspace. One of `release` and `discard` ends its life here. */
export interface OpenFile {
  readonly path: string;
  readonly fd: number;
  /** Some file systems report only now that the disk is full. Idempotent. */
  close(): void;
  /** The file was moved away. */
  release(): void;
  /** Closes and deletes it. Does nothing after `release`. */
  discard(): void;
}

interface Directory {
  readonly path: string;
  readonly heartbeat: NodeJS.Timeout;
  log: number;
  lines: number;
}

export class Workspace {
  readonly #ingest: string;
  readonly #leases = new LeaseBook((line) => this.#append(line));
  #host: string | undefined;
  #directory: Directory | undefined;
  /** What is in the directory besides the leases. */
  #items = 0;
  #counter = 0;

  /** @param ingest the path of `ingest/` */
  constructor(ingest: string) {
    this.#ingest = ingest;
  }

  /** See owners.ts. */
  get host(): string {
    this.#host ??= currentHost();
    return this.#host;
  }

  /** Creates a file to write to. @throws ChartError `DISK_FULL`, `LAYOUT_UNWRITABLE`, `LAYOUT_INVALID` */
  createFile(mode: number): OpenFile {
    const path = this.#newPath();
    const fd = writing(path, () => this.#inDirectory(() => openSync(path, 'wx', mode)));
    const end = this.#item();
    let isOpen = true;
    let isHere = true;
    const close = (): void => {
      if (isOpen) {
        isOpen = false;
        closeSync(fd);
      }
    };
    const release = (): void => {
      isHere = false;
      end();
    };
    const discard = (): void => {
      quietly(close);
      if (isHere) quietly(() => unlinkSync(path));
      release();
    };
    return { path, fd, close, release, discard };
  }

  /** Keeps a path free for something that the caller makes. @returns the path, and what deletes whatever is there in the end */
  reserve(prefix = ''): { readonly path: string; remove(): void } {
    const path = this.#newPath(prefix);
    writing(path, () => this.#inDirectory(() => accessSync(dirname(path))));
    const end = this.#item();
    const remove = (): void => {
      quietly(() => rmSync(path, { recursive: true, force: true }));
      end();
    };
    return { path, remove };
  }

  /**
   * Says that this process relies on a blob, which it has yet to write or is going to look for. To be called before it looks:
   * prune first moves a blob away and then reads the leases, so one of the two always sees the other.
   */
  rely(digest: Digest): void {
    this.#leases.rely(digest);
  }

  reliesOn(digest: Digest): boolean {
    return this.#leases.has(digest);
  }

  /** As {@link rely}, for a blob that somebody asked about and may rely on next. */
  notice(digest: Digest): void {
    this.#leases.notice(digest);
  }

  /** Ends one {@link rely} on each: an entry of index.json reaches them now, or the work was given up. */
  settle(digests: Iterable<Digest>): void {
    for (const digest of digests) this.#leases.settle(digest);
    this.#tidy();
  }

  /** Ends every claim of this process on a blob. */
  forget(digest: Digest): void {
    this.#leases.forget(digest);
    this.#tidy();
  }

  /** Gives up everything. The workspace can be used again. */
  close(): void {
    this.#leases.clear();
    this.#remove((path) => rmSync(path, { recursive: true, force: true }));
  }

  /** Counts something in the directory. @returns what counts it off again, once */
  #item(): () => void {
    let isCounted = true;
    this.#items += 1;
    return () => {
      if (isCounted) this.#items -= 1;
      isCounted = false;
      this.#tidy();
    };
  }

  #newPath(prefix = ''): string {
    this.#counter += 1;
    return `${this.#ensure().path}/${prefix}${this.#counter}`;
  }

  #append(line: string): void {
    const directory = this.#ensure();
    writing(directory.path, () => writeSync(directory.log, line));
    directory.lines += 1;
    if (directory.lines > LINES_LIMIT) this.#rewriteLog();
  }

  /** What is wanted at the moment, without what was once. */
  #rewriteLog(): void {
    const directory = this.#ensure();
    const path = this.#newPath();
    quietly(() => {
      const log = openSync(path, 'ax', 0o644);
      try {
        writeSync(log, this.#leases.log());
        renameSync(path, `${directory.path}/leases`);
      } catch (error) {
        closeSync(log);
        throw error;
      }
      closeSync(directory.log);
      directory.log = log;
    });
    directory.lines = 0;
  }

  #ensure(): Directory {
    if (this.#directory) return this.#directory;
    assertOwnIngest(dirname(this.#ingest));
    const path = `${this.#ingest}/w-${this.host}-${process.pid}-${randomBytes(4).toString('hex')}`;
    const log = writing(path, () => {
      makeDirectory(path);
      return openSync(`${path}/leases`, 'ax', 0o644);
    });
    const heartbeat = setInterval(() => this.#beat(), HEARTBEAT).unref();
    this.#directory = { path, heartbeat, log, lines: 0 };
    return this.#directory;
  }

  /** Somebody may have deleted `ingest/` in between; what is relied on is written down anew. */
  #inDirectory<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT' || !this.#directory) throw error;
      makeDirectory(this.#directory.path);
      this.#rewriteLog();
      return body();
    }
  }

  #beat(): void {
    quietly(() => this.#leases.expire());
    const now = Date.now() / 1000;
    quietly(() => this.#directory && futimesSync(this.#directory.log, now, now));
    this.#tidy();
  }

  #tidy(): void {
    if (this.#items > 0 || !this.#leases.isEmpty) return;
    this.#remove((path) => {
      unlinkSync(`${path}/leases`);
      rmdirSync(path);
    });
  }

  #remove(remove: (path: string) => void): void {
    const directory = this.#directory;
    if (!directory) return;
    this.#directory = undefined;
    clearInterval(directory.heartbeat);
    quietly(() => closeSync(directory.log));
    quietly(() => remove(directory.path));
  }
}

/** For cleaning up: what stays behind is swept by prune. */
function quietly(body: () => void): void {
  try {
    body();
  } catch {
    // Nothing depends on it.
  }
}
