/** Bytes a second, over the last few seconds. */
export class RateGauge {
  readonly #samples: { readonly time: number; readonly bytes: number }[] = [];

  /** @param time milliseconds, never less than before */
  add(time: number, bytes: number): void {
    this.#samples.push({ time, bytes });
    while ((this.#samples[1]?.time ?? time) < time - WINDOW) this.#samples.shift();
  }

  /** Where the window begins, in milliseconds. */
  get start(): number | undefined {
    return this.#samples[0]?.time;
  }

  /** Zero before there is anything to tell. */
  get rate(): number {
    return this.rateSince(this.start);
  }

  /** Over the window of another gauge, which was read at the same times: what began later counts as nothing before. */
  rateSince(start: number | undefined): number {
    const last = this.#samples.at(-1);
    if (start === undefined || last === undefined || last.time <= start) return 0;
    const first = this.#samples.findLast(({ time }) => time <= start);
    return (Math.max(0, last.bytes - (first?.bytes ?? 0)) * 1000) / (last.time - start);
  }
}

/** Milliseconds. */
const WINDOW = 5_000;
