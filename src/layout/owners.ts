/**
 * Which process something belongs to, and whether that process still lives.
 *
 * A process id means something on one machine, and there in one PID namespace only: containers that share a cache see
 * each other's ids as nothing or as somebody else's. So the id goes with a mark of machine, boot and namespace.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemErrorCode } from '../errors.js';

export interface Owner {
  /** 12 hex digits, see {@link currentHost}. */
  readonly host: string;
  readonly pid: number;
}

/** The mark of this machine since it was started, and of this PID namespace. */
export function currentHost(): string {
  const parts = [hostname(), linux(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))];
  parts.push(linux(() => readlinkSync('/proc/self/ns/pid')));
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12);
}

function linux(read: () => string): string {
  if (process.platform !== 'linux') return '';
  try {
    return read();
  } catch {
    return '';
  }
}

/** `alive` and `dead` are certain, but for a process id that has been given to somebody else; `unknown` is another machine's. */
export function ownerState(owner: Owner, host: string): 'alive' | 'dead' | 'unknown' {
  if (owner.host !== host) return 'unknown';
  try {
    process.kill(owner.pid, 0);
    return 'alive';
  } catch (error) {
    return systemErrorCode(error) === 'ESRCH' ? 'dead' : 'alive';
  }
}
