/** Memory for what is on its way out. */

/** Bytes of a buffer; and of one while many are in use, so that thousands of slow clients do not take gigabytes. */
const LARGE = 512 * 1024;
const SMALL = 64 * 1024;
const MANY = 32;

/** Buffers that are used again. */
export class Buffers {
  readonly #free: Buffer[] = [];
  #used = 0;

  take(): Buffer {
    this.#used += 1;
    if (this.#used > MANY) return Buffer.allocUnsafeSlow(SMALL);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(LARGE);
  }

  give(buffer: Buffer): void {
    this.#used -= 1;
    if (buffer.length === LARGE && this.#free.length < MANY) this.#free.push(buffer);
  }
}
