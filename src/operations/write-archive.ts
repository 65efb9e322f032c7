/** A packed chart out of the cache, byte for byte. */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { checkChartName } from '../chart/chart-name.js';
import { systemWords } from '../chart/system-words.js';
import { ChartError, systemErrorCode, throwIfCancelled } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import { makeDirectory } from '../make-directory.js';
import { moveFile } from '../move-file.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { CachedChart } from './cached-chart.js';
import { readVerified } from './verified-blob.js';

/**
 * Writes `DIRECTORY/NAME-VERSION.tgz`, and `.prov` beside it where the artifact has a provenance layer. Each file
 * appears whole or not at all, and only with the digest that it should have.
 */
export async function writeArchive(
  layout: Layout,
  { name, version, parts }: CachedChart,
  directory: string,
  signal?: AbortSignal,
): Promise<string> {
  const file = `${name}-${version}.tgz`;
  checkChartName(file);
  const path = join(directory, file);
  try {
    makeDirectory(directory, 0o777);
    // One that lies there from another export would be taken for this chart's.
    if (!parts.provenance) await rm(`${path}.prov`, { force: true });
    await writeBlobTo(layout, parts.layer, path, signal);
    if (parts.provenance) await writeBlobTo(layout, parts.provenance, `${path}.prov`, signal);
  } catch (cause) {
    throwIfCancelled(signal);
    const code = systemErrorCode(cause);
    if (code === undefined) throw cause;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new ChartError(full ? 'DISK_FULL' : 'EXPORT_BLOCKED', `cannot write ${path}: ${systemWords(cause)}`, {
      cause,
      hint: full ? 'Make space there and export again.' : 'Choose another directory with -d, or clear the way.',
    });
  }
  return path;
}

async function writeBlobTo(layout: Layout, blob: Descriptor, path: string, signal?: AbortSignal): Promise<void> {
  const temporary = `${path}.${randomUUID()}.partial`;
  try {
    const content = await readVerified(layout, blob, { signal });
    await pipeline(content, createWriteStream(temporary, { flags: 'wx' }));
    await moveFile(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
