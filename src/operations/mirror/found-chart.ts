/** A chart version that a source has, and the way to its content. */
import type { Readable } from 'node:stream';
import type { ChartDependency } from '../../chart/metadata.js';
import type { RawManifest } from '../../oci/manifest.js';
import type { CallOptions, Source } from '../../oci/target.js';
import type { PlacedChart } from './placement.js';
import type { LeftOut } from './types.js';

export interface FoundChart extends PlacedChart {
  /** How the source names it, for people and reports. */
  readonly source: string;
  /** Found where other things than charts may be, too. */
  readonly mayBeOther: boolean;
  /** Asks the source at once for what comes next: `compare`, or `open` and a copy. */
  prepare(next: 'compare' | 'copy', options: CallOptions): void;
  /**
   * Whether the target's manifest is what this chart would be there.
   *
   * @param existing asked for only where its digest does not tell
   */
  compare(existing: ExistingManifest, options: CallOptions): Promise<Comparison>;
  /** What its Chart.yaml depends on, without what lies within the chart. */
  dependencies(options: CallOptions): Promise<readonly Pick<ChartDependency, 'name' | 'version' | 'repository'>[]>;
  /** What other artifacts may be attached to; undefined where the source knows no such thing. */
  attachedTo(options: CallOptions): Promise<AttachedTo | undefined>;
  /** The artifact, ready to be copied. To be closed. @throws ChartError `ARTIFACT_NOT_A_CHART` */
  open(options: OpenOptions): Promise<OpenedChart>;
}

export interface OpenOptions extends CallOptions {
  /** Put around content of charts that does not come through `OpenedChart.source`. */
  readonly through?: ((content: Readable) => Readable) | undefined;
}

export interface ExistingManifest {
  readonly digest: RawManifest['descriptor']['digest'];
  read(): Promise<RawManifest>;
}

export interface Comparison {
  readonly same: boolean;
  /** What the source has, as far as it is known. */
  readonly wanted?: RawManifest['descriptor']['digest'] | undefined;
}

export interface AttachedTo {
  readonly source: Source;
  readonly manifest: RawManifest;
}

export interface OpenedChart {
  readonly source: Source;
  readonly manifest: RawManifest;
  /** Its content has been fetched. */
  readonly atHand: boolean;
  close(): Promise<void>;
}

/** What a source gives for one entry. */
export interface Findings {
  readonly charts: readonly FoundChart[];
  readonly leftOut: readonly LeftOut[];
  /** What must not be left out in silence: versions that an index has twice, for different content. */
  readonly refused: readonly LeftOut[];
  /** Versions that are taken with `prerelease` only. */
  readonly prereleases: number;
}
