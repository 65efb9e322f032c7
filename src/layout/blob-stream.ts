/** Blobs as streams: whole, or from one byte to another. */
import { closeSync, fstatSync, read, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { cancelled, throwIfCancelled } from '../errors.js';
import type { Digest } from '../oci/digest.js';
import type { OpenBlob, ReadBlobOptions } from '../oci/target.js';
import { onAbort } from '../on-abort.js';
import { openBlobFile } from './blobs.js';
import { readFault } from './faults.js';
import { blobPath } from './paths.js';

/** Bytes up to which content is read at once, on the main thread: that takes less time than handing it to another. */
const SMALL = 64 * 1024;
const CHUNK = 256 * 1024;

/**
 * Opens a blob, or the part from byte `start` to byte `end`. Its content is not compared with anything.
 *
 * @throws ChartError `BLOB_NOT_FOUND`, `LAYOUT_UNREADABLE`, `CANCELLED`; the last two also as the stream's error
 */
export function openBlob(dir: string, digest: Digest, { start = 0, end, signal }: ReadBlobOptions = {}): Readable {
  throwIfCancelled(signal);
  const path = blobPath(dir, digest);
  const fd = openBlobFile(path, digest);
  try {
    const limit = Math.min(fstatSync(fd).size, end === undefined ? Infinity : end + 1);
    const length = Math.max(0, limit - start);
    if (length > SMALL) return new BlobStream(fd, path, start, limit, signal);
    const bytes = Buffer.allocUnsafe(length);
    const found = length === 0 ? 0 : readSync(fd, bytes, 0, length, start);
    closeSync(fd);
    return Readable.from(found === 0 ? [] : [bytes.subarray(0, found)], { objectMode: false });
  } catch (error) {
    closeSync(fd);
    throw readFault(error, path);
  }
}

/** Opens a blob for reads into the caller's memory. @throws ChartError `BLOB_NOT_FOUND`, `LAYOUT_UNREADABLE` */
export function openBlobHandle(dir: string, digest: Digest): OpenBlob {
  const path = blobPath(dir, digest);
  const fd = openBlobFile(path, digest);
  return {
    read: (buffer, position) =>
      new Promise((resolve, reject) => {
        read(fd, buffer, 0, buffer.length, position, (error, found) => {
          if (error) reject(readFault(error, path));
          else resolve(found);
        });
      }),
    close: () => closeSync(fd),
  };
}

/** Reads a file piece by piece. Ends early where the file does. */
class BlobStream extends Readable {
  readonly #fd: number;
  readonly #path: string;
  readonly #end: number;
  readonly #forgetSignal: () => void;
  #position: number;
  #isReading = false;
  #close: (() => void) | undefined;

  constructor(fd: number, path: string, start: number, end: number, signal: AbortSignal | undefined) {
    super({ highWaterMark: CHUNK });
    this.#fd = fd;
    this.#path = path;
    this.#position = start;
    this.#end = end;
    this.#forgetSignal = onAbort(signal, () => void this.destroy(cancelled(signal as AbortSignal)));
  }

  override _read(): void {
    const length = Math.min(CHUNK, this.#end - this.#position);
    if (length <= 0) return void this.push(null);
    this.#isReading = true;
    read(this.#fd, Buffer.allocUnsafe(length), 0, length, this.#position, (error, found, bytes) => {
      this.#isReading = false;
      if (this.#close) return this.#close();
      if (error) return void this.destroy(readFault(error, this.#path) as Error);
      this.#position += found;
      this.push(found === 0 ? null : bytes.subarray(0, found));
    });
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#forgetSignal();
    this.#close = () => {
      closeSync(this.#fd);
      callback(error);
    };
    // The file stays open until a read that is under way has come back: its number could be given to another file.
    if (!this.#isReading) this.#close();
  }
}
