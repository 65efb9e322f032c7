/** Content that is read more than once, kept where it is cheap: in memory as long as it is small, else in a temporary file. */
import { createReadStream } from 'node:fs';
import { mkdtemp, open as openFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ChartError } from '../errors.js';
import { type Digest, Digester } from '../oci/digest.js';

export interface Spooled {
  /** SHA-256. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Starts the content from its first byte; may be called again until `discard`. */
  open(): Promise<Readable>;
  /** Idempotent. */
  discard(): Promise<void>;
}

const MEMORY_LIMIT = 2 * 1024 * 1024;

/**
 * @param limit bytes; what is larger is refused while it comes
 * @param what names the content in errors
 * @throws ChartError `LIMIT_EXCEEDED`; what reading and writing throw
 */
export async function spool(
  content: Readable,
  { limit, what }: { readonly limit: number; readonly what: string },
): Promise<Spooled> {
  const digester = new Digester('sha256');
  let pieces: Buffer[] = [];
  let file: TemporaryFile | undefined;
  try {
    for await (const piece of content as AsyncIterable<Buffer>) {
      digester.update(piece);
      if (digester.size > limit) throw new ChartError('LIMIT_EXCEEDED', `${what} has more than ${limit} bytes`);
      if (file === undefined && digester.size > MEMORY_LIMIT) {
        file = await createTemporaryFile();
        await file.write(Buffer.concat(pieces));
        pieces = [];
      }
      if (file) await file.write(piece);
      else pieces.push(piece);
    }
    await file?.end();
  } catch (error) {
    await file?.remove();
    throw error;
  }
  const { size } = digester;
  const digest = digester.digest();
  const path = file?.path;
  return {
    digest,
    size,
    open: async () => (path === undefined ? Readable.from(pieces, { objectMode: false }) : createReadStream(path)),
    discard: async () => {
      pieces = [];
      await file?.remove();
    },
  };
}

interface TemporaryFile {
  readonly path: string;
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
  remove(): Promise<void>;
}

async function createTemporaryFile(): Promise<TemporaryFile> {
  const directory = await mkdtemp(join(tmpdir(), 'chart-'));
  const path = join(directory, 'content');
  const handle = await openFile(path, 'wx', 0o600);
  let open = true;
  const end = async (): Promise<void> => {
    if (open) await handle.close();
    open = false;
  };
  return {
    path,
    write: async (bytes) => {
      for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
    },
    end,
    remove: async () => {
      await end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
