/**
 * The lock around index.json, held for one change of it: read, change, write, fsync, rename.
 *
 *     index.json.lock/          made by who holds the lock, touched every second (proper-lockfile)
 *     index.json.owner          {"host":"1f0c52a97be4","pid":4711,"token":"...","machine":"build-7"} of who holds it
 *     index.json.lock.takeover/ made by who is about to break a lock
 *
 * A lock is broken at once if its owner was a process of this machine and is dead, else after it has not been touched for
 * some seconds of the waiting process' own watching, so that clocks do not matter. One process at a time breaks, and looks
 * again before: two that broke one after the other would let two in. The owner's file goes first and the lock after it.
 *
 * A process that was stopped for so long that its lock was broken can tell by the owner's file, and has to look right before
 * it renames (`assertHeld`).
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { ChartError, systemErrorCode } from '../errors.js';
import { writeFault } from './faults.js';
import { ownerState } from './owners.js';
import { indexPath } from './paths.js';

export interface LockWait {
  /** Milliseconds so far. */
  readonly waited: number;
  /** Who has the lock, such as `process 4711 on build-7`, where that is known. */
  readonly owner: string | undefined;
}

export interface LockOptions {
  readonly dir: string;
  /** See owners.ts. */
  readonly host: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Called once, after a second. */
  readonly onWait?: ((wait: LockWait) => void) | undefined;
  /** Asked between attempts; the wait ends when it says true. */
  readonly isCancelled?: (() => boolean) | undefined;
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
/** Milliseconds without a touch after which a lock is broken. */
const SILENCE = 5000;
/** The same for a lock that is found so old that no difference of clocks explains it. */
const OLD = 120_000;
/** proper-lockfile is not to break locks itself. */
const NEVER = 1e12;
const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 60;

/** @throws ChartError `LAYOUT_LOCKED`, `LAYOUT_UNWRITABLE`, `DISK_FULL`, `CANCELLED` */
export async function acquireLock(options: LockOptions): Promise<HeldLock> {
  const { dir, timeout, onWait, isCancelled } = options;
  const started = performance.now();
  const watch = new LockWatch(dir, options.host);
  let pause = FIRST_PAUSE;
  let noticed = false;
  for (;;) {
    const held = await tryLock(options);
    if (held) return held;
    if (isCancelled?.()) throw new ChartError('CANCELLED', 'cancelled');
    const waited = performance.now() - started;
    if (waited >= timeout) throw locked(dir, waited, watch.owner());
    if (!noticed && waited >= NOTICE_AFTER) {
      noticed = true;
      onWait?.({ waited, owner: watch.owner() });
    }
    if (watch.isAbandoned() && watch.breakLock()) continue;
    await delay(pause * (0.5 + Math.random()));
    pause = Math.min(pause * 1.5, LONGEST_PAUSE);
  }
}

async function tryLock({ dir, host }: LockOptions): Promise<HeldLock | undefined> {
  const path = indexPath(dir);
  const { default: lockfile } = await import('proper-lockfile');
  let lost = false;
  let unlock: () => Promise<void>;
  try {
    unlock = await lockfile.lock(path, {
      realpath: false,
      stale: NEVER,
      update: TOUCH_EVERY,
      onCompromised: () => {
        lost = true;
      },
    });
  } catch (error) {
    if (systemErrorCode(error) === 'ELOCKED') return undefined;
    throw writeFault(error, lockPath(dir));
  }
  const token = randomBytes(8).toString('hex');
  const owner = JSON.stringify({ host, pid: process.pid, token, machine: hostname() });
  const isOurs = (): boolean => !lost && readOwner(dir)?.token === token;
  const release = async (): Promise<void> => {
    if (!isOurs()) return;
    unlinkSync(ownerPath(dir));
    await unlock().catch(() => undefined);
  };
  try {
    writeFileSync(ownerPath(dir), owner, { mode: 0o644 });
  } catch (error) {
    await unlock().catch(() => undefined);
    throw writeFault(error, ownerPath(dir));
  }
  const assertHeld = (): void => {
    if (!isOurs()) throw new LockLost('the lock was broken by another process');
  };
  return { assertHeld, release };
}

/** A lock that somebody else has, watched for signs of life. */
class LockWatch {
  readonly #dir: string;
  readonly #host: string;
  #seen = '';
  #since = 0;

  constructor(dir: string, host: string) {
    this.#dir = dir;
    this.#host = host;
  }

  owner(): string | undefined {
    const owner = readOwner(this.#dir);
    return owner && `process ${owner.pid} on ${owner.machine}`;
  }

  isAbandoned(): boolean {
    const stats = lstatSync(lockPath(this.#dir), { throwIfNoEntry: false });
    if (!stats) return false;
    const owner = readOwner(this.#dir);
    const seen = `${stats.ino} ${stats.mtimeMs} ${owner?.token}`;
    const now = performance.now();
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#since = now;
    }
    if (owner && ownerState(owner, this.#host) === 'dead') return true;
    return now - this.#since > SILENCE || Date.now() - stats.mtimeMs > OLD;
  }

  /** @returns false if another process is at it, or the lock has changed in the meantime */
  breakLock(): boolean {
    const takeover = `${lockPath(this.#dir)}.takeover`;
    if (!tryMakeDirectory(takeover)) {
      const stats = lstatSync(takeover, { throwIfNoEntry: false });
      if (stats && Date.now() - stats.mtimeMs > OLD) removeQuietly(() => rmdirSync(takeover));
      return false;
    }
    try {
      const before = this.#seen;
      if (!this.isAbandoned() || this.#seen !== before) return false;
      removeQuietly(() => unlinkSync(ownerPath(this.#dir)));
      removeQuietly(() => rmdirSync(lockPath(this.#dir)));
      return true;
    } finally {
      removeQuietly(() => rmdirSync(takeover));
    }
  }
}

interface LockOwner {
  readonly host: string;
  readonly pid: number;
  readonly token: string;
  readonly machine: string;
}

/** Undefined for a lock that was made a moment ago, or by another program. */
function readOwner(dir: string): LockOwner | undefined {
  try {
    const { host, pid, token, machine } = JSON.parse(readFileSync(ownerPath(dir), 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? { host, pid, token, machine: String(machine) } : undefined;
  } catch {
    return undefined;
  }
}

function lockPath(dir: string): string {
  return `${indexPath(dir)}.lock`;
}

function ownerPath(dir: string): string {
  return `${indexPath(dir)}.owner`;
}

function tryMakeDirectory(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw writeFault(error, path);
  }
}

function removeQuietly(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw writeFault(error, 'index.json.lock');
  }
}

function locked(dir: string, waited: number, owner: string | undefined): ChartError {
  const seconds = Math.round(waited / 1000);
  return new ChartError(
    'LAYOUT_LOCKED',
    `the cache ${dir} is locked by ${owner ?? 'another process'}; gave up after ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`,
    { hint: `Run the command again when that has ended. If nothing is using the cache, delete ${lockPath(dir)}.` },
  );
}
