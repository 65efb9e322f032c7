/**
 * Uploads that are open: which repository each belongs to, and that one request at a time works on it. The bytes are the
 * target's; an upload that the target still has after a restart is taken up again when a client asks for it.
 */
import type { DigestAlgorithm } from '../oci/digest.js';
import type { BlobUpload, ServableTarget } from '../oci/target.js';
import { Refusal } from './errors.js';
import type { Limits } from './limits.js';

interface Session {
  readonly name: string;
  lastUsed: number;
  /** The request that works on it. */
  current: { readonly abort: AbortController; readonly settled: Promise<void> } | undefined;
}

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
   * Works on an upload. A request that is still at work on it has lost its client, or else the client would have waited:
   * it is aborted, and what it received stays.
   *
   * @param work is handed a signal that aborts when the next request comes
   * @throws Refusal `BLOB_UPLOAD_UNKNOWN`
   */
  async use<T>(
    name: string,
    id: string,
    work: (upload: BlobUpload, signal: AbortSignal) => Promise<T> | T,
  ): Promise<T> {
    let session = this.#sessions.get(id);
    if (!ID.test(id) || (session && session.name !== name)) throw unknownUpload();
    while (session?.current) {
      session.current.abort.abort();
      await session.current.settled;
      session = this.#sessions.get(id);
    }
    session ??= { name, lastUsed: 0, current: undefined };
    const abort = new AbortController();
    const result = this.#find(id).then((upload) => work(upload, abort.signal));
    session.current = { abort, settled: result.then(nothing, nothing) };
    this.#sessions.set(id, session);
    try {
      return await result;
    } finally {
      session.current = undefined;
      session.lastUsed = this.#now();
      if (this.#sessions.delete(id)) this.#sessions.set(id, session);
    }
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

function unknownUpload(): Refusal {
  return new Refusal(404, 'BLOB_UPLOAD_UNKNOWN', 'the upload is not known here');
}

function nothing(): void {}
