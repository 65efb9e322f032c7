/**
 * Chart names as file names. Helm lets a name be any text; here it becomes the directory of an export and the root of an
 * archive, on every platform, so that what could lead elsewhere is refused (CVE-2024-25620, CVE-2026-35206).
 */
import { ChartError } from '../errors.js';

const MAX_BYTES = 250;
const RESERVED = /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:\s*\..*|\s*)$/i;

/** @throws ChartError `CHART_INVALID`, with the reason */
export function checkChartName(name: string): void {
  const reason = faultOf(name);
  if (reason === undefined) return;
  throw new ChartError('CHART_INVALID', `chart name ${JSON.stringify(name)} ${reason}`, {
    hint: 'The name becomes a directory name: use letters, digits and dashes.',
  });
}

function faultOf(name: string): string | undefined {
  if (/^[. ]*$/.test(name)) return 'is no file name';
  // An export into a work tree would else write .git/hooks, and one into a home directory .ssh.
  if (name.startsWith('.')) return 'begins with a dot';
  if (/[/\\]/.test(name)) return 'holds a path separator';
  if (/[\x00-\x1f\x7f-\x9f]/.test(name)) return 'holds a control character';
  if (/^[A-Za-z]:/.test(name)) return 'starts with a drive letter';
  if (RESERVED.test(name)) return 'is reserved on Windows';
  if (Buffer.byteLength(name) > MAX_BYTES) return `is longer than ${MAX_BYTES} bytes`;
  return undefined;
}
