/**
 * The lock around index.json, held for one change of it: read, change, write, fsync, rename.
 *
 * Who holds it touches it every second (proper-lockfile sees to that). It is broken at once if its owner was a process of this
 * machine and is dead, else after it has not been touched for some seconds of the waiting process' own watching, so that
 * clocks do not matter. A process that was stopped for so long can tell by the owner in the lock that it lost it, and has to look
 * right before it renames (`assertHeld`).
 */
import { randomBytes } from 'node:crypto';
import { statSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { ChartError, systemErrorCode } from '../errors.js';
import { writeFault, writing } from './faults.js';
import { end, type LockOwner, lockPath, lookAt, makeReady, moveIn, type SeenLock } from './lock-directory.js';
import { ownerState } from './owners.js';
import { indexPath } from './paths.js';
import type { Workspace } from './workspace.js';

export interface LockWait {
  /** Milliseconds so far. */
  readonly waited: number;
  /** Who has the lock, such as `process 4711 on build-7`, where that is known. */
  readonly owner: string | undefined;
}

export interface LockOptions {
  readonly dir: string;
  readonly workspace: Workspace;
  /** Milliseconds. */
  readonly timeout: number;
  /** Called once, after a second. */
  readonly onWait?: ((wait: LockWait) => void) | undefined;
  /** Asked between attempts; the wait ends when it says true. */
  readonly isCancelled?: (() => boolean) | undefined;
  /** Milliseconds without a touch after which a lock is broken; 5,000 if absent. */
  readonly silence?: number | undefined;
}

export interface HeldLock {
  /** @throws LockLost if somebody has broken the lock */
  assertHeld(): void;
  release(): Promise<void>;
}

/** Internal: the change is to be made again under a new lock. */
export class LockLost extends Error {}

const NOTICE_AFTER = 1000;
const TOUCH_EVERY = 1000;
const SILENCE = 5000;
/** Milliseconds after which a lock that nobody touched is found so old that no difference of clocks explains it. */
const OLD = 24 * 3600_000;
/** proper-lockfile is not to break locks itself. */
const NEVER = 1e12;
const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 40;

/** @throws ChartError `LAYOUT_LOCKED`, `LAYOUT_UNWRITABLE`, `DISK_FULL`, `CANCELLED` */
export async function acquireLock(options: LockOptions): Promise<HeldLock> {
  const { dir, workspace, timeout, onWait, isCancelled, silence = SILENCE } = options;
  const lock = lockPath(dir);
  const started = performance.now();
  const watch = new LockWatch(workspace.host, silence);
  const place = workspace.reserve();
  let pause = FIRST_PAUSE;
  let noticed = false;
  try {
    const candidate = prepare(dir, place.path, workspace.host);
    for (;;) {
      if (isCancelled?.()) throw new ChartError('CANCELLED', 'cancelled');
      // Looking takes less than trying, and of those who wait most see that somebody else is at it.
      const seen = writing(lock, () => lookAt(dir));
      if (seen && watch.isAbandoned(seen)) {
        writing(lock, () => end(lock, seen.file));
        continue;
      }
      const held = seen ? undefined : await candidate.tryLock();
      if (held) return withEnd(held, place.remove);
      const waited = performance.now() - started;
      if (waited >= timeout) throw locked(dir, waited, nameOf(seen?.owner));
      if (!noticed && waited >= NOTICE_AFTER) {
        noticed = true;
        onWait?.({ waited, owner: nameOf(seen?.owner) });
      }
      await delay(pause * (0.5 + Math.random()));
      pause = Math.min(pause * 1.5, LONGEST_PAUSE);
    }
  } catch (error) {
    place.remove();
    throw error;
  }
}

function withEnd({ assertHeld, release }: HeldLock, end: () => void): HeldLock {
  return {
    assertHeld,
    release: async () => {
      await release();
      end();
    },
  };
}

/** Makes a lock ready at `path`. */
function prepare(dir: string, path: string, host: string): { tryLock(): Promise<HeldLock | undefined> } {
  const lock = lockPath(dir);
  const token = randomBytes(8).toString('hex');
  const owner = { host, pid: process.pid, token, machine: hostname() };
  const file = writing(path, () => makeReady(path, owner));
  const remove = (): void => end(lock, file);
  // Each of these takes microseconds, less than to hand it to another thread.
  const fs = {
    mkdir: asynchronous(() => moveIn(path, lock)),
    stat: asynchronous(() => statSync(lock)),
    utimes: asynchronous((_path: string, atime: Date, mtime: Date) => utimesSync(lock, atime, mtime)),
    rmdir: asynchronous(remove),
    // Called when the process exits while it holds the lock.
    rmdirSync: remove,
  };
  const tryLock = async (): Promise<HeldLock | undefined> => {
    const { default: lockfile } = await import('proper-lockfile');
    let lost = false;
    const onCompromised = (): void => {
      lost = true;
    };
    const settings = { realpath: false, stale: NEVER, update: TOUCH_EVERY, fs, onCompromised };
    try {
      const release = await lockfile.lock(indexPath(dir), settings);
      const isOurs = (): boolean => !lost && writing(lock, () => lookAt(dir))?.file === file;
      return {
        assertHeld: () => {
          if (!isOurs()) throw new LockLost('the lock was broken by another process');
        },
        // What proper-lockfile has to say against it is that somebody else has broken the lock.
        release: () => release().catch(() => undefined),
      };
    } catch (error) {
      if (systemErrorCode(error) === 'ELOCKED') return undefined;
      throw writeFault(error, lock);
    }
  };
  return { tryLock };
}

function asynchronous<Arguments extends unknown[], T>(body: (...args: Arguments) => T) {
  return (...args: [...Arguments, (error: unknown, result?: T) => void]): void => {
    const callback = args.pop() as (error: unknown, result?: T) => void;
    let result: T;
    try {
      result = body(...(args as unknown as Arguments));
    } catch (error) {
      callback(error);
      return;
    }
    callback(null, result);
  };
}

/** A lock that somebody else has, watched for signs of life. */
class LockWatch {
  readonly #host: string;
  readonly #silence: number;
  #seen = '';
  #since = 0;

  constructor(host: string, silence: number) {
    this.#host = host;
    this.#silence = silence;
  }

  isAbandoned({ stats, file, owner }: SeenLock): boolean {
    if (file === undefined) return true;
    const seen = `${stats.ino} ${stats.mtimeMs} ${file}`;
    const now = performance.now();
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#since = now;
    }
    if (owner && ownerState(owner, this.#host) === 'dead') return true;
    return now - this.#since > this.#silence || Date.now() - stats.mtimeMs > OLD;
  }
}

function nameOf(owner: LockOwner | undefined): string | undefined {
  return owner && `process ${owner.pid} on ${owner.machine}`;
}

function locked(dir: string, waited: number, owner: string | undefined): ChartError {
  const seconds = Math.round(waited / 1000);
  return new ChartError(
    'LAYOUT_LOCKED',
    `the cache ${dir} is locked by ${owner ?? 'another process'}; gave up after ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`,
    {
      hint: `Run the command again when that has ended, or wait for longer (--lock-timeout). If nothing is using the cache, delete ${lockPath(dir)}.`,
    },
  );
}
