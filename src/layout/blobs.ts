/**
 * Reading blobs. Their names are their hashes, but a disk may lie: who trusts the content compares it.
 *
 *     blobs/sha256/0d3ab1...
 */
import { closeSync, fstatSync, read, readSync, type Stats, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { ChartError, systemErrorCode, throwIfCancelled } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, Digester, digestAlgorithm } from '../oci/digest.js';
import { checkBytes, MANIFEST_LIMIT } from '../oci/manifest.js';
import type { CallOptions } from '../oci/target.js';
import { readFault } from './faults.js';
import { openFile } from './open-file.js';
import { blobPath } from './paths.js';

export interface BlobFile {
  /** Bytes, as they are on the disk. */
  readonly size: number;
  /** When the content came into the cache. */
  readonly created: Date;
}

/** @returns undefined for a blob that is not here */
export function findBlob(dir: string, digest: Digest): BlobFile | undefined {
  const path = blobPath(dir, digest);
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw readFault(error, path);
  }
  return stats?.isFile() ? { size: stats.size, created: stats.mtime } : undefined;
}

/** Milliseconds in which a file system may give two changes the same time. */
const TICK = 20;

/**
 * What tells that a file is still the one that was read, without reading it: whoever changes it, its time of change goes with
 * it. Undefined where there is none, or where it has just changed and may change again within one tick of the clock.
 */
export function blobStamp(dir: string, digest: Digest): string | undefined {
  const path = blobPath(dir, digest);
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats?.isFile() || Date.now() - stats.ctimeMs < TICK) return undefined;
    return `${stats.ino} ${stats.size} ${stats.ctimeMs}`;
  } catch (error) {
    throw readFault(error, path);
  }
}

/** As {@link findBlob}. @throws ChartError `BLOB_NOT_FOUND` */
export function statBlobFile(dir: string, digest: Digest): BlobFile {
  const found = findBlob(dir, digest);
  if (found === undefined) throw notFound(blobPath(dir, digest), digest);
  return found;
}

/**
 * Reads a small blob (a manifest, a config) whole and compares it with its descriptor.
 *
 * @param options.verify false: only the size is compared
 * @throws ChartError `BLOB_NOT_FOUND`, `BLOB_SIZE_MISMATCH`, `BLOB_DIGEST_MISMATCH`, `LIMIT_EXCEEDED`, `LAYOUT_UNREADABLE`
 */
export function readSmall(dir: string, { digest, size }: Descriptor, { verify = true } = {}): Buffer {
  const path = blobPath(dir, digest);
  if (size > MANIFEST_LIMIT) {
    throw new ChartError(
      'LIMIT_EXCEEDED',
      `blob ${digest} has ${size} bytes; at most ${MANIFEST_LIMIT} are read whole`,
    );
  }
  const fd = openBlobFile(path, digest);
  const buffer = Buffer.allocUnsafe(size + 1);
  let found = 0;
  try {
    found = size === 0 ? fstatSync(fd).size : readFully(fd, buffer, size);
    if (found > size) found = fstatSync(fd).size;
  } catch (error) {
    throw readFault(error, path);
  } finally {
    closeSync(fd);
  }
  if (found !== size) {
    throw new ChartError('BLOB_SIZE_MISMATCH', `blob ${digest} has ${found} bytes instead of ${size}`, { hint: MEND });
  }
  const bytes = buffer.subarray(0, size);
  if (verify) checkBytes(bytes, { digest, size }, 'blob');
  return bytes;
}

/**
 * Compares a blob of any size with its descriptor.
 *
 * @throws ChartError as {@link readSmall}, and `CANCELLED`
 */
export async function verifyBlob(
  dir: string,
  { digest, size }: Descriptor,
  { signal }: CallOptions = {},
): Promise<void> {
  const path = blobPath(dir, digest);
  const fd = openBlobFile(path, digest);
  const digester = new Digester(digestAlgorithm(digest));
  try {
    const found = fstatSync(fd).size;
    if (found !== size) {
      throw new ChartError('BLOB_SIZE_MISMATCH', `blob ${digest} has ${found} bytes instead of ${size}`, {
        hint: MEND,
      });
    }
    await hashFile(fd, digester, signal);
  } catch (error) {
    throw readFault(error, path);
  } finally {
    closeSync(fd);
  }
  const found = digester.digest();
  if (found !== digest) {
    throw new ChartError('BLOB_DIGEST_MISMATCH', `blob ${digest} has other content (${found})`, { hint: MEND });
  }
}

export interface HashOptions extends CallOptions {
  /** Called with the number of bytes, piece by piece. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * What a blob of any size really is.
 *
 * @throws ChartError `BLOB_NOT_FOUND`, `LAYOUT_UNREADABLE`, `CANCELLED`
 */
export async function hashBlob(
  dir: string,
  digest: Digest,
  { signal, onBytes }: HashOptions = {},
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const path = blobPath(dir, digest);
  const fd = openBlobFile(path, digest);
  const digester = new Digester(digestAlgorithm(digest));
  try {
    const { size } = fstatSync(fd);
    if (size <= SMALL) {
      const buffer = Buffer.allocUnsafe(size);
      const length = readFully(fd, buffer, size);
      digester.update(buffer.subarray(0, length));
      onBytes?.(length);
    } else {
      await hashFile(fd, digester, signal, onBytes);
    }
  } catch (error) {
    throw readFault(error, path);
  } finally {
    closeSync(fd);
  }
  return { size: digester.size, digest: digester.digest() };
}

const MEND = 'Save or pull the chart again: that replaces the damaged file.';

const readAsync = promisify(read);
const CHUNK = 256 * 1024;
/** Bytes up to which content is read at once, on the main thread: that takes less time than handing it to another. */
const SMALL = 64 * 1024;

/** Feeds a file to a digester from its first byte, reading the next piece while one is hashed. */
export async function hashFile(
  fd: number,
  digester: Digester,
  signal?: AbortSignal,
  onBytes?: (bytes: number) => void,
): Promise<void> {
  const buffers = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)] as const;
  let position = 0;
  let turn: 0 | 1 = 0;
  let next = readAsync(fd, buffers[turn], 0, CHUNK, position);
  try {
    for (;;) {
      const { bytesRead, buffer } = await next;
      if (bytesRead === 0) return;
      throwIfCancelled(signal);
      position += bytesRead;
      turn = turn === 0 ? 1 : 0;
      next = readAsync(fd, buffers[turn], 0, CHUNK, position);
      digester.update(buffer.subarray(0, bytesRead));
      onBytes?.(bytesRead);
    }
  } finally {
    // The file must not be closed under a read.
    await next.catch(() => undefined);
  }
}

/** True if the blob is here with exactly these bytes. */
export function hasBytes(dir: string, digest: Digest, bytes: Uint8Array): boolean {
  const file = findBlob(dir, digest);
  if (file?.size !== bytes.length) return false;
  const path = blobPath(dir, digest);
  const fd = openBlobFile(path, digest);
  try {
    const buffer = Buffer.allocUnsafe(bytes.length);
    return readFully(fd, buffer, bytes.length) === bytes.length && buffer.equals(bytes);
  } catch (error) {
    throw readFault(error, path);
  } finally {
    closeSync(fd);
  }
}

/** @throws ChartError `BLOB_NOT_FOUND`, `LAYOUT_UNREADABLE` */
export function openBlobFile(path: string, digest: Digest): number {
  try {
    return openFile(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw readFault(error, path);
    throw notFound(path, digest, error);
  }
}

/** In Helm 3.6.3's words. */
function notFound(path: string, digest: Digest, cause?: unknown): ChartError {
  return new ChartError('BLOB_NOT_FOUND', `blob ${digest} expected at ${path}: not found`, {
    hint: 'Save or pull the chart again: that puts it back.',
    cause,
  });
}

/**
 * Reads from the beginning of a file, until `wanted` bytes have come. The last read asks for as much as fits into the buffer, so
 * one byte more than wanted tells a file that is too long, with no call of its own.
 */
function readFully(fd: number, buffer: Buffer, wanted: number): number {
  let position = 0;
  while (position < wanted) {
    const found = readSync(fd, buffer, position, buffer.length - position, position);
    if (found === 0) break;
    position += found;
  }
  return position;
}
