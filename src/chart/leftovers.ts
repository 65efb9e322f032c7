/** What was in a directory before a chart was unpacked over it, and is not in the chart. */
import path from 'node:path';
import type { ArchiveEntry } from './archive/stream.js';
import { compareBytes } from './byte-order.js';
import { parentOf } from './extract-plan.js';
import { listDirectory } from './list-directory.js';

/**
 * @returns paths relative to the directory, with `/`, in byte order; one with a `/` at its end stands for a directory that the chart
 *   has nothing in
 */
export function findLeftovers(directory: string, entries: readonly ArchiveEntry[]): string[] {
  const files = new Set<string>();
  const directories = new Set<string>(['']);
  for (const { path: name, isDirectory } of entries) {
    if (!isDirectory) files.add(name);
    for (let at = isDirectory ? name : parentOf(name); !directories.has(at); at = parentOf(at)) directories.add(at);
  }
  const found: string[] = [];
  for (const parent of directories) {
    for (const entry of listDirectory(path.join(directory, parent))) {
      const name = parent === '' ? entry.name : `${parent}/${entry.name}`;
      if (!entry.isDirectory()) {
        if (!files.has(name)) found.push(name);
      } else if (!directories.has(name)) found.push(`${name}/`);
    }
  }
  return found.sort(compareBytes);
}
