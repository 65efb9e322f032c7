/** What a mirror run is asked for, and what it tells. */
import type { CopyEvent } from '../../copy.js';
import type { ChartError } from '../../errors.js';
import type { Digest } from '../../oci/digest.js';

/** Which charts of one source, and where they go. */
export interface MirrorEntry {
  /** `oci://HOST/PATH[:TAG]`, `oci://HOST/PATH/*`, `https://HOST/PATH`, a directory, `cache`, or the file of a bundle. */
  readonly source: string;
  /** Where the entry itself stands, for errors: `mirror.yaml:12`. */
  readonly where?: string | undefined;
  /** Chart names of a source that holds several: a name, or a pattern with `*` and `?`. */
  readonly name?: string | undefined;
  /** A version range; without it every release fits. */
  readonly version?: string | undefined;
  /** How many versions of each chart, newest first; all if absent. */
  readonly limit?: number | undefined;
  readonly prerelease?: boolean | undefined;
  /** Patterns over the name or path of a chart: only what one of them fits, if there are any. */
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** Where in the target; see placement.ts. */
  readonly target?: string | undefined;
  /** Take along what Chart.yaml depends on. */
  readonly dependencies?: boolean | undefined;
  /** Take along what is attached to the charts, such as signatures. */
  readonly referrers?: boolean | undefined;
}

export type MirrorMode =
  /** Copy. */
  | 'copy'
  /** Say what would be copied. */
  | 'plan'
  /** Say what the target lacks. */
  | 'check';

export interface MirrorInput {
  readonly entries: readonly MirrorEntry[];
  /** `oci://HOST/PREFIX`, `cache`, or the file of a bundle. */
  readonly target: string;
  /** `copy` if absent. */
  readonly mode?: MirrorMode | undefined;
  /** Replace a tag that names something else at the target; it is left and told of if absent. */
  readonly overwrite?: boolean | undefined;
  /** Of `count` runs, the one that takes each `index`th chart; counted from 1. */
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
  /** Charts on their way at the same time; 8 if absent. */
  readonly parallel?: number | undefined;
  /** Bytes a second, all transfers together. */
  readonly maxRate?: number | undefined;
}

/** As {@link MirrorInput}, with nothing left open. */
export interface MirrorJob extends MirrorInput {
  readonly mode: MirrorMode;
  readonly overwrite: boolean;
  readonly parallel: number;
}

export type MirrorStatus =
  | 'copied'
  | 'present'
  /** The target has something else under the name. */
  | 'drifted'
  /** `plan`: would be copied; or, over what is there, `--overwrite` given. */
  | 'planned'
  /** `check`: the target lacks it. */
  | 'missing'
  | 'failed';

/** What became of one chart version, or of a source that could not be read. */
export interface MirroredChart {
  /** How the source names it. */
  readonly source: string;
  /** Full reference at the target; undefined for a source that could not be read. */
  readonly target: string | undefined;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly status: MirrorStatus;
  /** Of what the target has now. */
  readonly digest: Digest | undefined;
  /** Of what the source has, where that differs. */
  readonly wanted?: Digest | undefined;
  /** Bytes that the target did not have. */
  readonly copiedBytes: number;
  /** What is attached to it and came along. */
  readonly referrers?: number | undefined;
  readonly error?: ChartError | undefined;
}

/** What a source holds and cannot be taken: an entry of an index that is broken, a tag that is no chart. */
export interface LeftOut {
  readonly source: string;
  readonly name: string;
  readonly version: string | undefined;
  readonly reason: string;
}

export interface MirrorReport {
  readonly charts: readonly MirroredChart[];
  readonly leftOut: readonly LeftOut[];
  /** Versions that only `prerelease` would have taken. */
  readonly prereleases: number;
}

export interface MirrorListener {
  /** What is to be done is known. */
  onPlan?(charts: number): void;
  /** How far a chart is on its way; `source` as in {@link MirroredChart}. */
  onCopy?(source: string, event: CopyEvent): void;
  /** A chart is done; undefined for what turned out to be no chart. `position` is its place in the order of the plan. */
  onChart?(source: string, chart: MirroredChart | undefined, position: number): void;
}
