/**
 * The blobs that this process relies on, and until when; every change that others must know of becomes a line of the log that
 * leases.ts reads.
 */
import type { Digest } from '../oci/digest.js';

/** Milliseconds for which a blob that was written stays wanted, if nothing is made of it and the process lives on. */
const WRITE_LIFETIME = 6 * 3600_000;
/** Milliseconds for which a blob that was only asked about stays wanted: whoever asks may skip sending it, and name it. */
const NOTICE_LIFETIME = 10 * 60_000;

interface Lease {
  writes: number;
  writtenUntil: number;
  noticedUntil: number;
}

export class LeaseBook {
  readonly #leases = new Map<Digest, Lease>();
  readonly #write: (line: string) => void;

  /** @param write adds a line to the log, before anything is done that depends on it */
  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  get isEmpty(): boolean {
    return this.#leases.size === 0;
  }

  has(digest: Digest): boolean {
    return this.#leases.has(digest);
  }

  /** Counts: as many `settle` end it. */
  rely(digest: Digest): void {
    const lease = this.#lease(digest);
    lease.writes += 1;
    lease.writtenUntil = Date.now() + WRITE_LIFETIME;
  }

  notice(digest: Digest): void {
    this.#lease(digest).noticedUntil = Date.now() + NOTICE_LIFETIME;
  }

  settle(digest: Digest): void {
    const lease = this.#leases.get(digest);
    if (lease === undefined) return;
    lease.writes = Math.max(0, lease.writes - 1);
    this.#endIfOver(digest, lease, Date.now());
  }

  forget(digest: Digest): void {
    if (!this.#leases.delete(digest)) return;
    try {
      this.#write(`-${digest}\n`);
    } catch {
      // The disk is full: the blob stays wanted until this process ends.
    }
  }

  clear(): void {
    this.#leases.clear();
  }

  /** Ends what has outlived its time. */
  expire(now = Date.now()): void {
    for (const [digest, lease] of this.#leases) this.#endIfOver(digest, lease, now);
  }

  /** The log as it would be if it began now. */
  log(): string {
    return [...this.#leases.keys()].map((digest) => `+${digest}\n`).join('');
  }

  #lease(digest: Digest): Lease {
    const known = this.#leases.get(digest);
    if (known) return known;
    this.#write(`+${digest}\n`);
    const lease = { writes: 0, writtenUntil: 0, noticedUntil: 0 };
    this.#leases.set(digest, lease);
    return lease;
  }

  #endIfOver(digest: Digest, { writes, writtenUntil, noticedUntil }: Lease, now: number): void {
    if ((writes === 0 || writtenUntil <= now) && noticedUntil <= now) this.forget(digest);
  }
}
