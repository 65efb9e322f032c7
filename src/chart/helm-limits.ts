/** Sizes above which Helm 3.17.3 and later, and Helm 4, do not load a chart. */
import type { ChartFile } from './files.js';

const FILE_BYTES = 5 * 1024 * 1024;
const CHART_BYTES = 100 * 1024 * 1024;
/** Files that are named; of more only the number is told. */
const NAMED = 3;

/**
 * @param files of one chart, those of directories in `charts/` included
 * @returns a line for the user, or undefined where every Helm loads it
 */
export function helmLimitWarning(files: readonly ChartFile[], place: string): string | undefined {
  const large = files.filter(({ size }) => size > FILE_BYTES);
  if (large.length > 0) {
    const names = large.slice(0, NAMED).map(({ path }) => `${place}${path}`);
    const more = large.length > NAMED ? ` and ${large.length - NAMED} more` : '';
    return `Helm 3.17.3 and later load no chart with a file over 5 MiB: ${names.join(', ')}${more}; .helmignore can leave it out`;
  }
  const total = files.reduce((sum, { size }) => sum + size, 0);
  if (total <= CHART_BYTES) return undefined;
  return `Helm 3.17.3 and later load no chart with more than 100 MiB of files: ${place || 'this one'} has ${Math.ceil(total / 1024 ** 2)}`;
}
