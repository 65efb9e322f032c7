/** A packed chart out of the cache, byte for byte. */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { checkChartName } from '../chart/chart-name.js';
import { ChartError, systemErrorCode } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import { Digester } from '../oci/digest.js';
import type { CachedChart } from './cached-chart.js';

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
    await mkdir(directory, { recursive: true });
    await writeBlobTo(layout, parts.layer, path, signal);
    if (parts.provenance) await writeBlobTo(layout, parts.provenance, `${path}.prov`, signal);
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === undefined) throw cause;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new ChartError(full ? 'DISK_FULL' : 'EXPORT_BLOCKED', `cannot write ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return path;
}

async function writeBlobTo(layout: Layout, blob: Descriptor, path: string, signal?: AbortSignal): Promise<void> {
  const temporary = `${path}.${randomUUID()}.partial`;
  const digester = new Digester(blob.digest.startsWith('sha512') ? 'sha512' : 'sha256');
  try {
    await pipeline(
      await layout.readBlob(blob, { signal }),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          digester.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(temporary, { flags: 'wx' }),
      { ...(signal && { signal }) },
    );
    const found = digester.digest();
    if (found !== blob.digest) {
      throw new ChartError(
        'BLOB_DIGEST_MISMATCH',
        `content ${blob.digest} is damaged in the cache (it is now ${found})`,
        {
          hint: 'Save or pull the chart again to mend it.',
        },
      );
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
