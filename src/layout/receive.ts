/**
 * A stream on its way into a file: hashed while the system writes. What arrives during a write is collected, and written at once
 * when that is over: the faster it comes, the fewer writes there are.
 *
 * The disk begins to work before the end: after every 16 MiB what is there is synced, beside all else, so that the last sync, which
 * the sender waits for, has little left to do.
 */
import { ftruncateSync, write, writeSync, writev } from 'node:fs';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ChartError, cancelled, throwIfCancelled } from '../errors.js';
import type { Digester } from '../oci/digest.js';
import { onAbort } from '../on-abort.js';
import type { WriteBack } from './durable.js';
import { writeFault, writing } from './faults.js';

export interface ReceiveOptions {
  /** Bytes that were promised. */
  readonly limit?: number | undefined;
  /** Called with the number of bytes that have arrived so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Undefined where the file need not last. */
  readonly writeBack: Pick<WriteBack, 'begin'> | undefined;
}

interface OpenedFile {
  readonly path: string;
  readonly fd: number;
}

/**
 * Writes a stream to a file, from where the file is. Fails as the stream does, and leaves what has arrived until then.
 *
 * @throws ChartError `BLOB_SIZE_MISMATCH`, `DISK_FULL`, `LAYOUT_UNWRITABLE`, `CANCELLED`
 */
export async function receive(
  content: Readable,
  file: OpenedFile,
  digester: Digester,
  { limit, signal, writeBack, onBytes }: ReceiveOptions,
): Promise<void> {
  throwIfCancelled(signal);
  const forget = onAbort(signal, () => void content.destroy(cancelled(signal as AbortSignal)));
  const writer = new Writer(file, writeBack);
  // Pieces as they come: an iterator would copy those that came together into one.
  content.on('data', (piece: Uint8Array | string) => {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
    try {
      if (limit !== undefined && digester.size + chunk.length > limit) throw tooMuch(limit);
      const room = writer.add(chunk);
      digester.update(chunk);
      onBytes?.(digester.size);
      if (room === undefined) return;
      content.pause();
      void room.then(() => content.resume());
    } catch (error) {
      content.destroy(error as Error);
    }
  });
  try {
    await finished(content, { writable: false });
  } finally {
    forget();
    await writer.end();
  }
}

function tooMuch(limit: number): ChartError {
  return new ChartError('BLOB_SIZE_MISMATCH', `the content has more than the ${limit} bytes that were promised`);
}

/** Bytes up to which writing takes less time than handing it to another thread. */
const SMALL = 32 * 1024;
/** Bytes that are collected during a write. */
const COLLECT = 512 * 1024;
/** Bytes after which the disk is set to work. */
const SYNC_STEP = 16 * 1024 * 1024;

function writeAsync(fd: number, bytes: Uint8Array, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, from, (error, written) => (error ? reject(error) : resolve(written)));
  });
}

function writevAsync(fd: number, chunks: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, chunks, (error, written) => (error ? reject(error) : resolve(written)));
  });
}

class Writer {
  readonly #file: OpenedFile;
  readonly #writeBack: ReceiveOptions['writeBack'];
  #waiting: Uint8Array[] = [];
  #waitingSize = 0;
  #unsynced = 0;
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #fault: { readonly error: unknown } | undefined;
  #isLost = false;

  constructor(file: OpenedFile, writeBack: ReceiveOptions['writeBack']) {
    this.#file = file;
    this.#writeBack = writeBack;
  }

  /** @returns what to wait for before the next, if anything. @throws ChartError for this one or one before */
  add(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#fault) throw this.#fault.error;
    this.#unsynced += chunk.length;
    if (this.#unsynced >= SYNC_STEP && !this.#syncing) this.#startSync();
    if (!this.#writing && chunk.length <= SMALL) {
      writeAllSync(this.#file, chunk);
      return undefined;
    }
    this.#waiting.push(chunk);
    this.#waitingSize += chunk.length;
    this.#writing ??= this.#writeWaiting();
    return this.#waitingSize > COLLECT ? this.#writing : undefined;
  }

  /** Resolves when all is written and nothing uses the file any more. @throws ChartError for what did not succeed */
  async end(): Promise<void> {
    await this.#writing;
    await this.#syncing;
    // The system tells of it once: the last sync would succeed, without what was lost here.
    if (this.#isLost) ftruncateSync(this.#file.fd, 0);
    if (this.#fault) throw this.#fault.error;
  }

  /** Never rejects. */
  async #writeWaiting(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && !this.#fault) {
        const chunks = this.#waiting;
        this.#waiting = [];
        this.#waitingSize = 0;
        await writeAll(this.#file, chunks);
      }
    } catch (error) {
      this.#fault ??= { error };
    }
    this.#writing = undefined;
  }

  #startSync(): void {
    const sync = this.#writeBack?.begin(this.#file.fd);
    if (sync === undefined) return;
    this.#unsynced = 0;
    this.#syncing = sync.then(
      () => {
        this.#syncing = undefined;
      },
      (error: unknown) => {
        this.#fault ??= { error: writeFault(error, this.#file.path) };
        this.#isLost = true;
      },
    );
  }
}

/** Writes what is at hand. @throws ChartError `DISK_FULL`, `LAYOUT_UNWRITABLE` */
export async function writeAll(file: OpenedFile, chunks: readonly Uint8Array[]): Promise<void> {
  const [first = new Uint8Array(), ...more] = chunks;
  if (more.length === 0) {
    if (first.length <= SMALL) writeAllSync(file, first);
    else await writeOne(file, first);
    return;
  }
  let done = await attempt(file, () => writevAsync(file.fd, chunks));
  // Hardly ever: a full disk, or a signal.
  for (const chunk of chunks) {
    if (done < chunk.length) await writeOne(file, chunk.subarray(done));
    done = Math.max(0, done - chunk.length);
  }
}

async function writeOne(file: OpenedFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += await attempt(file, () => writeAsync(file.fd, bytes, done));
}

function writeAllSync({ fd, path }: OpenedFile, bytes: Uint8Array): void {
  writing(path, () => {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  });
}

async function attempt({ path }: OpenedFile, write: () => Promise<number>): Promise<number> {
  try {
    return await write();
  } catch (error) {
    throw writeFault(error, path);
  }
}
