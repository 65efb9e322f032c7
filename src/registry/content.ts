/** Content that is sent: compared with what its descriptor promises before the last of it leaves. */
import { pipeline, type Readable, Transform } from 'node:stream';
import { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { Digester, digestAlgorithm } from '../oci/digest.js';

/**
 * Passes content on and fails where it differs from its descriptor. The last piece is held back until all is known to be
 * right, so that no registry ever sees wrong content as complete.
 */
export function checkedContent(content: Readable, { digest, size }: Descriptor): Readable {
  const digester = new Digester(digestAlgorithm(digest));
  let held: Buffer | undefined;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      digester.update(chunk);
      const free = held;
      held = chunk;
      if (digester.size > size) return done(sizeMismatch(digest, `more than ${size}`, size));
      done(null, free);
    },
    flush(done) {
      if (digester.size < size) return done(sizeMismatch(digest, `${digester.size}`, size));
      const found = digester.digest();
      if (found !== digest) {
        return done(new ChartError('BLOB_DIGEST_MISMATCH', `blob ${digest} has other content (${found})`));
      }
      done(null, held);
    },
  });
  return pipeline(content, check, () => undefined);
}

function sizeMismatch(digest: string, found: string, size: number): ChartError {
  return new ChartError('BLOB_SIZE_MISMATCH', `blob ${digest} has ${found} bytes instead of ${size}`);
}
