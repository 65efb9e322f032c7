/**
 * The entries of a bundle, one after another, from a file or a pipe. Nothing is ever stored under a name that comes from here: content
 * counts by digest alone.
 *
 *     oci-layout, index.json, bundle.json, blobs/ALGORITHM/HEX     read
 *     manifest.json, repositories, ._x, directories                passed over: other tools put them there
 */
import type { Readable } from 'node:stream';
import { quoteName } from '../chart/archive/entry-path.js';
import { type TarMember, type TarPart, TarReader } from '../chart/archive/tar-reader.js';
import { ChartError, isChartError } from '../errors.js';
import { type Digest, isDigest } from '../oci/digest.js';
import { decompress } from './compression.js';

export type FixedName = 'oci-layout' | 'index.json' | 'bundle.json';

export interface EntryInfo {
  readonly size: number;
  /** Bytes of the unpacked archive that come before its content. */
  readonly offset: number;
  /** The content, once; what is not read of it is passed over when the next entry is asked for. */
  content(): AsyncGenerator<Buffer, void, void>;
}

export type BundleEntry =
  | (EntryInfo & { readonly kind: 'blob'; readonly digest: Digest })
  | (EntryInfo & { readonly kind: 'fixed'; readonly name: FixedName });

export interface ReadEntriesOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with every piece of the unpacked archive. */
  readonly onBytes?: ((bytes: Buffer) => void | Promise<void>) | undefined;
}

const FIXED: readonly string[] = ['oci-layout', 'index.json', 'bundle.json'];
/** Bytes of index.json and bundle.json: some 200,000 charts. */
const FIXED_LIMIT = 64 * 1024 * 1024;

/**
 * Reads a bundle. Destroys `source` at the end.
 *
 * @throws ChartError `ARCHIVE_INVALID` for what is no whole tar, `ARCHIVE_UNSAFE`, `BUNDLE_INVALID`, `LIMIT_EXCEEDED`, `CANCELLED`
 */
export async function* readEntries(
  source: Readable,
  { signal, onBytes }: ReadEntriesOptions = {},
): AsyncGenerator<BundleEntry, void, void> {
  const tar = new TarReader();
  const parts = readParts(source, tar, signal, onBytes);
  const seen = new Set<string>();
  let isTar = false;
  try {
    for (let next = await parts.next(); !next.done; next = await parts.next()) {
      const part = next.value;
      if (part.kind !== 'member') continue;
      isTar = true;
      const what = classify(part.member);
      if (what === undefined) continue;
      if (what.kind === 'fixed') {
        if (seen.has(what.name)) throw new ChartError('BUNDLE_INVALID', `it has ${what.name} twice`);
        seen.add(what.name);
        if (part.member.size > FIXED_LIMIT) throw tooLarge(what.name, part.member.size);
      }
      const reading = contentOf(parts);
      yield { ...what, size: part.member.size, offset: part.member.offset, content: () => reading };
      for await (const _ of reading);
    }
  } catch (error) {
    throw isChartError(error, 'ARCHIVE_INVALID') && !isTar ? noArchive(error) : error;
  } finally {
    await parts.return();
  }
}

async function* readParts(
  source: Readable,
  tar: TarReader,
  signal: AbortSignal | undefined,
  onBytes: ReadEntriesOptions['onBytes'],
): AsyncGenerator<TarPart, void, void> {
  for await (const chunk of decompress(source, signal)) {
    await onBytes?.(chunk);
    const wasDone = tar.isDone;
    const before = tar.position;
    yield* tar.read(chunk);
    const rest = wasDone ? chunk : chunk.subarray(tar.position - before);
    if (tar.isDone && rest.some((byte) => byte !== 0)) {
      throw new ChartError('ARCHIVE_INVALID', 'there are bytes after the end of the archive', {
        hint: 'Two archives one after the other are not one; give each file by itself.',
      });
    }
  }
  tar.end();
  if (!tar.isDone) throw new ChartError('ARCHIVE_INVALID', 'unexpected EOF');
}

/** The content parts up to the end of the member, once; a second reading finds nothing. */
async function* contentOf(parts: AsyncGenerator<TarPart, void, void>): AsyncGenerator<Buffer, void, void> {
  let isOver = false;
  try {
    for (let next = await parts.next(); !next.done; next = await parts.next()) {
      if (next.value.kind !== 'content') {
        isOver = true;
        return;
      }
      yield next.value.bytes;
    }
    isOver = true;
  } finally {
    // The reader went before the end: the rest is passed over here, so that the next part is a member.
    while (!isOver) {
      const next = await parts.next();
      isOver = next.done === true || next.value.kind !== 'content';
    }
  }
}

function classify({
  name,
  type,
}: TarMember):
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'fixed'; readonly name: FixedName }
  | undefined {
  const path = name.replace(/^(?:\.\/)+/, '');
  if (name.startsWith('/') || /[\\\0]/.test(name) || path.split('/').includes('..')) {
    throw unsafe('a name that leads out of the bundle', name);
  }
  const blob = /^blobs\/([^/]+)\/([^/]+)$/.exec(path);
  const digest = blob && `${blob[1]}:${blob[2]}`;
  const isContent = FIXED.includes(path) || (digest !== null && isDigest(digest));
  if (!isContent || type === 'directory') return undefined;
  if (type !== 'file')
    throw unsafe(type === 'link' ? 'a link in place of content' : 'a device in place of content', name);
  return digest === null ? { kind: 'fixed', name: path as FixedName } : { kind: 'blob', digest: digest as Digest };
}

/** All of a small entry. */
export async function readWhole(entry: EntryInfo): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of entry.content()) pieces.push(piece);
  return Buffer.concat(pieces);
}

function unsafe(what: string, name: string): ChartError {
  return new ChartError('ARCHIVE_UNSAFE', `it has ${what}: ${quoteName(name)}`, {
    hint: 'No tool writes a bundle like that; do not trust where it came from.',
  });
}

function tooLarge(name: string, size: number): ChartError {
  return new ChartError('LIMIT_EXCEEDED', `its ${name} has ${size} bytes; at most ${FIXED_LIMIT} are read`);
}

function noArchive(cause: ChartError): ChartError {
  if (cause.message === 'EOF' || cause.message === 'unexpected EOF') return cause;
  return new ChartError('BUNDLE_INVALID', 'it is not a tar archive', {
    cause,
    hint: 'A bundle is an OCI image layout in a .tar, .tar.gz or .tar.zst, as chart bundle writes it.',
  });
}
