/** Bundle files as streams, with errors that name the file. */
import { createReadStream } from 'node:fs';
import { pipeline, type Readable, Transform } from 'node:stream';
import { shellWord } from '../chart/shell-word.js';
import { systemWords } from '../chart/system-words.js';
import { ChartError, isChartError, systemErrorCode } from '../errors.js';

/** What a bundle is read from. */
export interface BundleInput {
  /** For messages: the path, or `standard input`. */
  readonly label: string;
  /** The stream from its first byte. Standard input can be opened once. */
  open(): Readable;
}

const CHUNK = 256 * 1024;

/**
 * @example
 * ```ts
 * import { fileInput } from 'helm-chart-cache';
 *
 * console.log(fileInput('charts.tar').label); // charts.tar
 * ```
 */
export function fileInput(path: string): BundleInput {
  return { label: path, open: () => createReadStream(path, { highWaterMark: CHUNK }) };
}

/** The same, with the number of bytes that have been read told. */
export function countedInput({ label, open }: BundleInput, onBytes: (done: number) => void): BundleInput {
  return {
    label,
    open() {
      let done = 0;
      const gauge = new Transform({
        transform(chunk: Buffer, _encoding, next) {
          done += chunk.length;
          onBytes(done);
          next(null, chunk);
        },
      });
      return pipeline(open(), gauge, () => undefined);
    },
  };
}

/** Runs what reads a bundle; what is wrong with the bundle is said with its name. */
export async function reading<T>({ label }: BundleInput, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw named(error, label);
  }
}

const OF_THE_BUNDLE = ['ARCHIVE_INVALID', 'ARCHIVE_UNSAFE', 'BUNDLE_INVALID', 'BUNDLE_UNREADABLE', 'LIMIT_EXCEEDED'];

function named(error: unknown, label: string): unknown {
  if (isChartError(error)) {
    if (!OF_THE_BUNDLE.includes(error.code)) return error;
    const { words, hint } = explain(error);
    const isChart = /\.tgz$/i.test(label) && error.code === 'BUNDLE_INVALID';
    const other = `If it is a packed chart: chart save ${shellWord(label)} HOST/PATH`;
    return new ChartError(error.code, `${label}: ${words}`, { cause: error, hint: isChart ? other : hint });
  }
  const code = systemErrorCode(error);
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  const reason = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a directory' : systemWords(error);
  return new ChartError('BUNDLE_UNREADABLE', `cannot read ${label}: ${reason}`, {
    cause: error,
    hint: hintFor(code, label),
  });
}

function hintFor(code: string, label: string): string | undefined {
  if (code === 'EISDIR') return 'A bundle is one file; an unpacked layout is a cache: --cache-dir.';
  if (code !== 'ENOENT' || !/^(?:oci:\/\/)?[^/\\]+\/.+[:@][^/\\]+$/.test(label)) return undefined;
  return `That reads a file that chart bundle wrote. chart pull ${label} brings a chart from its registry.`;
}

/** The words of Go's readers are short. */
function explain({ message, hint }: ChartError): { words: string; hint: string | undefined } {
  if (message !== 'unexpected EOF' && message !== 'EOF') {
    return { words: message, hint: hint ?? 'The bundle is damaged; get it again from where it was made.' };
  }
  return {
    words: message === 'EOF' ? 'it is empty' : 'it is cut off',
    hint: 'Copy it again from where it was made.',
  };
}
