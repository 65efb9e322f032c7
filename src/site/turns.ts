/** Long work in short turns, between which others have theirs. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';

/** Milliseconds. */
const TURN = 8;

export class Turns {
  #began = performance.now();

  /** True when it is time to {@link give} the next turn to others. */
  get isOver(): boolean {
    return performance.now() - this.#began >= TURN;
  }

  async give(): Promise<void> {
    await yieldToOthers();
    this.#began = performance.now();
  }
}
