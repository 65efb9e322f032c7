/** A cached blob as a stream that fails at its end unless it had the bytes that its digest promises. */
import { pipeline, type Readable, Transform } from 'node:stream';
import { ChartError, isChartError } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import { Digester, digestAlgorithm } from '../oci/digest.js';
import type { CallOptions } from '../oci/target.js';

/** @throws ChartError `BLOB_NOT_FOUND`; `BLOB_DIGEST_MISMATCH` as the stream's error, instead of its end */
export async function readVerified(layout: Layout, blob: Descriptor, options: CallOptions = {}): Promise<Readable> {
  const digester = new Digester(digestAlgorithm(blob.digest));
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      digester.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const found = digester.digest();
      done(found === blob.digest ? null : damaged(blob, found));
    },
  });
  return pipeline(await layout.readBlob(blob, options), check, () => undefined);
}

/** The same bytes, told to `digester` as they pass, and their number to `onBytes`. */
export function hashed(content: Readable, digester: Digester, onBytes?: (bytes: number) => void): Readable {
  const gauge = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      digester.update(chunk);
      onBytes?.(chunk.length);
      done(null, chunk);
    },
  });
  return pipeline(content, gauge, () => undefined);
}

/**
 * Runs work that unpacks a blob. What is no archive, because it was damaged in the cache, is told as damage.
 *
 * @throws ChartError `BLOB_DIGEST_MISMATCH`, and what `work` throws
 */
export async function unpacking<T>(layout: Layout, blob: Descriptor, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isChartError(error, 'ARCHIVE_INVALID')) for await (const _ of await readVerified(layout, blob));
    throw error;
  }
}

function damaged({ digest }: Descriptor, found: string): ChartError {
  return new ChartError('BLOB_DIGEST_MISMATCH', `content ${digest} is damaged in the cache (it is now ${found})`, {
    hint: 'Save or pull the chart again to mend it.',
  });
}
