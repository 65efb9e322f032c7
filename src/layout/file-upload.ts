/** One upload: a file in `ingest/` that grows, and becomes a blob. uploads.ts knows which there are. */
import { chmodSync, closeSync, constants, fstatSync, ftruncateSync, openSync, unlinkSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { ChartError, isChartError, systemErrorCode } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, type DigestAlgorithm, Digester, digestAlgorithm } from '../oci/digest.js';
import type { AppendOptions, BlobUpload, CallOptions } from '../oci/target.js';
import { hashFile } from './blobs.js';
import type { LayoutContext } from './context.js';
import { writeFault, writing } from './faults.js';
import { BLOB_MODE, isIntact, place, relying } from './ingest.js';
import { receive } from './receive.js';

const UPLOAD_TYPE = 'application/octet-stream';

export class FileUpload implements BlobUpload {
  readonly id: string;
  readonly #context: LayoutContext;
  readonly #path: string;
  #size: number;
  /** Of exactly the first `#size` bytes. */
  #digester: Digester | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  /** The file while a piece comes in. */
  #receiving: number | undefined;

  constructor(context: LayoutContext, id: string, path: string, size: number, digester: Digester | undefined) {
    this.#context = context;
    this.id = id;
    this.#path = path;
    this.#size = size;
    this.#digester = digester;
  }

  get size(): number {
    return this.#receiving === undefined ? this.#size : fstatSync(this.#receiving).size;
  }

  append(content: Readable, { signal, isWhole = false }: AppendOptions = {}): Promise<void> {
    return this.#inTurn(async () => {
      const fd = this.#open(constants.O_RDWR | constants.O_APPEND);
      const before = fstatSync(fd).size;
      this.#receiving = fd;
      try {
        const digester = await this.#hashed(fd, this.#digester?.algorithm, signal);
        this.#digester = undefined;
        await receive(content, { fd, path: this.#path }, digester, { signal, writeBack: this.#context.writeBack });
        this.#digester = digester;
      } catch (error) {
        // Others need the room, and nobody waits for the rest of a piece that does not fit. It may be less than before: see receive.ts.
        const isTakenBack = isWhole || isChartError(error, 'DISK_FULL');
        if (isTakenBack) ftruncateSync(fd, Math.min(before, fstatSync(fd).size));
        throw error;
      } finally {
        this.#receiving = undefined;
        this.#size = fstatSync(fd).size;
        closeSync(fd);
        content.destroy();
      }
    });
  }

  commit(digest: Digest, { signal }: CallOptions = {}): Promise<Descriptor> {
    return this.#inTurn(async () => {
      const fd = this.#open(constants.O_RDWR);
      let isOpen = true;
      const close = (): void => {
        if (isOpen) closeSync(fd);
        isOpen = false;
      };
      try {
        const digester = await this.#hashed(fd, digestAlgorithm(digest), signal);
        const { size } = digester;
        this.#digester = undefined;
        const found = digester.digest();
        if (found !== digest) {
          throw new ChartError('BLOB_DIGEST_MISMATCH', `the upload is not ${digest}, but ${found} (${size} bytes)`);
        }
        const descriptor = { mediaType: UPLOAD_TYPE, digest, size };
        await relying(this.#context, digest, () => this.#store(descriptor, fd, close, signal));
        return descriptor;
      } finally {
        close();
      }
    });
  }

  abort(): Promise<void> {
    return this.#inTurn(async () => unlinkUpload(this.#path));
  }

  async #store(descriptor: Descriptor, fd: number, close: () => void, signal?: AbortSignal): Promise<void> {
    if (await isIntact(this.#context, descriptor, signal)) {
      close();
      return unlinkUpload(this.#path);
    }
    // What umask took away stays away.
    writing(this.#path, () => chmodSync(this.#path, fstatSync(fd).mode & BLOB_MODE));
    const lose = (): void => unlinkUpload(this.#path);
    await place(this.#context, { path: this.#path, fd, close, lose, release: () => undefined }, descriptor.digest);
  }

  /** The hash of what is in the file. */
  async #hashed(fd: number, algorithm: DigestAlgorithm | undefined, signal?: AbortSignal): Promise<Digester> {
    const kept = this.#digester;
    if (kept && kept.size === fstatSync(fd).size && (algorithm ?? kept.algorithm) === kept.algorithm) return kept;
    const digester = new Digester(algorithm);
    await hashFile(fd, digester, signal);
    return digester;
  }

  #open(flags: number): number {
    try {
      return openSync(this.#path, flags);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw writeFault(error, this.#path);
      throw new ChartError('BLOB_NOT_FOUND', `the upload ${this.id} has ended`, { cause: error });
    }
  }

  /** One piece after the other. */
  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(body);
    this.#tail = turn.catch(() => undefined);
    return turn;
  }
}

export function unlinkUpload(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw writeFault(error, path);
  }
}
