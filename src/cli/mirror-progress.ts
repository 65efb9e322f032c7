/** How far a mirror run is, on one line of a terminal: charts, bytes, speed, time left. */
import type { MirrorListener } from '../operations/mirror/types.js';
import type { Output } from './output.js';
import { formatSize } from './text.js';

/** Milliseconds between two drawings. */
const INTERVAL = 100;
const CLEAR = '\r\u001b[K';

export class MirrorProgress {
  readonly #output: Output;
  readonly #drawn: boolean;
  readonly #start = performance.now();
  #charts: number | undefined;
  #done = 0;
  #bytes = 0;
  #last = 0;
  #shown = false;

  /** @param wanted draws nothing where this is false, nor where the output is no terminal */
  constructor(output: Output, wanted: boolean) {
    this.#output = output;
    this.#drawn = wanted && output.isTerminal;
  }

  readonly listener: MirrorListener = {
    onPlan: (charts) => {
      this.#charts = charts;
      this.#draw();
    },
    onBytes: (bytes) => {
      this.#bytes += Math.max(bytes, 0);
      this.#draw();
    },
  };

  /** Prints a line of a chart that is done, above the progress. */
  around(print: () => void): void {
    this.#done += 1;
    this.#clear();
    print();
    this.#draw();
  }

  end(): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#shown) this.#output.write(CLEAR);
    this.#shown = false;
  }

  #draw(): void {
    const now = performance.now();
    if (!this.#drawn || this.#charts === undefined || (this.#shown && now - this.#last < INTERVAL)) return;
    this.#last = now;
    this.#shown = true;
    this.#output.write(`${CLEAR}${progressLine(this.#done, this.#charts, this.#bytes, now - this.#start)}`);
  }
}

/** @param ms since the start */
export function progressLine(done: number, charts: number, bytes: number, ms: number): string {
  const speed = ms > 0 ? (bytes / ms) * 1000 : 0;
  const left = done > 0 && done < charts ? `, ${formatDuration((ms / done) * (charts - done))} left` : '';
  return `${done} of ${charts} charts, ${formatSize(bytes)}, ${formatSize(Math.round(speed))}/s${left}`;
}

function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
