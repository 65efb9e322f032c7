/** Being somebody who may not write to a directory, also where the tests run as root, whom nothing stops. */
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
// What is loaded late by the code under test has to be loaded before privileges are dropped.
import 'proper-lockfile';

export const isRoot = process.getuid?.() === 0;

const NOBODY = 65534;

/** Runs `body` as a user who may read `directory`, as far as others may, and not write to it. */
export async function withoutPrivileges(directory: string, body: () => Promise<void>): Promise<void> {
  if (isRoot) {
    chmodSync(dirname(directory), 0o755);
    process.seteuid?.(NOBODY);
    try {
      await body();
    } finally {
      process.seteuid?.(0);
    }
    return;
  }
  const paths = [directory, `${directory}/blobs`, `${directory}/blobs/sha256`, `${directory}/ingest`];
  for (const path of paths) chmodSync(path, 0o555);
  try {
    await body();
  } finally {
    for (const path of paths) chmodSync(path, 0o755);
  }
}
