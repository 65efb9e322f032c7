/** A bundle as a stream of bytes, by its plan. */
import type { Readable } from 'node:stream';
import { paddingOf } from '../chart/archive/tar-header.js';
import { ChartError, throwIfCancelled } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { Digester, digestAlgorithm } from '../oci/digest.js';
import type { CallOptions } from '../oci/target.js';
import { type BundlePlan, blobName, bundleHeader, END_SIZE } from './plan.js';

/**
 * The whole archive, uncompressed. Each blob is compared with its descriptor while it goes by: if one is damaged, the stream fails.
 *
 * @param open the content of a blob
 * @throws ChartError what `open` throws, `BLOB_DIGEST_MISMATCH`, `BLOB_SIZE_MISMATCH`, `CANCELLED`
 */
export async function* writeBundle(
  plan: BundlePlan,
  open: (blob: Descriptor) => Promise<Readable>,
  { signal }: CallOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  for (const { name, bytes } of plan.files) {
    yield Buffer.concat([bundleHeader(name, bytes.length), bytes, Buffer.alloc(paddingOf(bytes.length))]);
  }
  for (const blob of plan.blobs) {
    throwIfCancelled(signal);
    yield bundleHeader(blobName(blob.digest), blob.size);
    yield* verified(blob, await open(blob));
    const padding = paddingOf(blob.size);
    if (padding > 0) yield Buffer.alloc(padding);
  }
  yield Buffer.alloc(END_SIZE);
}

async function* verified(blob: Descriptor, content: Readable): AsyncGenerator<Uint8Array, void, void> {
  const digester = new Digester(digestAlgorithm(blob.digest));
  try {
    for await (const piece of content as AsyncIterable<Uint8Array>) {
      digester.update(piece);
      if (digester.size > blob.size) throw wrongSize(blob, `more than ${blob.size}`);
      yield piece;
    }
  } finally {
    content.destroy();
  }
  if (digester.size !== blob.size) throw wrongSize(blob, String(digester.size));
  const found = digester.digest();
  if (found !== blob.digest) {
    throw new ChartError('BLOB_DIGEST_MISMATCH', `content ${blob.digest} is damaged (it is now ${found})`, {
      hint: MEND,
    });
  }
}

const MEND = 'Save or pull the chart again to mend it, then bundle again.';

function wrongSize({ digest, size }: Descriptor, found: string): ChartError {
  return new ChartError('BLOB_SIZE_MISMATCH', `content ${digest} has ${found} bytes instead of ${size}`, {
    hint: MEND,
  });
}
