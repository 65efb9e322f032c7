/**
 * Who waits for a signal to be aborted.
 *
 * One listener on the signal stands for all of them: Node.js 20 warns of more than ten, which many calls with one signal of their caller
 * soon have, and how many a caller's own signal may have is not for this library to change.
 */
const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls `listener`, which must not throw, when the signal is aborted; not if it is aborted already.
 *
 * @returns what takes the listener away. With the last one nothing of this library listens to the signal any more
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined || signal.aborted) return () => undefined;
  const known = waiting.get(signal);
  const all = known ?? new Waiting(signal);
  if (!known) waiting.set(signal, all);
  return all.add(listener);
}

class Waiting {
  readonly #signal: AbortSignal;
  readonly #calls = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this, { once: true });
  }

  add(listener: () => void): () => void {
    // A function of its own for each: the same listener may be given twice.
    const call = (): void => listener();
    this.#calls.add(call);
    return () => {
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#leave();
    };
  }

  handleEvent(): void {
    this.#leave();
    for (const call of this.#calls) call();
  }

  #leave(): void {
    this.#signal.removeEventListener('abort', this);
    if (waiting.get(this.#signal) === this) waiting.delete(this.#signal);
  }
}
