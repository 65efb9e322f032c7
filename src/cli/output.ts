/** Standard output and standard error as commands see them. */
import type { Writable } from 'node:stream';

/** Text on its way out, gathered so that a table of thousands of rows is a few writes. A closed pipe ends it in silence. */
export class Output {
  readonly #stream: Writable & { isTTY?: boolean; columns?: number };
  #closed = false;

  constructor(stream: Writable & { isTTY?: boolean; columns?: number }) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // The reader went away, as `head` does: nobody is left to tell.
      if (error.code !== 'EPIPE') throw error;
      this.#closed = true;
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number {
    return this.#stream.columns ?? 80;
  }

  write(content: string | Uint8Array): void {
    if (!this.#closed) this.#stream.write(content);
  }

  /** Resolves when everything has been handed to the system, so that an exit loses nothing. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed || this.#stream.writableLength === 0) resolve();
      else {
        this.#stream.once('drain', resolve);
        this.#stream.once('error', () => resolve());
        this.#stream.write('', () => resolve());
      }
    });
  }
}

/**
 * Lets several items print one after another, in the order of the items: the first that is not finished prints as it
 * goes, the others wait their turn.
 */
export class OrderedOutput {
  readonly #waiting: (() => void)[][];
  readonly #finished: boolean[];
  #turn = 0;

  constructor(count: number) {
    this.#waiting = Array.from({ length: count }, () => []);
    this.#finished = new Array<boolean>(count).fill(false);
  }

  add(index: number, print: () => void): void {
    if (index === this.#turn) print();
    else this.#waiting[index]?.push(print);
  }

  finish(index: number): void {
    this.#finished[index] = true;
    while (this.#finished[this.#turn]) {
      this.#turn++;
      for (const print of this.#waiting[this.#turn]?.splice(0) ?? []) print();
    }
  }
}
