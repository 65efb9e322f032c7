/** Blobs of a bundle on their way into the cache: large ones one after another, small ones several at a time. */
import { Readable } from 'node:stream';
import { type EntryInfo, readWhole } from '../bundle/entries.js';
import { type ChartError, isChartError } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import type { Digest } from '../oci/digest.js';

/** Bytes up to which a blob is held in memory while it is written. */
const SMALL = 512 * 1024;
const CONCURRENCY = 16;

export class BlobIntake {
  /** Blobs whose content is not what their name says. */
  readonly faults = new Map<Digest, ChartError>();
  /** What is in the cache now, whether it came or was there. */
  readonly stored = new Set<Digest>();
  receivedBytes = 0;
  receivedBlobs = 0;
  readonly #layout: Layout;
  readonly #signal: AbortSignal | undefined;
  readonly #onStored: (digest: Digest) => Promise<void>;
  readonly #received = new Set<Digest>();
  readonly #pending = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #telling: Promise<void> = Promise.resolve();

  constructor(layout: Layout, signal: AbortSignal | undefined, onStored: (digest: Digest) => Promise<void>) {
    this.#layout = layout;
    this.#signal = signal;
    this.#onStored = onStored;
  }

  /** Resolves once the entry's content has been read. @throws what keeps the cache from being written to */
  async take(entry: EntryInfo & { readonly digest: Digest }): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    if (this.stored.has(entry.digest)) return;
    if (entry.size > SMALL) {
      await this.#store(entry, async () => Readable.from(entry.content(), { objectMode: false }));
      return;
    }
    const bytes = await readWhole(entry);
    const storing = this.#store(entry, async () => Readable.from([bytes], { objectMode: false }))
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#pending.delete(storing));
    this.#pending.add(storing);
    if (this.#pending.size >= CONCURRENCY) await Promise.race(this.#pending);
  }

  /** Resolves once all that was taken is stored. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    await this.#telling;
    if (this.#failure) throw this.#failure.error;
  }

  wasReceived(digest: Digest): boolean {
    return this.#received.has(digest);
  }

  async #store({ digest, size }: { digest: Digest; size: number }, open: () => Promise<Readable>): Promise<void> {
    let wasOpened = false;
    const opening = (): Promise<Readable> => {
      wasOpened = true;
      return open();
    };
    const descriptor = { mediaType: 'application/octet-stream', digest, size };
    try {
      await this.#layout.writeBlob(descriptor, opening, { signal: this.#signal, verify: true });
    } catch (error) {
      if (!isChartError(error) || !error.code.startsWith('BLOB_')) throw error;
      this.faults.set(digest, error);
      return;
    }
    if (wasOpened) {
      this.receivedBytes += size;
      this.receivedBlobs += 1;
      this.#received.add(digest);
    }
    this.stored.add(digest);
    this.faults.delete(digest);
    // One after another: whoever listens reads manifests in between.
    this.#telling = this.#telling.then(() => this.#onStored(digest));
    await this.#telling;
  }
}
