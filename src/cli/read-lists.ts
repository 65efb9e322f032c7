/** Lists that people write or pipe in: references or paths, one a line. */
import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { ChartError, isChartError } from '../errors.js';
import type { Context } from './context.js';
import { readFault } from './read-fault.js';

const LIST_FILE = '-f FILE reads a list from a text file, one a line.';

/** The lines of `-f FILE`. Blank ones and those that begin with `#` do not count. */
export async function readLines(context: Context, file: string): Promise<string[]> {
  const content = file === '-' ? await readStdin(context) : await readListFile(file);
  if (content.includes('\0')) {
    throw new ChartError(
      'USAGE',
      `${file === '-' ? 'standard input' : file} is no text, and read as a list of references`,
      {
        hint: LIST_FILE,
      },
    );
  }
  return content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * All of standard input; a signal ends the wait for it.
 *
 * @throws ChartError `USAGE` where it is longer than any list
 */
export function readStdin({ stdin, signal }: Context): Promise<string> {
  return readShortText(addAbortSignal(signal, stdin), 'standard input');
}

async function readListFile(file: string): Promise<string> {
  try {
    return await readShortText(createReadStream(file), file);
  } catch (cause) {
    if (isChartError(cause)) throw cause;
    throw new ChartError('USAGE', `cannot read ${file}: ${readFault(cause)}`, {
      cause,
      hint: LIST_FILE,
    });
  }
}

/** Bytes; a list of a million references has fewer. */
const LONGEST_TEXT = 64 * 1024 * 1024;

async function readShortText(source: Readable, name: string): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > LONGEST_TEXT) {
      throw new ChartError('USAGE', `cannot read ${name}: it is longer than ${LONGEST_TEXT / 1024 / 1024} MiB`, {
        hint: 'Name a file with one reference a line, or divide it.',
      });
    }
    pieces.push(Buffer.from(piece));
  }
  return decodeText(Buffer.concat(pieces));
}

/** UTF-8, or UTF-16 where it begins with its mark: that is what `>` of Windows PowerShell writes. */
function decodeText(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return bytes.toString('utf16le');
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return bytes.toString('utf8');
}
