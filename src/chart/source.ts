/**
 * What a user calls a chart: a directory or a `.tgz` file, checked, and ready to be stored.
 *
 *     directory   packed: the same files give the same bytes
 *     .tgz        byte for byte as it is, with the `.prov` beside it if there is one
 */
import { closeSync, createReadStream, fstatSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { ChartError, isChartError, systemErrorCode, throwIfCancelled } from '../errors.js';
import { checkChartArchive } from './archive/check.js';
import { checkMagic } from './archive/magic.js';
import { readDirectory } from './directory-source.js';
import { CHART_LIMITS, type ChartLimits, limitExceeded } from './files.js';
import { loadChart } from './load.js';
import type { ChartMetadata } from './metadata.js';
import { missingChartYaml } from './missing-chart-yaml.js';
import { packChart } from './pack.js';
import { openSource, readWhole, tryRead, unreadable } from './source-file.js';
import { systemWords } from './system-words.js';

/** A chart on disk, checked, that can be stored. */
export interface ChartSource {
  readonly kind: 'directory' | 'archive';
  readonly metadata: ChartMetadata;
  /** For the user, one line each. */
  readonly warnings: readonly string[];
  /** Bytes of the layer, where they are known before it is packed. */
  readonly size?: number;
  /** Where the provenance file beside an archive is. */
  readonly provenance?: string;
  /** The provenance file's content; there is one exactly if `provenance` is set. */
  readProvenance?(): Promise<Uint8Array>;
  /** Starts the layer from its first byte; may be called again. */
  open(): Promise<Readable>;
}

export interface OpenSourceOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limits?: ChartLimits | undefined;
}

/**
 * Finds and validates a chart. An empty path means the working directory, as for Helm.
 *
 * @throws ChartError `CHART_NOT_FOUND`, `CHART_INVALID`, `CHART_SOURCE_UNREADABLE`, `IGNORE_INVALID`, `ARCHIVE_INVALID`,
 *   `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`, `CANCELLED`
 *
 * @example
 * ```ts
 * import { openChartSource } from 'helm-chart-cache';
 *
 * const { metadata } = await openChartSource('./app');
 * console.log(metadata.name, metadata.version); // app 1.0.0
 * ```
 */
export async function openChartSource(name: string, options: OpenSourceOptions = {}): Promise<ChartSource> {
  throwIfCancelled(options.signal);
  const source = path.resolve(name);
  const stats = statSource(source);
  return stats.isDirectory() ? openDirectory(source, options) : openArchive(source, stats, options);
}

async function openDirectory(source: string, options: OpenSourceOptions): Promise<ChartSource> {
  const { walked, files, rules } = await readDirectory(source, options);
  const { metadata, warnings } = await loadChart(files).catch((error: unknown) => {
    const isNoChart = isChartError(error, 'CHART_INVALID') && !files.some((file) => file.path === 'Chart.yaml');
    throw isNoChart ? missingChartYaml(source, rules, error) : error;
  });
  return {
    kind: 'directory',
    metadata,
    warnings: [...walked.warnings, ...warnings],
    open: async () => packChart({ ...walked, name: metadata.name, signal: options.signal }),
  };
}

async function openArchive(source: string, checked: Stats, options: OpenSourceOptions): Promise<ChartSource> {
  checkMagic(source, checked);
  const open = async (): Promise<Readable> => openUnchanged(source, checked);
  const { metadata, warnings } = await checkChartArchive(open, options).catch((error: unknown) => {
    throw systemErrorCode(error) === undefined ? error : unreadable('read', source, error);
  });
  return { kind: 'archive', metadata, warnings, size: checked.size, ...provenanceOf(source), open };
}

function provenanceOf(source: string): Pick<ChartSource, 'provenance' | 'readProvenance'> {
  const provenance = `${source}.prov`;
  const stats = tryRead('stat', provenance, () => statSync(provenance, { throwIfNoEntry: false }));
  if (!stats?.isFile()) return {};
  return {
    provenance,
    readProvenance: async () => {
      const { fileBytes } = CHART_LIMITS;
      if (stats.size > fileBytes) throw limitExceeded(`bytes in ${provenance}`, fileBytes);
      return readWhole(provenance);
    },
  };
}

/** The bytes of the file that was checked, not of another that has taken its place since, nor of one that changes meanwhile. */
function openUnchanged(source: string, checked: Stats): Readable {
  const file = openSource(source);
  const isUnchanged = ({ size, mtimeMs, ctimeMs, ino }: Stats): boolean =>
    size === checked.size && mtimeMs === checked.mtimeMs && ctimeMs === checked.ctimeMs && ino === checked.ino;
  if (!isUnchanged(fstatSync(file))) {
    closeSync(file);
    throw changed(source);
  }
  const check = new PassThrough({
    flush(done) {
      done(isUnchanged(statSync(source)) ? null : changed(source));
    },
  });
  return pipeline(createReadStream(source, { fd: file }), check, () => undefined);
}

function changed(source: string): ChartError {
  return new ChartError('CHART_SOURCE_UNREADABLE', `read ${source}: the file changed while it was read`, {
    hint: 'Try again once nothing writes to it any more.',
  });
}

function statSource(source: string): Stats {
  try {
    return statSync(source);
  } catch (cause) {
    if (systemErrorCode(cause) === undefined) throw cause;
    throw new ChartError('CHART_NOT_FOUND', `stat ${source}: ${systemWords(cause)}`, {
      cause,
      hint: 'A chart is a directory with a Chart.yaml, or a packed chart (.tgz).',
    });
  }
}
