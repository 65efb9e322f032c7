/**
 * Uploads that are open: which repository each belongs to, and that one request at a time works on it. Another one that comes meanwhile
 * is refused, unless the first one has lost its client. The bytes are the target's; an upload that the target still has after a restart is taken up again when a client asks for it.
 */
import { isChartError } from '../errors.js';
import type { DigestAlgorithm } from '../oci/digest.js';
import type { BlobUpload, ServableTarget } from '../oci/target.js';
import { Refusal } from './errors.js';
import type { Limits } from './limits.js';

interface Session {
  readonly name: string;
  lastUsed: number;
  /** The request that works on it. */
  current: Current | undefined;
}

interface Current {
  readonly abort: AbortController;
  readonly settled: Promise<void>;
  /** When bytes came last; undefined while none are waited for. */
  lastProgress: number | undefined;
}

/** What the work on an upload is handed. */
export interface UploadUse {
  readonly upload: BlobUpload;
  /** Aborts when another request takes over. */
  readonly signal: AbortSignal;
  /** To be called as bytes come in; with true when no more are waited for. */
  readonly progress: (isOver?: boolean) => void;
}

export interface UseOptions {
  /** True for a request that only looks, and so need not wait or be refused. */
  readonly isLooking?: boolean;
  /** Whether it goes on where the request before has come to, though that is still at work. */
  readonly goesOn?: (upload: BlobUpload) => boolean;
}

/** Milliseconds without a byte after which a request is taken to have lost its client. */
const STALLED = 10_000;

const ID = /^[A-Za-z0-9_-]{1,128}$/;

export class Uploads {
  readonly #target: ServableTarget;
  readonly #limits: Limits;
  readonly #now: () => number;
  /** The one that was used longest ago comes first. */
  readonly #sessions = new Map<string, Session>();
  #starting = 0;

  constructor(target: ServableTarget, limits: Limits, now: () => number) {
    this.#target = target;
    this.#limits = limits;
    this.#now = now;
  }

  /** How many there are. */
  get open(): number {
    return this.#sessions.size;
  }

  /** @throws Refusal `TOOMANYREQUESTS` (429) */
  async start(name: string, algorithm?: DigestAlgorithm): Promise<BlobUpload> {
    await this.#dropIdle();
    if (this.#sessions.size + this.#starting >= this.#limits.uploads) {
      throw new Refusal(429, 'TOOMANYREQUESTS', 'too many uploads are open', { headers: { 'Retry-After': '60' } });
    }
    this.#starting += 1;
    try {
      const upload = await this.#target.startUpload(algorithm === undefined ? {} : { algorithm });
      this.#sessions.set(upload.id, { name, lastUsed: this.#now(), current: undefined });
      return upload;
    } finally {
      this.#starting -= 1;
    }
  }

  /**
   * Works on an upload. A request that is still at work on it is aborted where it has got nothing for long, or where this one goes on
   * from just where that has come to: its client has lost the connection, and knows what was received.
   *
   * @throws Refusal `BLOB_UPLOAD_UNKNOWN` (404); `BLOB_UPLOAD_INVALID` (409) where another request is at work, or takes over
   */
  async use<T>(
    name: string,
    id: string,
    work: (use: UploadUse) => Promise<T> | T,
    { isLooking = false, goesOn }: UseOptions = {},
  ): Promise<T> {
    let session = this.#sessions.get(id);
    if (!ID.test(id) || (session && session.name !== name)) throw unknownUpload();
    if (isLooking && session?.current) {
      return work({ upload: await this.#find(id), signal: new AbortController().signal, progress: nothing });
    }
    for (let current = session?.current; current; current = session?.current) {
      const mayTakeOver = this.#isStalled(current) || goesOn?.(await this.#find(id));
      if (!mayTakeOver) throw busy();
      current.abort.abort();
      await current.settled;
      session = this.#sessions.get(id);
    }
    session ??= { name, lastUsed: 0, current: undefined };
    const abort = new AbortController();
    const begun = session;
    const progress = (isOver = false): void => {
      if (begun.current) begun.current.lastProgress = isOver ? undefined : this.#now();
    };
    const result = this.#find(id).then((upload) => work({ upload, signal: abort.signal, progress }));
    session.current = { abort, settled: result.then(nothing, nothing), lastProgress: undefined };
    this.#sessions.set(id, session);
    try {
      return await result;
    } catch (error) {
      if (abort.signal.aborted) throw takenOver();
      if (!isChartError(error, 'BLOB_NOT_FOUND')) throw error;
      this.end(id);
      throw unknownUpload();
    } finally {
      session.current = undefined;
      session.lastUsed = this.#now();
      if (this.#sessions.delete(id)) this.#sessions.set(id, session);
    }
  }

  #isStalled({ lastProgress }: Current): boolean {
    return lastProgress !== undefined && this.#now() - lastProgress >= STALLED;
  }

  /** Says that an upload was committed or aborted. */
  end(id: string): void {
    this.#sessions.delete(id);
  }

  /** Drops what nobody has worked on for long, here or before a restart. */
  async sweep(): Promise<void> {
    await this.#dropIdle();
    await this.#target.sweepUploads?.(this.#limits.uploadIdle);
  }

  async #find(id: string): Promise<BlobUpload> {
    const upload = await this.#target.findUpload(id);
    if (upload) return upload;
    this.end(id);
    throw unknownUpload();
  }

  async #dropIdle(): Promise<void> {
    const before = this.#now() - this.#limits.uploadIdle;
    for (const [id, session] of this.#sessions) {
      if (session.lastUsed >= before) return;
      if (session.current) continue;
      this.end(id);
      await (await this.#target.findUpload(id))?.abort();
    }
  }
}

function busy(): Refusal {
  const headers = { 'Retry-After': '5' };
  return new Refusal(409, 'BLOB_UPLOAD_INVALID', 'another request is at work on this upload', { headers });
}

function takenOver(): Refusal {
  return new Refusal(409, 'BLOB_UPLOAD_INVALID', 'another request has gone on with this upload');
}

function unknownUpload(): Refusal {
  return new Refusal(404, 'BLOB_UPLOAD_UNKNOWN', 'the upload is not known here');
}

function nothing(): void {}
