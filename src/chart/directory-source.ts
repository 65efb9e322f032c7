/** A chart directory, read where it lies: its files as the loader wants to see them. */
import { closeSync, constants, createReadStream, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { ChartError, systemErrorCode } from '../errors.js';
import { indexWithin } from './archive-index.js';
import { ChartBudget } from './budget.js';
import { type ChartFile, type ChartLimits, limitExceeded } from './files.js';
import { type IgnoreRules, parseIgnore } from './ignore.js';
import type { PackedFile } from './pack.js';
import { systemWords } from './system-words.js';
import { type WalkedChart, walkChart } from './walk.js';

export interface DirectoryChart {
  readonly walked: WalkedChart;
  /** The same files, to be read and unpacked. */
  readonly files: readonly ChartFile[];
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
  const walked = await walkChart(directory, { rules: readRules(directory, budget.limits), budget, signal });
  return { walked, files: walked.files.map((file) => chartFile(file, budget, signal)) };
}

/** The rules of the chart's `.helmignore`, or Helm's defaults where there is none. */
function readRules(directory: string, { fileBytes }: ChartLimits): IgnoreRules {
  const source = path.resolve(directory, '.helmignore');
  const stats = attempt('stat', source, () => statSync(source, { throwIfNoEntry: false }));
  if (stats === undefined) return parseIgnore('');
  if (stats.isFile() && stats.size > fileBytes) throw limitExceeded('bytes in .helmignore', fileBytes);
  return parseIgnore(attempt('read', source, () => readWhole(source)).toString());
}

function chartFile(
  { path, size, source }: PackedFile,
  budget: ChartBudget,
  signal: AbortSignal | undefined,
): ChartFile {
  return {
    path,
    size,
    async read() {
      const { fileBytes } = budget.limits;
      if (size > fileBytes) throw limitExceeded(`bytes in ${path}`, fileBytes);
      return attempt(`error reading ${path}: open`, source, () => readWhole(source));
    },
    async unpack() {
      return (await indexWithin(createReadStream(source), { budget, depth: 1, signal })).files;
    },
  };
}

/** Never waits for a FIFO that has taken the place of a file. */
function readWhole(source: string): Buffer {
  const file = openSync(source, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function attempt<T>(verb: string, source: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (systemErrorCode(cause) === undefined) throw cause;
    throw new ChartError('CHART_SOURCE_UNREADABLE', `${verb} ${source}: ${systemWords(cause)}`, { cause });
  }
}
