/**
 * Reads a tar stream chunk by chunk: v7, ustar, pax and GNU long names, with the meaning that Go's reader (Helm's) gives them.
 * What it does not know it refuses rather than skips: an entry that one reader sees and another does not is a hiding place.
 *
 *     header [content, padded to 512]   repeated; then two blocks of zeros, after which nothing counts
 *
 * Layout of a header: tar-header.ts.
 */
import { ChartError } from '../../errors.js';
import { parsePax } from './pax.js';
import {
  checksumHolds,
  checkUnusedNumbers,
  headerName,
  headerNumber,
  headerText,
  invalidHeader,
} from './tar-fields.js';
import { BLOCK, paddingOf } from './tar-header.js';

export interface TarMember {
  /** As in the archive, with long names resolved. */
  readonly name: string;
  /** `other`: a device or a FIFO. */
  readonly type: 'file' | 'directory' | 'link' | 'other';
  /** Bytes of content that follow. */
  readonly size: number;
  readonly executable: boolean;
  /** Bytes of the archive that come before its content. */
  readonly offset: number;
}

/** A member, then its content in any number of pieces (none where it is empty), then its end. */
export type TarPart =
  | { readonly kind: 'member'; readonly member: TarMember }
  | { readonly kind: 'content'; readonly bytes: Buffer }
  | { readonly kind: 'end' };

/** Bytes of long names and pax records of one member. */
const META_LIMIT = 1024 * 1024;
const END: TarPart = { kind: 'end' };

const TYPES: Readonly<Record<string, TarMember['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '3': 'other',
  '4': 'other',
  '5': 'directory',
  '6': 'other',
};

export class TarReader {
  #state: 'header' | 'content' | 'meta' | 'padding' | 'zeros' | 'done' = 'header';
  /** Bytes that belong to the state still. */
  #left = 0;
  #padding = 0;
  #block = Buffer.alloc(BLOCK);
  #filled = 0;
  #meta: { readonly type: string; readonly body: Buffer; filled: number } | undefined;
  #records: ReadonlyMap<string, string> | undefined;
  #longName: string | undefined;
  #metaBytes = 0;
  #position = 0;

  /** True once the blocks of zeros were read that end an archive. */
  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Bytes that were read so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Content pieces are parts of `chunk`, not copies.
   *
   * @throws ChartError `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`
   */
  *read(chunk: Buffer): Generator<TarPart, void, void> {
    let at = 0;
    while (at < chunk.length && this.#state !== 'done') {
      const rest = chunk.length - at;
      if (this.#state === 'header' || this.#state === 'zeros') {
        const count = Math.min(rest, BLOCK - this.#filled);
        chunk.copy(this.#block, this.#filled, at, at + count);
        this.#filled += count;
        this.#position += count;
        at += count;
        if (this.#filled < BLOCK) continue;
        this.#filled = 0;
        const member = this.#header(this.#block);
        if (member === undefined) continue;
        yield { kind: 'member', member };
        if (member.size === 0) yield END;
        continue;
      }
      const count = Math.min(rest, this.#left);
      const bytes = chunk.subarray(at, at + count);
      at += count;
      this.#position += count;
      this.#left -= count;
      if (this.#state === 'content') {
        yield { kind: 'content', bytes };
        if (this.#left === 0) yield END;
      } else if (this.#meta !== undefined) {
        this.#meta.filled += bytes.copy(this.#meta.body, this.#meta.filled);
        if (this.#left === 0) this.#finishMeta();
      }
      if (this.#left === 0) this.#enter(this.#state === 'padding' ? 'header' : 'padding', this.#padding);
    }
  }

  /**
   * To be called when there are no more chunks. As with Go, the blocks of zeros may be missing.
   *
   * @throws ChartError `ARCHIVE_INVALID` for an archive that is cut off
   */
  end(): void {
    const whole = this.#state === 'done' || this.#state === 'zeros' || this.#state === 'header';
    if (!whole || this.#filled > 0 || this.#isPending()) throw new ChartError('ARCHIVE_INVALID', 'unexpected EOF');
  }

  /** True between a header that says something of the next member and that member. */
  #isPending(): boolean {
    return this.#records !== undefined || this.#longName !== undefined;
  }

  #enter(state: 'header' | 'content' | 'meta' | 'padding', size: number): void {
    this.#state = state;
    this.#left = size;
    if (state === 'padding') this.#padding = 0;
    if (size === 0 && state !== 'header') this.#enter('header', 0);
  }

  #header(block: Buffer): TarMember | undefined {
    if (block.every((byte) => byte === 0)) {
      if (this.#isPending()) throw invalidHeader('long names without an entry');
      this.#state = this.#state === 'zeros' ? 'done' : 'zeros';
      return undefined;
    }
    if (this.#state === 'zeros') throw invalidHeader('an entry after the end');
    if (!checksumHolds(block)) throw invalidHeader('wrong checksum');
    checkUnusedNumbers(block);
    const type = block.toString('latin1', 156, 157);
    if ('xgLK'.includes(type)) this.#startMeta(type, headerNumber(block, 124, 12));
    else return this.#member(block, type);
    return undefined;
  }

  #member(block: Buffer, typeflag: string): TarMember {
    const records = this.#records;
    const name = this.#longName ?? records?.get('path') ?? headerName(block);
    const size = records?.has('size') ? paxSize(records.get('size') as string) : headerNumber(block, 124, 12);
    const mode = headerNumber(block, 100, 8);
    this.#records = undefined;
    this.#longName = undefined;
    this.#metaBytes = 0;
    let type = TYPES[typeflag];
    if (type === undefined) throw invalidHeader(`unknown type ${JSON.stringify(typeflag)} of entry`, name);
    if (name === '') throw invalidHeader('an entry without a name');
    if (type === 'file' && name.endsWith('/')) type = 'directory';
    if (type === 'directory' && size > 0) throw invalidHeader('a directory with content', name);
    const held = type === 'file' ? size : 0;
    this.#padding = paddingOf(held);
    this.#enter('content', held);
    return { name, type, size: held, executable: (mode & 0o100) !== 0, offset: this.#position };
  }

  #startMeta(type: string, size: number): void {
    this.#metaBytes += BLOCK + size;
    if (this.#metaBytes > META_LIMIT) {
      throw new ChartError('LIMIT_EXCEEDED', `the archive has an entry with more than ${META_LIMIT} bytes of names`);
    }
    this.#meta = { type, body: Buffer.alloc(size), filled: 0 };
    this.#padding = paddingOf(size);
    if (size === 0) this.#finishMeta();
    this.#enter('meta', size);
  }

  #finishMeta(): void {
    const { type, body } = this.#meta as { type: string; body: Buffer };
    this.#meta = undefined;
    if (type === 'x') this.#records = parsePax(body);
    else if (type === 'L') this.#longName = headerText(body, 0, body.length);
    else if (type === 'g') refuseGlobals(parsePax(body));
  }
}

/** Global records with a bearing on entries are read differently by every program; those that exist are comments. */
function refuseGlobals(records: ReadonlyMap<string, string>): void {
  for (const key of ['path', 'size', 'linkpath']) {
    if (records.has(key)) throw invalidHeader(`a global ${key}`);
  }
}

function paxSize(text: string): number {
  const size = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(size)) throw invalidHeader('a size that is no number');
  return size;
}
