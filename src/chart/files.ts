/**
 * The files of a chart, wherever they come from: a directory, an archive, or an archive within either.
 */
import { ChartError } from '../errors.js';

export interface ChartFile {
  /** Relative to the chart's root, with `/`: `templates/web.yaml`, `charts/redis-1.0.0.tgz`. Never empty, absolute or with `..`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** The content whole; only for files that {@link isLoadedFile} names. */
  read(): Promise<Uint8Array>;
  /** The files of the archive that this file is; only for archives directly under a `charts/`. Paths are relative to that chart's root. */
  unpack(): Promise<readonly ChartFile[]>;
}

/** Counted while streaming, before anything is kept. */
export interface ChartLimits {
  /** Unpacked bytes of one chart, archives within it included. */
  readonly bytes: number;
  /** Entries of one chart, those of archives within it included. */
  readonly entries: number;
  /** Charts within charts, and path segments. */
  readonly depth: number;
  /** Bytes of one file that is read whole (Chart.yaml, values.yaml, ...). */
  readonly fileBytes: number;
}

export const CHART_LIMITS: ChartLimits = {
  bytes: 4 * 1024 ** 3,
  entries: 100_000,
  depth: 64,
  fileBytes: 16 * 1024 * 1024,
};

const LOADED = new Set([
  'Chart.yaml',
  'Chart.lock',
  'values.yaml',
  'values.schema.json',
  'requirements.yaml',
  'requirements.lock',
]);

/** True for the files whose content decides whether a chart is valid, in the chart itself and in charts within it. */
export function isLoadedFile(path: string): boolean {
  const cut = path.lastIndexOf('/');
  return (
    LOADED.has(path.slice(cut + 1)) && (cut < 0 || /^(?:charts\/[^/]+)(?:\/charts\/[^/]+)*$/.test(path.slice(0, cut)))
  );
}

export function limitExceeded(what: string, limit: number): ChartError {
  return new ChartError('LIMIT_EXCEEDED', `the chart has more than ${limit} ${what}`, {
    hint: 'A chart of this size is most likely damaged or hostile; it was not unpacked further.',
  });
}
