/** A limit on bytes a second, for all transfers of a run together. */

import { pipeline, type Readable, Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

export class RateLimit {
  readonly #rate: number;
  /** Milliseconds: when the bytes so far will have had their time. */
  #due = 0;

  /** @param rate bytes a second */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Passes content on, no faster than its share. */
  through(content: Readable): Readable {
    const slow = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const wait = this.#wait(chunk.length);
        if (wait < 1) done(null, chunk);
        else pause(wait).then(() => done(null, chunk), done);
      },
    });
    return pipeline(content, slow, () => undefined);
  }

  #wait(bytes: number): number {
    const now = performance.now();
    this.#due = Math.max(this.#due, now) + (bytes / this.#rate) * 1000;
    return this.#due - now;
  }
}
