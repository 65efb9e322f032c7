import { randomBytes } from 'node:crypto';
import { closeSync, lstatSync, mkdirSync, openSync, rmSync, write, writeSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ChartError, systemErrorCode } from '../errors.js';
import { makeDirectory } from '../make-directory.js';
import { moveFile } from '../move-file.js';
import type { ArchiveEntry } from './archive/stream.js';
import { blocked, checkDirectory, parentOf } from './extract-plan.js';
import { systemWords } from './system-words.js';

const writeLater = promisify(write);

/** Bytes of a file up to which waiting for the disk costs less than handing the wait to another thread. */
const WRITE_AT_ONCE = 256 * 1024;

interface OpenFile {
  readonly descriptor: number;
  readonly temporary: string;
  /** Its final name. */
  readonly shown: string;
  readonly isSmall: boolean;
}

/**
 * Writes files below one directory, one after the other: each under a temporary name beside its final one, and renamed once
 * it is whole. What is in the way is reported as ChartError `EXPORT_BLOCKED`, a full disk as `DISK_FULL`.
 */
export class FileWriter {
  readonly #directory: string;
  /** Nobody can have put a link under a name that nobody knows. */
  readonly #temporary = `.chart-${randomBytes(9).toString('hex')}.tmp`;
  /** Directories known to be there. */
  readonly #made = new Set<string>();
  #file: OpenFile | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes a directory and those above it; '' is the one that all is below. Idempotent. */
  makeDirectory(name: string): void {
    if (this.#made.has(name)) return;
    const shown = path.join(this.#directory, name);
    if (name === '') makeAncestors(path.dirname(shown));
    else this.makeDirectory(parentOf(name));
    try {
      mkdirSync(shown, 0o755);
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw exportError('mkdir', shown, error);
      checkDirectory(shown, lstatSync(shown));
    }
    this.#made.add(name);
  }

  /** Begins a file, in a directory that is made for it. */
  start({ path: name, executable, size }: ArchiveEntry): void {
    const parent = parentOf(name);
    this.makeDirectory(parent);
    const shown = path.join(this.#directory, name);
    const temporary = path.join(this.#directory, parent, this.#temporary);
    try {
      const descriptor = openSync(temporary, 'wx', executable ? 0o755 : 0o644);
      this.#file = { descriptor, temporary, shown, isSmall: size <= WRITE_AT_ONCE };
    } catch (error) {
      throw exportError('open', shown, error);
    }
  }

  /** Adds to the file that was begun. */
  async write(bytes: Uint8Array): Promise<void> {
    const file = this.#file;
    if (file === undefined) throw new Error('no file was begun');
    try {
      for (let rest = bytes; rest.length > 0; ) {
        const count = file.isSmall
          ? writeSync(file.descriptor, rest)
          : (await writeLater(file.descriptor, rest)).bytesWritten;
        rest = rest.subarray(count);
      }
    } catch (error) {
      throw exportError('write', file.shown, error);
    }
  }

  /** Puts the file that was begun, if one was, under its final name. */
  async finish(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    try {
      closeSync(file.descriptor);
      this.#file = undefined;
      await moveFile(file.temporary, file.shown);
    } catch (error) {
      rmSync(file.temporary, { force: true });
      throw exportError('open', file.shown, error);
    }
  }

  /** Drops a file that was begun and not finished. Idempotent. */
  close(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    closeSync(file.descriptor);
    rmSync(file.temporary, { force: true });
  }
}

function makeAncestors(shown: string): void {
  try {
    makeDirectory(shown);
  } catch (error) {
    throw exportError('mkdir', shown, error);
  }
}

function exportError(verb: string, shown: string, cause: unknown): unknown {
  const code = systemErrorCode(cause);
  if (code === undefined) return cause;
  const message = `${verb} ${shown}: ${systemWords(cause)}`;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ChartError('DISK_FULL', message, { hint: 'Make room there, and export again.', cause });
  }
  return blocked(message, undefined, cause);
}
