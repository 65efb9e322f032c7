/**
 * Deleting blobs while other processes may be about to name them.
 *
 * A blob is first moved out of `blobs/`, then the leases are read, and what somebody relies on is put back. Who writes first
 * notes the lease and then looks for the blob. So either the lease is seen here, or the blob is found missing there and is
 * written anew. If this process is killed in between, the blob is put back by whoever needs it (trash.ts).
 */
import { mkdirSync, unlinkSync } from 'node:fs';
import { isChartError } from '../errors.js';
import { type Digest, digestHex } from '../oci/digest.js';
import { findBlob } from './blobs.js';
import type { LayoutContext } from './context.js';
import { writeFault, writing } from './faults.js';
import type { IndexSession } from './index-update.js';
import { readIngest } from './leases.js';
import { blobPath } from './paths.js';
import { putBack, TRASH, throwAway } from './trash.js';

export interface DiscardedBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Blobs out of the way at a time: as many as can be put back in a moment. */
const BATCH = 200;

/**
 * Deletes blobs that no entry reaches. To be called under the lock of index.json.
 *
 * @returns what was deleted: not what is not there, or what a running process relies on
 * @throws ChartError `LAYOUT_UNWRITABLE`; LockLost
 */
export async function discardBlobs(
  context: LayoutContext,
  digests: readonly Digest[],
  session: Pick<IndexSession, 'assertHeld'>,
): Promise<DiscardedBlob[]> {
  const discarded: DiscardedBlob[] = [];
  for (let from = 0; from < digests.length; from += BATCH) {
    discarded.push(...discardBatch(context, digests.slice(from, from + BATCH), session));
    // Lets the lock be touched.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return discarded;
}

function discardBatch(
  context: LayoutContext,
  digests: readonly Digest[],
  { assertHeld }: Pick<IndexSession, 'assertHeld'>,
): DiscardedBlob[] {
  const { dir, workspace } = context;
  assertHeld();
  const trash = openTrash(context);
  if (trash === undefined) return discardAtOnce(context, digests);
  const moved = new Map<Digest, DiscardedBlob>();
  const discarded: DiscardedBlob[] = [];
  try {
    const { leased: before } = readIngest(dir, workspace.host);
    for (const digest of digests) {
      const size = before.has(digest) ? undefined : findBlob(dir, digest)?.size;
      if (size !== undefined && throwAway(dir, digest, trash.path)) moved.set(digest, { digest, size });
    }
    const { leased } = readIngest(dir, workspace.host);
    assertHeld();
    for (const [digest, blob] of moved) {
      if (leased.has(digest)) continue;
      unlinkSync(`${trash.path}/${digestHex(digest)}`);
      moved.delete(digest);
      discarded.push(blob);
    }
    return discarded;
  } catch (error) {
    throw writeFault(error, trash.path);
  } finally {
    for (const digest of moved.keys()) putBack(dir, digest, trash.path);
    trash.remove();
  }
}

/** @returns undefined on a full disk */
function openTrash({ workspace }: LayoutContext) {
  try {
    const trash = workspace.reserve(TRASH);
    writing(trash.path, () => mkdirSync(trash.path, { mode: 0o755 }));
    return trash;
  } catch (error) {
    if (isChartError(error, 'DISK_FULL')) return undefined;
    throw error;
  }
}

/** Where nothing can be written, nobody else can note a lease either: a look at those that are there is enough. */
function discardAtOnce({ dir, workspace }: LayoutContext, digests: readonly Digest[]): DiscardedBlob[] {
  const { leased } = readIngest(dir, workspace.host);
  return digests.flatMap((digest) => {
    const size = leased.has(digest) ? undefined : findBlob(dir, digest)?.size;
    if (size === undefined) return [];
    writing(blobPath(dir, digest), () => unlinkSync(blobPath(dir, digest)));
    return [{ digest, size }];
  });
}
