/** Standard output and standard error as commands see them. */
import type { Writable } from 'node:stream';
import { systemWords } from '../chart/system-words.js';
import { ChartError, systemErrorCode } from '../errors.js';

type Stream = Writable & { isTTY?: boolean; columns?: number };

/** Text on its way out. A pipe that its reader has closed, as `head` does, ends it in silence; any other fault is told at the end. */
export class Output {
  /** Called before anything is written. */
  beforeWrite: (() => void) | undefined;
  readonly #open: () => Stream;
  #opened: Stream | undefined;
  #fault: NodeJS.ErrnoException | undefined;

  /** @param open is called when something is first written: it takes Node a while, and standard error is seldom needed */
  constructor(open: () => Stream) {
    this.#open = open;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Of the terminal; undefined or 0 where it does not tell. */
  get columns(): number | undefined {
    return this.#stream.columns;
  }

  write(content: string | Uint8Array): void {
    this.beforeWrite?.();
    if (this.#fault === undefined) this.#stream.write(content);
  }

  get #stream(): Stream {
    if (this.#opened) return this.#opened;
    this.#opened = this.#open();
    this.#opened.on('error', (error) => {
      this.#fault ??= error;
    });
    return this.#opened;
  }

  /**
   * Writes a stream of any length, no faster than it is taken.
   *
   * @throws ChartError `OUTPUT_FAILED` also where the reader has gone: the content was not text that it had seen enough of
   */
  async pipe(content: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of content) {
      this.beforeWrite?.();
      if (this.#fault === undefined && !this.#stream.write(piece)) await this.#drained();
      if (this.#fault !== undefined) break;
    }
    await new Promise<void>((resolve) => {
      if (this.#fault) return resolve();
      this.#stream.once('error', () => resolve());
      this.#stream.write('', () => resolve());
    });
    if (this.#fault?.code !== 'EPIPE') return;
    throw new ChartError('OUTPUT_FAILED', 'whatever read standard output has ended before all was written', {
      cause: this.#fault,
      hint: 'See what the other program says; what it took so far is no whole bundle.',
    });
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stream.removeListener('drain', done);
        this.#stream.removeListener('error', done);
        this.#stream.removeListener('close', done);
        resolve();
      };
      for (const event of ['drain', 'error', 'close']) this.#stream.once(event, done);
    });
  }

  /**
   * Resolves when everything has been handed to the system, so that an exit loses nothing.
   *
   * @throws ChartError `DISK_FULL`, `OUTPUT_FAILED`
   */
  async finish(): Promise<void> {
    if (this.#opened && this.#fault === undefined) {
      await new Promise<void>((resolve) => {
        this.#stream.once('error', () => resolve());
        this.#stream.write('', () => resolve());
      });
    }
    const fault = this.#fault;
    const code = systemErrorCode(fault);
    if (fault === undefined || code === 'EPIPE') return;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new ChartError(
      full ? 'DISK_FULL' : 'OUTPUT_FAILED',
      `cannot write to standard output: ${systemWords(fault)}`,
      {
        cause: fault,
        hint: 'What the command did stays done; only its output is lost.',
      },
    );
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
