/**
 * What is in the way of an export, found out before anything is written.
 *
 * Nothing is ever written through a symbolic link below the destination: whoever put it there would choose what is
 * overwritten. The destination itself is the user's own choice and may be, or lead through, a link.
 */
import { lstatSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { ChartError, isOutOfFiles, systemErrorCode } from '../errors.js';
import { quoteName } from './archive/entry-path.js';
import type { ArchiveEntry } from './archive/stream.js';
import { systemWords } from './system-words.js';

/**
 * Checks the destination, the chart's directory in it and every path that the export would make or replace.
 *
 * @param directory the chart's directory, as it is shown to the user
 * @throws ChartError `EXPORT_BLOCKED`, in Helm's words where Helm refuses the same
 */
export function checkWayClear(
  directory: string,
  entries: readonly ArchiveEntry[],
  platform: NodeJS.Platform = process.platform,
): void {
  if (platform === 'win32') checkWindowsNames(directory, entries);
  checkAncestors(path.dirname(directory));
  const root = look(directory);
  if (root === undefined) return;
  if (root.isSymbolicLink()) throw throughLink(directory);
  if (!root.isDirectory()) throw blocked(`file ${directory} already exists and is not a directory`);
  /** Directories below the chart's, and whether they are there. */
  const known = new Map<string, boolean>([['', true]]);
  for (const { path: name, isDirectory } of entries) {
    const parent = isDirectory ? name : parentOf(name);
    if (!isPresent(directory, parent, known) || isDirectory) continue;
    const shown = path.join(directory, name);
    const stats = look(shown);
    if (stats === undefined || stats.isFile()) continue;
    if (stats.isSymbolicLink()) throw throughLink(shown);
    throw blocked(`open ${shown}: ${stats.isDirectory() ? 'is a directory' : 'not a regular file'}`);
  }
}

/** Devices that Windows finds in every directory, whatever follows the first dot. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\.|$)/i;

/** Windows opens something else than is named for a device, for a name with a colon, or one that ends with a dot or blank. */
function checkWindowsNames(directory: string, entries: readonly ArchiveEntry[]): void {
  for (const name of [path.basename(directory), ...entries.map((entry) => entry.path)]) {
    const isFine = name.split('/').every((segment) => !/[<>:"|?*]|[. ]$/.test(segment) && !DEVICE.test(segment));
    if (!isFine) throw blocked(`Windows cannot store a file of the name ${quoteName(name)}`);
  }
}

/** '' for a path of one segment. */
export function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

/** @throws ChartError `EXPORT_BLOCKED` for a link, or for what is no directory */
export function checkDirectory(shown: string, stats: Stats): void {
  if (stats.isSymbolicLink()) throw throughLink(shown);
  if (!stats.isDirectory()) throw blocked(`mkdir ${shown}: not a directory`, IN_THE_WAY);
}

/** True if the directory is there, false if it is yet to be made. */
function isPresent(root: string, name: string, known: Map<string, boolean>): boolean {
  const answer = known.get(name);
  if (answer !== undefined) return answer;
  let found = false;
  if (isPresent(root, parentOf(name), known)) {
    const shown = path.join(root, name);
    const stats = look(shown);
    if (stats !== undefined) checkDirectory(shown, stats);
    found = stats !== undefined;
  }
  known.set(name, found);
  return found;
}

/** A destination that is missing is made, so the first thing on the way to it that is there must be a directory. */
function checkAncestors(destination: string): void {
  for (let shown = destination; ; shown = path.dirname(shown)) {
    const stats = attempt('stat', shown, () => statSync(shown, { throwIfNoEntry: false }));
    if (stats?.isDirectory()) return;
    if (stats !== undefined) throw blocked(`mkdir ${shown}: not a directory`, IN_THE_WAY);
    if (shown === path.dirname(shown)) return;
  }
}

function look(shown: string): Stats | undefined {
  return attempt('lstat', shown, () => lstatSync(shown, { throwIfNoEntry: false }));
}

function attempt<T>(verb: string, shown: string, call: () => T): T | undefined {
  try {
    return call();
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === 'ENOTDIR') return undefined;
    if (code === undefined) throw cause;
    throw blocked(`${verb} ${shown}: ${systemWords(cause)}`, undefined, cause);
  }
}

const IN_THE_WAY = 'A file is in the way: move it, or choose another directory with -d.';

function throughLink(shown: string): ChartError {
  return blocked(
    `${shown} is a symbolic link; nothing is written through links`,
    'Remove the link, or choose another directory with -d.',
  );
}

export function blocked(message: string, hint?: string, cause?: unknown): ChartError {
  const usual = isOutOfFiles(cause)
    ? 'Raise the limit of open files (ulimit -n), and export again.'
    : 'Choose another directory with -d, or put right what is wrong with that one.';
  return new ChartError('EXPORT_BLOCKED', message, { hint: hint ?? (cause === undefined ? undefined : usual), cause });
}
