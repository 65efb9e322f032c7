/**
 * The lock as a directory that says whose it is.
 *
 *     index.json.lock/1f0c52a97be4-4711-9f86d081884c7d65-build-7    host (owners.ts), process id, token, name of the machine
 *
 * It is made ready in the workspace and moved to its place whole, so the owner is known from the first moment. A move fails over
 * a directory that holds a file, and replaces one that is empty: an empty one is nobody's. So to give the lock back, or to
 * break one that was left behind, is to delete that one file, whose name no other holding has: nobody can take away by
 * mistake what has changed hands in the meantime. An empty file can be made on a full disk, too.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { systemErrorCode } from '../errors.js';
import type { Owner } from './owners.js';
import { indexPath } from './paths.js';

export interface LockOwner extends Owner {
  /** Tells one holding from any other; 16 hex digits. */
  readonly token: string;
  /** Its name, for people. */
  readonly machine: string;
}

export interface SeenLock {
  readonly stats: Stats;
  /** The name of the owner's file; undefined for a lock that nobody has. */
  readonly file: string | undefined;
  /** Undefined if that name says nothing. */
  readonly owner: LockOwner | undefined;
}

export function lockPath(dir: string): string {
  return `${indexPath(dir)}.lock`;
}

/** Makes a directory that is to become the lock. @returns the name of the owner's file */
export function makeReady(path: string, { host, pid, token, machine }: LockOwner): string {
  const file = `${host}-${pid}-${token}-${machine.replace(/[^A-Za-z0-9.-]/g, '_').slice(0, 64)}`;
  mkdirSync(path, { mode: 0o755 });
  closeSync(openSync(`${path}/${file}`, 'wx', 0o644));
  return file;
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

const OWNER = /^([0-9a-f]{12})-([0-9]{1,10})-([0-9a-f]{16})-(.*)$/;

/** @returns undefined if there is no lock */
export function lookAt(dir: string): SeenLock | undefined {
  const path = lockPath(dir);
  const stats = statSync(path, QUIET);
  if (stats === undefined) return undefined;
  const [file] = list(path);
  const [, host, pid, token, machine = ''] = OWNER.exec(file ?? '') ?? [];
  const owner = host && pid && token ? { host, pid: Number(pid), token, machine } : undefined;
  return { stats, file, owner };
}

/** A directory that is gone by now is an empty one. */
function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Ends one holding of the lock, and no other.
 *
 * @param file the name of the owner's file
 */
export function end(lock: string, file: string | undefined): void {
  if (file !== undefined) rmSync(`${lock}/${file}`, { force: true });
  try {
    // Windows does not move a directory over another one, even if that is empty.
    rmdirSync(lock);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemErrorCode(error) ?? '')) throw error;
  }
}
