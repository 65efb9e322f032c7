/** Block collections open and close by the column of what they hold; the tokens for that are not in the text. */
import { Token, type TokenQueue } from './yaml-tokens.js';

export class BlockIndents {
  readonly #queue: TokenQueue;
  readonly #outer: number[] = [];
  #column = -1;

  constructor(queue: TokenQueue) {
    this.#queue = queue;
  }

  /** Of the innermost block collection; -1 where none is open. */
  get column(): number {
    return this.#column;
  }

  /** Opens a collection if the column is deeper than the one that is open. @param before the number of a token */
  roll(column: number, start: Token, before: number): void {
    if (this.#column >= column) return;
    this.#outer.push(this.#column);
    this.#column = column;
    this.#queue.insert(before, start);
  }

  /** Closes the collections that are deeper than a column. */
  unroll(column: number, pos: number): void {
    while (this.#column > column) {
      this.#queue.add(new Token('block-end', pos));
      this.#column = this.#outer.pop()!;
    }
  }
}
