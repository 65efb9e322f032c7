/** Content that is sent: compared with what its descriptor promises before the last of it leaves. */
import type { Readable } from 'node:stream';
import { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { Digester, digestAlgorithm, digestOf } from '../oci/digest.js';
import { readSmall } from '../oci/small-content.js';
import { streamOf } from './generated-stream.js';

/** What reading the content failed with: `cause` is no fault of the connection that it was to go over. */
export class ContentFault extends Error {}

/**
 * Passes content on and fails where it differs from its descriptor. The last piece is held back until all is known to be
 * right, so that no registry ever sees wrong content as complete.
 */
export function checkedContent(content: Readable, descriptor: Descriptor): Readable {
  return streamOf(checked(content, descriptor), () => content.destroy());
}

/** As {@link checkedContent}, for a small blob: its bytes, once they are known to be right. */
export async function checkedBytes(content: Readable, { digest, size }: Descriptor): Promise<Buffer> {
  const bytes = await readSmall(content, size).catch((cause: unknown) => {
    throw cause instanceof ChartError ? cause : new ContentFault('the content cannot be read', { cause });
  });
  if (bytes.length > size) {
    content.destroy();
    throw sizeMismatch(digest, `more than ${size}`, size);
  }
  if (bytes.length < size) throw sizeMismatch(digest, `${bytes.length}`, size);
  const found = digestOf(bytes, digestAlgorithm(digest));
  if (found !== digest) throw new ChartError('BLOB_DIGEST_MISMATCH', `blob ${digest} has other content (${found})`);
  return bytes;
}

async function* checked(content: Readable, { digest, size }: Descriptor): AsyncGenerator<Buffer> {
  const digester = new Digester(digestAlgorithm(digest));
  let held: Buffer | undefined;
  for await (const chunk of marked(content)) {
    digester.update(chunk);
    if (digester.size > size) throw sizeMismatch(digest, `more than ${size}`, size);
    if (held) yield held;
    held = chunk;
  }
  if (digester.size < size) throw sizeMismatch(digest, `${digester.size}`, size);
  const found = digester.digest();
  if (found !== digest) throw new ChartError('BLOB_DIGEST_MISMATCH', `blob ${digest} has other content (${found})`);
  if (held) yield held;
}

async function* marked(content: Readable): AsyncGenerator<Buffer> {
  try {
    yield* content as AsyncIterable<Buffer>;
  } catch (cause) {
    throw cause instanceof ChartError ? cause : new ContentFault('the content cannot be read', { cause });
  }
}

function sizeMismatch(digest: string, found: string, size: number): ChartError {
  return new ChartError('BLOB_SIZE_MISMATCH', `blob ${digest} has ${found} bytes instead of ${size}`);
}
