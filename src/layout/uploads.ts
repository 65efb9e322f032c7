/**
 * Blobs that arrive in pieces, as clients of a registry send them.
 *
 *     ingest/upload-4f1d...   all that has arrived so far; its size is where the next piece begins
 *
 * Everything that has to be known is in the file, so an upload goes on after a restart. The hash is kept while this process
 * sees every piece, and made anew from the file otherwise.
 *
 * Whose an upload is, nothing says: any process that serves the cache may go on with it. So a process touches the files of those that it
 * has open, and one whose file was not touched for long is nobody's. Since a clock may be set, and a machine sleep, it has to look so twice, with more time
 * in between than a process at work lets pass.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  type Stats,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import type { Readable } from 'node:stream';
import { ChartError, isChartError, systemErrorCode } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, type DigestAlgorithm, Digester, digestAlgorithm } from '../oci/digest.js';
import type { AppendOptions, BlobUpload, CallOptions } from '../oci/target.js';
import { hashFile } from './blobs.js';
import type { LayoutContext } from './context.js';
import { present, readFault, writeFault, writing } from './faults.js';
import { BLOB_MODE, isIntact, place, relying } from './ingest.js';
import { assertOwnIngest } from './own-directories.js';
import { ingestDir } from './paths.js';
import { receive } from './receive.js';
import { isUploadId, isUploadName, newUploadId, uploadId, uploadName } from './upload-names.js';

const UPLOAD_TYPE = 'application/octet-stream';
/** Uploads whose hash is kept; those that were not touched for longest lose it. */
const KEPT = 1000;
/** Milliseconds between two touches of uploads that are open. */
const HEARTBEAT = 60_000;
/** Milliseconds for which no upload is given up: a process that is busy may be late with touching. */
const PATIENCE = 3 * HEARTBEAT;

/** The uploads of one layout. */
export class Uploads {
  readonly #context: LayoutContext;
  readonly #kept = new Map<string, FileUpload>();
  /** Ids of uploads that this process has not seen the end of. */
  readonly #open = new Set<string>();
  /** Files of others that looked given up: their mtime, and when that was seen first, by a clock that nobody sets. */
  #suspects = new Map<string, { readonly mtimeMs: number; readonly since: number }>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(context: LayoutContext) {
    this.#context = context;
  }

  async start({ algorithm }: { readonly algorithm?: DigestAlgorithm | undefined } = {}): Promise<BlobUpload> {
    await this.#context.prepare();
    const id = newUploadId();
    const path = this.#path(id);
    writing(path, () => closeSync(openSync(path, 'wx', 0o644)));
    return this.#keep(new FileUpload(this.#context, id, path, 0, new Digester(algorithm)));
  }

  /** @param id whatever a client sent: what is not of the form of an id is not looked for (path traversal) */
  async find(id: string): Promise<BlobUpload | undefined> {
    if (!isUploadId(id)) return undefined;
    const path = this.#path(id);
    let stats: Stats | undefined;
    try {
      assertOwnIngest(this.#context.dir);
      stats = lstatSync(path, { throwIfNoEntry: false });
    } catch (error) {
      throw readFault(error, path);
    }
    if (!stats?.isFile()) {
      this.#kept.delete(id);
      this.#open.delete(id);
      return undefined;
    }
    // Before anybody else takes it for given up.
    if (!this.#open.has(id)) touch(path);
    return this.#keep(this.#kept.get(id) ?? new FileUpload(this.#context, id, path, stats.size, undefined));
  }

  /** See `ServableTarget`. @throws ChartError `LAYOUT_UNREADABLE`, `LAYOUT_UNWRITABLE` */
  async sweep(idle: number, now = Date.now()): Promise<number> {
    assertOwnIngest(this.#context.dir);
    const ingest = ingestDir(this.#context.dir);
    const before = now - Math.max(idle, PATIENCE);
    this.#beat();
    let swept = 0;
    const seen = performance.now();
    const suspects = new Map<string, { mtimeMs: number; since: number }>();
    for (const name of (present(ingest, () => readdirSync(ingest)) ?? []).filter(isUploadName)) {
      const path = `${ingest}/${name}`;
      const stats = present(path, () => lstatSync(path, { throwIfNoEntry: false }));
      if (stats === undefined || stats.mtimeMs >= before || this.#open.has(uploadId(name))) continue;
      const known = this.#suspects.get(name);
      const since = known?.mtimeMs === stats.mtimeMs ? known.since : seen;
      if (seen - since < PATIENCE) {
        suspects.set(name, { mtimeMs: stats.mtimeMs, since });
        continue;
      }
      unlinkUpload(path);
      swept += 1;
    }
    this.#suspects = suspects;
    return swept;
  }

  /** Leaves what is open to whoever comes next. */
  close(): void {
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
    this.#open.clear();
  }

  #beat(): void {
    for (const id of this.#open) if (!touch(this.#path(id))) this.#open.delete(id);
    if (this.#open.size === 0) this.close();
  }

  #path(id: string): string {
    return `${ingestDir(this.#context.dir)}/${uploadName(id)}`;
  }

  #keep(upload: FileUpload): FileUpload {
    this.#open.add(upload.id);
    this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT).unref();
    this.#kept.delete(upload.id);
    this.#kept.set(upload.id, upload);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return upload;
  }
}

class FileUpload implements BlobUpload {
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

function unlinkUpload(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw writeFault(error, path);
  }
}

/** @returns false where it is gone, or is somebody else's file */
function touch(path: string): boolean {
  const now = Date.now() / 1000;
  try {
    utimesSync(path, now, now);
    return true;
  } catch {
    return false;
  }
}
