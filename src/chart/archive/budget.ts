import { CHART_LIMITS, type ChartLimits, limitExceeded } from '../files.js';

/** Files of the greatest size that one chart may have, charts within it included. */
const KEPT_FILES = 4;

/**
 * Counts what one chart costs to unpack, while it streams. Archives within a chart count on the budget of the chart that
 * holds them, so that nesting does not multiply the limits.
 */
export class ChartBudget {
  readonly limits: ChartLimits;
  #bytes = 0;
  #entries = 0;
  #kept = 0;

  constructor(limits: ChartLimits = CHART_LIMITS) {
    this.limits = limits;
  }

  /** @throws ChartError `LIMIT_EXCEEDED` */
  addBytes(count: number): void {
    this.#bytes += count;
    if (this.#bytes > this.limits.bytes) throw limitExceeded('unpacked bytes', this.limits.bytes);
  }

  /** @throws ChartError `LIMIT_EXCEEDED` */
  addEntry(): void {
    this.#entries += 1;
    if (this.#entries > this.limits.entries) throw limitExceeded('entries', this.limits.entries);
  }

  /** Bytes that stay in memory until the chart has been checked. @throws ChartError `LIMIT_EXCEEDED` */
  addKept(count: number): void {
    this.#kept += count;
    const limit = KEPT_FILES * this.limits.fileBytes;
    if (this.#kept > limit) throw limitExceeded('bytes in files that are read whole', limit);
  }

  /**
   * @param depth segments of a path, or charts within charts
   * @throws ChartError `LIMIT_EXCEEDED`
   */
  checkDepth(depth: number, what = 'directory levels'): void {
    if (depth > this.limits.depth) throw limitExceeded(what, this.limits.depth);
  }
}
