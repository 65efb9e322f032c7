/**
 * Names for many charts, few writes of index.json: names that come while one write is under way, or soon after it, go
 * together in the next.
 */
import type { IndexEntry, Layout, NamedDescriptor } from '../layout/layout.js';

/** Milliseconds between two writes of one batch; the first is not delayed. */
const PAUSE = 150;

interface Waiting {
  /** Named together or not at all. */
  readonly entries: readonly NamedDescriptor[];
  /** The names are most likely there already. */
  readonly kept: boolean;
  readonly resolve: (previous: readonly (IndexEntry | undefined)[]) => void;
  readonly reject: (error: unknown) => void;
}

export class TagBatch {
  readonly #layout: Pick<Layout, 'tagAll' | 'readIndex'>;
  readonly #signal: AbortSignal | undefined;
  #waiting: Waiting[] = [];
  #next: Promise<void> | undefined;
  #free: Promise<void> = Promise.resolve();
  #hurry: () => void = () => {};
  #finished = false;

  constructor(layout: Pick<Layout, 'tagAll' | 'readIndex'>, signal?: AbortSignal) {
    this.#layout = layout;
    this.#signal = signal;
  }

  /**
   * Resolves once index.json on disk holds the names; rejects with what is wrong with these, not with others.
   *
   * @returns for each what `tagAll` does
   */
  add(...entries: readonly NamedDescriptor[]): Promise<readonly (IndexEntry | undefined)[]> {
    return this.#wait(entries, false);
  }

  /** As {@link add}, for names that were there a moment ago: where all still are, nothing is written. One look for all that wait. */
  async keep(...entries: readonly NamedDescriptor[]): Promise<void> {
    await this.#wait(entries, true);
  }

  #wait(entries: readonly NamedDescriptor[], kept: boolean): Promise<readonly (IndexEntry | undefined)[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, kept, resolve, reject });
      this.#next ??= this.#free.then(() => this.#write());
    });
  }

  /** No more names will come: what waits is written without delay. */
  finish(): void {
    this.#finished = true;
    this.#hurry();
  }

  async #write(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    const write = this.#settle(batch);
    this.#free = write.then(() => this.#pause());
    await write;
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const missing = await this.#withoutKept(batch);
      if (missing.length > 0) await this.#name(missing);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Those whose names are still to be written. */
  async #withoutKept(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    if (!batch.some(({ kept }) => kept)) return batch;
    const index = await this.#layout.readIndex({ signal: this.#signal });
    const names = new Map(index.map(({ name, descriptor }) => [name, descriptor?.digest]));
    return batch.filter(({ entries, kept, resolve }) => {
      const there = kept && entries.every(({ name, descriptor }) => names.get(name) === descriptor.digest);
      if (there) resolve([]);
      return !there;
    });
  }

  /** A write names all or none. Where one of several cannot be named, each is written by itself. */
  async #name(batch: readonly Waiting[]): Promise<void> {
    try {
      const previous = await this.#layout.tagAll(
        batch.flatMap(({ entries }) => entries),
        { signal: this.#signal },
      );
      let position = 0;
      for (const { entries, resolve } of batch) {
        resolve(previous.slice(position, position + entries.length));
        position += entries.length;
      }
    } catch (error) {
      if (batch.length === 1 || this.#signal?.aborted) for (const { reject } of batch) reject(error);
      else for (const waiting of batch) await this.#name([waiting]);
    }
  }

  #pause(): Promise<void> {
    if (this.#finished) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PAUSE);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
