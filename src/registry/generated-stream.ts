/** Streams whose content a generator makes. */
import { Readable } from 'node:stream';

/**
 * Unlike `Readable.from`, a stream that is destroyed lets go at once of what the generator waits for.
 *
 * @param release frees what the generator reads from, so that it comes to an end
 */
export function streamOf(chunks: AsyncGenerator<Buffer>, release: () => void): Readable {
  return new Readable({
    read() {
      chunks.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      release();
      done(error);
    },
  });
}
