/** Files of a chart's source: opened without ever waiting, and with faults in the words that Helm has for them. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { ChartError, systemErrorCode } from '../errors.js';
import { systemWords } from './system-words.js';

/**
 * Opens for reading. A FIFO that has taken the place of a file since it was found is not waited for.
 *
 * @returns the descriptor, which the caller closes
 * @throws ChartError `CHART_SOURCE_UNREADABLE`
 */
export function openSource(path: string): number {
  return tryRead('open', path, () => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
}

/** The content of a file whose size is known to be small. @throws ChartError `CHART_SOURCE_UNREADABLE` */
export function readWhole(path: string): Buffer {
  const file = openSource(path);
  try {
    return tryRead('read', path, () => readFileSync(file));
  } finally {
    closeSync(file);
  }
}

/**
 * @param verb what the system was asked to do, for the message: `open`, `stat`, ...
 * @throws ChartError `CHART_SOURCE_UNREADABLE` in place of a system error
 */
export function tryRead<T>(verb: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw systemErrorCode(cause) === undefined ? cause : unreadable(verb, path, cause);
  }
}

export function unreadable(verb: string, path: string, cause: unknown): ChartError {
  // A name that is not UTF-8 comes with this character in place of what it is, and so cannot be found.
  const isMangled = systemErrorCode(cause) === 'ENOENT' && path.includes('\ufffd');
  const hint = isMangled ? 'Its name is not valid UTF-8: rename it.' : undefined;
  return new ChartError('CHART_SOURCE_UNREADABLE', `${verb} ${path}: ${systemWords(cause)}`, { hint, cause });
}
