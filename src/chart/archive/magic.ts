/** Tells a user who named the wrong file what it seems to be, in Helm's words. */
import { closeSync, readSync, type Stats } from 'node:fs';
import path from 'node:path';
import { ChartError } from '../../errors.js';
import { openSource, tryRead } from '../source-file.js';

/** Bytes that Helm looks at. */
const SAMPLE = 512;

/**
 * @param source absolute
 * @throws ChartError `ARCHIVE_INVALID` for a file that is not gzip, `CHART_SOURCE_UNREADABLE`
 */
export function checkMagic(source: string, stats: Stats): void {
  if (!stats.isFile()) {
    const words = `file '${source}' cannot be read: it is neither a file nor a directory`;
    throw new ChartError('CHART_SOURCE_UNREADABLE', words);
  }
  const sample = readSample(source);
  if (sample[0] === 0x1f && sample[1] === 0x8b && sample[2] === 8) return;
  if (/\.ya?ml$/.test(source)) {
    throw new ChartError(
      'ARCHIVE_INVALID',
      `file '${source}' seems to be a YAML file, but expected a gzipped archive`,
      { hint: `Name the chart's directory instead: ${path.dirname(source)}` },
    );
  }
  throw new ChartError(
    'ARCHIVE_INVALID',
    `file '${source}' does not appear to be a gzipped archive; got '${contentType(sample)}'`,
    { hint: 'A chart is a directory or a .tgz file.' },
  );
}

function readSample(source: string): Buffer {
  const file = openSource(source);
  try {
    const sample = Buffer.alloc(SAMPLE);
    tryRead('read', source, () => readSync(file, sample, 0, SAMPLE, 0));
    return sample;
  } finally {
    closeSync(file);
  }
}

/** The few kinds of file that are named by mistake; a sample short of its length counts as binary, as it does in Helm. */
function contentType(sample: Buffer): string {
  const text = sample.toString('latin1');
  if (text.startsWith('PK\x03\x04')) return 'application/zip';
  if (/^[\t\n\f\r ]*<(?:!doctype html|html)[ >]/i.test(text)) return 'text/html; charset=utf-8';
  return /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(text) ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}
