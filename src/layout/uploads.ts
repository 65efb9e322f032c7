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
import { closeSync, lstatSync, openSync, readdirSync, type Stats, utimesSync } from 'node:fs';
import { type DigestAlgorithm, Digester } from '../oci/digest.js';
import type { BlobUpload } from '../oci/target.js';
import type { LayoutContext } from './context.js';
import { present, readFault, writing } from './faults.js';
import { FileUpload, unlinkUpload } from './file-upload.js';
import { assertOwnIngest } from './own-directories.js';
import { ingestDir } from './paths.js';
import { isUploadId, isUploadName, newUploadId, uploadId, uploadName } from './upload-names.js';

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
