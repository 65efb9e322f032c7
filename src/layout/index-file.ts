/**
 * index.json as it is at one moment, read without a lock and kept for as long as the file stays the same.
 *
 * Every write makes a new file, with an mtime later than the one before (index-update.ts), so inode, size and times tell
 * two versions apart. Only Helm 3.6.3 writes into the file that is there: a file that it changed while it was being read, or
 * within the same tick of the clock, is read again.
 */
import { isAscii } from 'node:buffer';
import { type BigIntStats, closeSync, fstatSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ChartError, systemErrorCode } from '../errors.js';
import type { Digest } from '../oci/digest.js';
import { splitName } from '../oci/reference.js';
import { readFault } from './faults.js';
import {
  claimedDigest,
  claimedName,
  EMPTY_INDEX,
  type IndexDocument,
  type IndexEntry,
  parseEntry,
  parseIndex,
} from './index-json.js';
import { checkLayoutFile } from './layout-file.js';
import { checkIsFile, openFile } from './open-file.js';
import { indexPath } from './paths.js';

/** Which file was read: `absent`, or what tells it from any other. */
export type IndexVersion = string;

/** The names of one repository. */
export interface RepositoryNames {
  /** Tag, or digest for an entry `NAME@DIGEST`, to the position of its entry. */
  readonly tags: ReadonlyMap<string, number>;
}

export class IndexSnapshot {
  readonly document: IndexDocument;
  readonly version: IndexVersion;
  readonly #entries: (IndexEntry | undefined)[] = [];
  #names: readonly (string | undefined)[] | undefined;
  #digests: ReadonlySet<Digest | undefined> | undefined;
  #repositories: Map<string, { tags: Map<string, number> }> | undefined;

  constructor(document: IndexDocument, version: IndexVersion) {
    this.document = document;
    this.version = version;
  }

  /** All entries, in their order. */
  entries(): IndexEntry[] {
    return this.document.entries.map((_, position) => this.entry(position));
  }

  entry(position: number): IndexEntry {
    const known = this.#entries[position];
    if (known) return known;
    this.#names ??= effectiveNames(this.document.entries);
    const entry = parseEntry(this.document.entries[position], this.#names[position], position);
    this.#entries[position] = entry;
    return entry;
  }

  repositories(): ReadonlyMap<string, RepositoryNames> {
    if (this.#repositories) return this.#repositories;
    const repositories = new Map<string, { tags: Map<string, number> }>();
    this.#names ??= effectiveNames(this.document.entries);
    for (const [position, name] of this.#names.entries()) {
      if (name === undefined) continue;
      const { repository, tag } = splitName(name);
      const names = repositories.get(repository);
      if (names) names.tags.set(tag, position);
      else repositories.set(repository, { tags: new Map([[tag, position]]) });
    }
    this.#repositories = repositories;
    return repositories;
  }

  /** True if any entry names the manifest. */
  hasDigest(digest: Digest): boolean {
    this.#digests ??= new Set(this.document.entries.map(claimedDigest));
    return this.#digests.has(digest);
  }
}

/** Of several entries with one name the last has it, as with Helm 3.6.3; the others have none. */
function effectiveNames(entries: readonly unknown[]): (string | undefined)[] {
  const names = entries.map(claimedName);
  const last = new Map(names.map((name, position) => [name, position]));
  return names.map((name, position) => (last.get(name) === position ? name : undefined));
}

export class IndexFile {
  readonly #dir: string;
  #kept: { readonly snapshot: IndexSnapshot; readonly version: IndexVersion } | undefined;
  #checked = false;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * @param options.checkLayout false: oci-layout is somebody else's affair
   * @throws ChartError `LAYOUT_INVALID`, `LAYOUT_UNREADABLE`
   */
  async read({ checkLayout = true } = {}): Promise<IndexSnapshot> {
    if (this.#kept?.version === this.version()) return this.#kept.snapshot;
    this.#check(checkLayout);
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#readNow();
      } catch (error) {
        if (attempt >= ATTEMPTS || !(error instanceof ChartError) || !this.#isJustChanged()) throw error;
      }
      await delay(PAUSE);
    }
  }

  /**
   * The same with the version, where it tells this file from all later ones; undefined if that is `known`: what was made of that
   * file holds still, and it need not be read.
   *
   * @throws ChartError as `read`
   */
  async readUnless(
    known: IndexVersion | undefined,
  ): Promise<{ snapshot: IndexSnapshot; version?: IndexVersion } | undefined> {
    if (known !== undefined && this.version() === known) {
      this.#check(true);
      return undefined;
    }
    const snapshot = await this.read();
    return this.#kept?.snapshot === snapshot ? { snapshot, version: this.#kept.version } : { snapshot };
  }

  #check(isWanted: boolean): void {
    if (isWanted && !this.#checked) this.#checked = checkLayoutFile(this.#dir);
  }

  version(): IndexVersion {
    const path = indexPath(this.#dir);
    try {
      return versionOf(statSync(path, { bigint: true, throwIfNoEntry: false }));
    } catch (error) {
      throw readFault(error, path);
    }
  }

  #readNow(): IndexSnapshot {
    const found = readWhole(indexPath(this.#dir));
    if (found === undefined) {
      this.#kept = undefined;
      return new IndexSnapshot(EMPTY_INDEX, 'absent');
    }
    const { bytes, stats } = found;
    const version = versionOf(stats);
    // What is plain ASCII need not be decoded.
    const text = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
    const snapshot = new IndexSnapshot(parseIndex(text, indexPath(this.#dir)), version);
    this.#kept = Date.now() - Number(stats.ctimeMs) > tickOf(stats) ? { snapshot, version } : undefined;
    return snapshot;
  }

  /** True while somebody may be in the middle of writing. */
  #isJustChanged(): boolean {
    const stats = statSync(indexPath(this.#dir), { throwIfNoEntry: false });
    return stats !== undefined && Math.abs(Date.now() - stats.ctimeMs) < 2000;
  }
}

/** Milliseconds in which a file system may give two changes the same time. */
const TICK = 20;
/** The same for one that counts whole seconds, or two. */
const COARSE_TICK = 2000;
const ATTEMPTS = 4;
const PAUSE = 15;

function tickOf({ ctimeNs, mtimeNs }: BigIntStats): number {
  return ctimeNs % 1_000_000_000n === 0n || mtimeNs % 1_000_000_000n === 0n ? COARSE_TICK : TICK;
}

function versionOf(stats: BigIntStats | undefined): IndexVersion {
  return stats === undefined ? 'absent' : `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
}

function readWhole(path: string): { bytes: Buffer; stats: BigIntStats } | undefined {
  let fd: number;
  try {
    fd = openFile(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw readFault(error, path);
  }
  try {
    const stats = fstatSync(fd, { bigint: true });
    checkIsFile(stats, path);
    if (stats.size > SIZE_LIMIT) {
      throw new ChartError('LAYOUT_INVALID', `${path} has ${stats.size} bytes; at most ${SIZE_LIMIT} are read`, {
        hint: 'No cache has so many references. Put back an index.json of before, or use another cache directory (--cache-dir).',
      });
    }
    return { bytes: readFileSync(fd), stats };
  } catch (error) {
    throw readFault(error, path);
  } finally {
    closeSync(fd);
  }
}

/** Bytes; a million charts. */
const SIZE_LIMIT = 256 * 1024 * 1024;
