/**
 * Names for many charts, few writes of index.json: names that come while one write is under way, or soon after it, go
 * together in the next.
 */
import type { Layout, NamedDescriptor } from '../layout/layout.js';

/** Milliseconds between two writes of one batch; the first is not delayed. */
const PAUSE = 150;

export class TagBatch {
  readonly #layout: Pick<Layout, 'tagAll'>;
  #waiting: NamedDescriptor[] = [];
  #next: Promise<void> | undefined;
  #free: Promise<void> = Promise.resolve();
  #hurry: () => void = () => {};
  #finished = false;

  constructor(layout: Pick<Layout, 'tagAll'>) {
    this.#layout = layout;
  }

  /** Resolves once index.json on disk holds the name. */
  add(entry: NamedDescriptor): Promise<void> {
    this.#waiting.push(entry);
    this.#next ??= this.#free.then(() => this.#write());
    return this.#next;
  }

  /** No more names will come: what waits is written without delay. */
  finish(): void {
    this.#finished = true;
    this.#hurry();
  }

  async #write(): Promise<void> {
    const entries = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    const write = this.#layout.tagAll(entries);
    this.#free = write.then(
      () => this.#pause(),
      () => undefined,
    );
    await write;
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
