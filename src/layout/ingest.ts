/**
 * How blobs come in.
 *
 *     ingest/w-.../1   written, hashed and counted on the way, compared with what was promised, synced
 *     blobs/sha256/HEX renamed to: a blob under its final name is whole, always
 *
 * What is here already is not written again and keeps its mtime, which says when it came (CREATED). Is it undamaged? Who has
 * the content in hand (`putBytes`, `ingestBlob`: save) compares all of it, and damage is replaced. `writeBlob` is called by
 * who would have to fetch it; it trusts the size, or compares the hash if `verify` is set (pull does: reading 100 KB of disk
 * is nothing beside asking a registry).
 *
 * Modes are 0444 less umask, as Helm 3.6.3 has them.
 */
import type { Readable } from 'node:stream';
import { ChartError, isChartError, systemErrorCode, throwIfCancelled } from '../errors.js';
import { makeDirectory } from '../make-directory.js';
import { moveFile } from '../move-file.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, type DigestAlgorithm, Digester, digestAlgorithm, digestOf } from '../oci/digest.js';
import type { CallOptions, WriteBlobOptions } from '../oci/target.js';
import { findBlob, hasBytes, verifyBlob } from './blobs.js';
import type { LayoutContext } from './context.js';
import { syncFile } from './durable.js';
import { writeFault } from './faults.js';
import { blobPath, blobsDir } from './paths.js';
import { receive, writeAll } from './receive.js';

export interface IngestOptions extends CallOptions {
  readonly mediaType: string;
  readonly algorithm?: DigestAlgorithm | undefined;
  /** What is promised, as far as anything is. */
  readonly expected?: { readonly digest?: Digest | undefined; readonly size?: number | undefined } | undefined;
  /** Called with the number of bytes that have arrived so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export const BLOB_MODE = 0o444;

/** Stores bytes that are at hand. Idempotent. */
export async function putBytes(
  context: LayoutContext,
  bytes: Uint8Array,
  mediaType: string,
  algorithm?: DigestAlgorithm,
): Promise<Descriptor> {
  await context.prepare();
  const descriptor = { mediaType, digest: digestOf(bytes, algorithm), size: bytes.length };
  await relying(context, descriptor.digest, async () => {
    if (hasBytes(context.dir, descriptor.digest, bytes)) return;
    const file = context.workspace.createFile(BLOB_MODE);
    try {
      await writeAll(file, [bytes]);
      await place(context, file, descriptor.digest);
    } finally {
      file.discard();
    }
  });
  return descriptor;
}

/**
 * Stores what a stream brings, whatever its digest turns out to be. Idempotent.
 *
 * @throws ChartError `BLOB_DIGEST_MISMATCH`, `BLOB_SIZE_MISMATCH`, `DISK_FULL`, `LAYOUT_UNWRITABLE`, `CANCELLED`; and what the
 *   stream fails with
 */
export async function ingestBlob(
  context: LayoutContext,
  content: Readable,
  options: IngestOptions,
): Promise<Descriptor> {
  const { mediaType, expected, signal, onBytes } = options;
  const algorithm = options.algorithm ?? (expected?.digest && digestAlgorithm(expected.digest));
  try {
    await context.prepare();
    const file = context.workspace.createFile(BLOB_MODE);
    try {
      const digester = new Digester(algorithm);
      await receive(content, file, digester, { limit: expected?.size, signal, writeBack: context.writeBack, onBytes });
      const { size } = digester;
      const digest = digester.digest();
      check(expected, digest, size);
      const descriptor = { mediaType, digest, size };
      await relying(context, digest, async () => {
        if (!(await isIntact(context, descriptor, signal))) await place(context, file, digest);
      });
      return descriptor;
    } finally {
      file.discard();
    }
  } finally {
    content.destroy();
  }
}

/**
 * Stores a blob that has to be fetched. Idempotent: `open` is not called for a blob that is here.
 *
 * @throws ChartError as {@link ingestBlob}, and what `open` throws
 */
export async function writeBlob(
  context: LayoutContext,
  descriptor: Descriptor,
  open: () => Promise<Readable>,
  { signal, verify = false }: WriteBlobOptions = {},
): Promise<void> {
  const { mediaType, digest, size } = descriptor;
  await context.prepare();
  throwIfCancelled(signal);
  await relying(context, digest, async () => {
    const isHere = verify ? await isIntact(context, descriptor, signal) : findBlob(context.dir, digest)?.size === size;
    if (isHere) return;
    await ingestBlob(context, await open(), { mediaType, expected: { digest, size }, signal });
    context.workspace.settle([digest]);
  });
}

interface PlacedFile {
  readonly path: string;
  readonly fd: number;
  close(): void;
  release(): void;
  /** For a file that would be used again: what it holds cannot be trusted any more. */
  lose?(): void;
}

/** The system tells once of content that did not reach the disk: the next sync would succeed. */
function lost(file: PlacedFile, error: unknown): never {
  file.lose?.();
  throw error;
}

/** Gives a file in the workspace, or an upload, its final name. */
export async function place({ dir, fsync }: LayoutContext, file: PlacedFile, digest: Digest): Promise<void> {
  const target = blobPath(dir, digest);
  try {
    if (fsync) await syncFile(file.fd).catch((error: unknown) => lost(file, error));
    file.close();
    await moveFile(file.path, target).catch((error: unknown) => {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      makeDirectory(blobsDir(dir, digestAlgorithm(digest)));
      return moveFile(file.path, target);
    });
    file.release();
  } catch (error) {
    throw writeFault(error, target);
  }
}

/** Has the process rely on the blob while `store` is at work, and from then on if that succeeds. */
export async function relying(context: LayoutContext, digest: Digest, store: () => Promise<void>): Promise<void> {
  context.workspace.rely(digest);
  try {
    await store();
  } catch (error) {
    context.workspace.settle([digest]);
    throw error;
  }
}

/** True for a blob that is here and undamaged. */
export async function isIntact({ dir }: LayoutContext, descriptor: Descriptor, signal?: AbortSignal): Promise<boolean> {
  if (findBlob(dir, descriptor.digest)?.size !== descriptor.size) return false;
  try {
    await verifyBlob(dir, descriptor, { signal });
    return true;
  } catch (error) {
    const isDamaged = ['BLOB_NOT_FOUND', 'BLOB_SIZE_MISMATCH', 'BLOB_DIGEST_MISMATCH'] as const;
    if (isDamaged.some((code) => isChartError(error, code))) return false;
    throw error;
  }
}

function check(expected: IngestOptions['expected'], digest: Digest, size: number): void {
  if (expected?.size !== undefined && expected.size !== size) {
    const name = expected.digest ? `blob ${expected.digest}` : 'the content';
    throw new ChartError('BLOB_SIZE_MISMATCH', `${name} has ${size} bytes instead of ${expected.size}`);
  }
  if (expected?.digest !== undefined && expected.digest !== digest) {
    throw new ChartError('BLOB_DIGEST_MISMATCH', `blob ${expected.digest} has other content (${digest})`);
  }
}
