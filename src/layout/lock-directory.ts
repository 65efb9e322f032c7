/**
 * The lock as a directory that says whose it is.
 *
 *     index.json.lock/owner    {"host":"1f0c52a97be4","pid":4711,"token":"...","machine":"build-7"}
 *
 * It is made ready in the workspace and moved to its place whole, which fails if there is one already: so the owner is known
 * from the first moment. Giving it back, and breaking one that was left behind, moves it out again. Only an empty directory is
 * replaced by a move, and that is nobody's.
 */
import { readdirSync, readFileSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { systemErrorCode } from '../errors.js';
import type { Owner } from './owners.js';
import { indexPath } from './paths.js';

export interface LockOwner extends Owner {
  /** Tells one holding from any other. */
  readonly token: string;
  /** Its name, for people. */
  readonly machine: string;
}

export interface SeenLock {
  readonly stats: Stats;
  /** Undefined for a lock that is none of ours, or that is gone by now. */
  readonly owner: LockOwner | undefined;
}

export function lockPath(dir: string): string {
  return `${indexPath(dir)}.lock`;
}

/** Fills a directory that is to become the lock. */
export function makeReady(path: string, owner: LockOwner): void {
  writeFileSync(`${path}/owner`, JSON.stringify(owner), { mode: 0o644 });
}

/** @throws system error `EEXIST` if somebody has the lock */
export function moveIn(ready: string, lock: string): void {
  try {
    renameSync(ready, lock);
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    // Windows refuses in the same words whether there is a lock, or may be none.
    const isTaken = code === 'ENOTEMPTY' || (['EPERM', 'EACCES'].includes(code) && statSync(lock, QUIET));
    throw isTaken ? Object.assign(new Error('the lock is taken'), { code: 'EEXIST' }) : error;
  }
}

const QUIET = { throwIfNoEntry: false } as const;

/** @returns undefined if there is no lock */
export function lookAt(dir: string): SeenLock | undefined {
  const path = lockPath(dir);
  const stats = statSync(path, QUIET);
  return stats && { stats, owner: readOwner(path) };
}

export function readOwner(lock: string): LockOwner | undefined {
  try {
    const { host, pid, token, machine } = JSON.parse(readFileSync(`${lock}/owner`, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? { host, pid, token, machine: String(machine) } : undefined;
  } catch {
    return undefined;
  }
}

/** True for a lock that nobody has: where a directory cannot be moved over an empty one (Windows), it has to go first. */
export function isEmpty(lock: string): boolean {
  try {
    return readdirSync(lock).length === 0;
  } catch {
    return false;
  }
}

/**
 * Moves a lock out of its place. If it turns out to be another one than was meant, it is put back; whoever has it looks
 * before every write whether it is still there.
 *
 * @param away a path in the workspace that is free
 */
export function moveOut(lock: string, away: string, token: string | undefined): void {
  try {
    renameSync(lock, away);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    if (readOwner(away)?.token !== token) {
      renameSync(away, lock);
      return;
    }
  } catch {
    // Somebody else has the lock by now.
  }
  rmSync(away, { recursive: true });
}
