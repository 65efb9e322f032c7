/** Bytes a second, over the last few seconds. */
export class RateGauge {
  readonly #samples: { readonly time: number; readonly bytes: number }[] = [];

  /** @param time milliseconds, never less than before */
  add(time: number, bytes: number): void {
    this.#samples.push({ time, bytes });
    while ((this.#samples[1]?.time ?? time) < time - WINDOW) this.#samples.shift();
  }

  /** Zero before there is anything to tell. */
  get rate(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.time <= first.time) return 0;
    return (Math.max(0, last.bytes - first.bytes) * 1000) / (last.time - first.time);
  }
}

/** Milliseconds. */
const WINDOW = 5_000;
