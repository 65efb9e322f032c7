/** What every command prints of a chart. */
import type { Digest } from '../oci/digest.js';

/** A chart in the cache, in the five facts that Helm prints. */
export interface ChartSummary {
  /** The full reference, as index.json has it. */
  readonly ref: string;
  /** The manifest's digest. */
  readonly digest: Digest;
  /** Bytes of the packed chart. */
  readonly size: number;
  readonly name: string;
  readonly version: string;
}

/** A chart as `list` shows it. */
export interface ListedChart extends ChartSummary {
  /** When the packed chart came into the cache. */
  readonly created: Date;
}
