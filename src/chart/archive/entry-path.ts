/**
 * Names of archive entries, as Helm reads them and as every system can store them.
 *
 *     NAME IN THE ARCHIVE        PATH IN THE CHART
 *     redis/Chart.yaml           Chart.yaml             the first segment goes, whatever it is
 *     ./templates/./web.yaml     templates/web.yaml     `.` and empty segments go
 *     redis/                     (the chart's root)
 *
 * Helm accepts more than this. What is refused beyond Helm's own rules could leave the chart, overwrite another entry or
 * not be stored at all on one of the systems that charts are exported to.
 */
import { ChartError } from '../../errors.js';
import { quote } from '../go/format.js';
import type { ChartBudget } from './budget.js';

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const DRIVE = /^[A-Za-z]:/;
/** Bytes; the limit of every file system that matters. */
const SEGMENT_LIMIT = 255;

/**
 * The chart's own path for an archive entry, or '' for its root directory.
 *
 * @throws ChartError `ARCHIVE_UNSAFE` with the entry's name, in Helm's words where it refuses the same; `LIMIT_EXCEEDED`
 */
export function entryPath(name: string, isDirectory: boolean, budget: ChartBudget): string {
  if (CONTROL.test(name)) throw unsafe('chart contains illegally named files', name);
  if (name.includes('\\')) throw unsafe('chart contains illegally named files', name);
  const [first = '', ...rest] = name.split('/');
  if (rest.length > 0 && first === '') throw unsafe('chart illegally contains absolute paths', name);
  const segments = rest.filter((segment) => segment !== '' && segment !== '.');
  if (!isDirectory && rest[0] === '' && segments.length > 0) {
    throw unsafe('chart illegally contains absolute paths', name);
  }
  if (!isDirectory && segments.length === 0) {
    throw unsafe('chart illegally contains content outside the base directory', name);
  }
  if (first === '..' || segments.includes('..')) throw unsafe('chart illegally references parent directory', name);
  if (DRIVE.test(first)) throw unsafe('chart contains illegally named files', name);
  if (first === 'Chart.yaml' && !isDirectory) throw unsafe('chart yaml not in base directory', name);
  for (const segment of segments) {
    const reason = unsafeSegment(segment);
    if (reason !== undefined) throw unsafe(`chart contains illegally named files (${reason})`, name);
  }
  budget.checkDepth(segments.length);
  return segments.join('/');
}

/** Why a file or directory cannot have this name, or undefined if it can. */
export function unsafeSegment(segment: string): string | undefined {
  if (segment === '' || segment === '.' || segment === '..') return 'it does not name a file';
  if (segment.includes('/') || segment.includes('\\')) return 'it has a path separator';
  if (CONTROL.test(segment)) return 'it has a control character';
  if (DRIVE.test(segment)) return 'it begins with a drive letter';
  if (Buffer.byteLength(segment) > SEGMENT_LIMIT) return `it is longer than ${SEGMENT_LIMIT} bytes`;
  return undefined;
}

/** Quoted and of bounded length, without anything that a terminal could act on. */
export function quoteName(name: string): string {
  return quote(name.length > 300 ? `${name.slice(0, 300)}...` : name);
}

function unsafe(words: string, name: string): ChartError {
  return new ChartError('ARCHIVE_UNSAFE', `${words}: ${quoteName(name)}`);
}
