/** Opening what should be a file, whatever lies there. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { ChartError } from '../errors.js';

/** Where a FIFO lies in place of a file, opening it would wait for a writer that never comes. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Opens a file for reading and never waits. A FIFO opens, too, and holds nothing. @throws the system's error */
export function openFile(path: string): number {
  return openSync(path, FLAGS);
}

/** Reads a whole text. @throws the system's error; ChartError `LAYOUT_INVALID` for what is no file */
export function readTextFile(path: string, encoding: 'utf8' | 'latin1'): string {
  const fd = openFile(path);
  try {
    checkIsFile(fstatSync(fd), path);
    return readFileSync(fd, encoding);
  } finally {
    closeSync(fd);
  }
}

/** @throws ChartError `LAYOUT_INVALID` for a directory, FIFO or device */
export function checkIsFile(stats: { isFile(): boolean; isDirectory(): boolean }, path: string): void {
  if (stats.isFile()) return;
  const what = stats.isDirectory() ? 'a directory' : 'no file, but a FIFO or device';
  throw new ChartError('LAYOUT_INVALID', `${path} cannot be used: it is ${what}`, {
    hint: 'Move it away; "chart verify" says what is missing then.',
  });
}
