/** A chart directory, read where it lies: its files as the loader wants to see them. */
import { createReadStream, statSync } from 'node:fs';
import path from 'node:path';
import { ChartError, systemErrorCode } from '../errors.js';
import { ChartBudget } from './archive/budget.js';
import { indexWithin } from './archive/index-archive.js';
import { type ChartFile, type ChartLimits, limitExceeded } from './files.js';
import { DEFAULT_RULES, type IgnoreRules, parseIgnore } from './ignore.js';
import type { PackedFile } from './pack.js';
import { openSource, readWhole, tryRead, unreadable } from './source-file.js';
import { type WalkedChart, walkChart } from './walk.js';

export interface DirectoryChart {
  readonly walked: WalkedChart;
  /** The same files, to be read and unpacked. */
  readonly files: readonly ChartFile[];
  readonly rules: IgnoreRules;
}

export interface DirectoryOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limits?: ChartLimits | undefined;
}

/** @throws ChartError as `walkChart`, and `IGNORE_INVALID` */
export async function readDirectory(
  directory: string,
  { signal, limits }: DirectoryOptions = {},
): Promise<DirectoryChart> {
  const budget = new ChartBudget(limits);
  const rules = readRules(directory, budget.limits);
  const walked = await walkChart(directory, { rules, budget, signal });
  return { walked, files: walked.files.map((file) => chartFile(file, budget, signal)), rules };
}

/** The rules of the chart's `.helmignore`, or Helm's defaults where there is none. */
function readRules(directory: string, { fileBytes }: ChartLimits): IgnoreRules {
  const source = path.resolve(directory, '.helmignore');
  const stats = tryRead('stat', source, () => statSync(source, { throwIfNoEntry: false }));
  if (stats === undefined) return DEFAULT_RULES;
  if (!stats.isFile()) {
    throw new ChartError(
      'CHART_SOURCE_UNREADABLE',
      `cannot load irregular file ${source} as it has file mode type bits set`,
    );
  }
  if (stats.size > fileBytes) throw limitExceeded('bytes in .helmignore', fileBytes);
  return parseIgnore(readWhole(source));
}

function chartFile({ path, size, source }: PackedFile, budget: ChartBudget, signal?: AbortSignal): ChartFile {
  return {
    path,
    size,
    async read() {
      const { fileBytes } = budget.limits;
      if (size > fileBytes) throw limitExceeded(`bytes in ${path}`, fileBytes);
      return readWhole(source);
    },
    async unpack() {
      const stream = createReadStream(source, { fd: openSource(source) });
      try {
        return (await indexWithin(stream, { budget, depth: 1, signal })).files;
      } catch (error) {
        throw systemErrorCode(error) === undefined ? error : unreadable('read', source, error);
      }
    },
  };
}
