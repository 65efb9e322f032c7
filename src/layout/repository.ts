/**
 * One repository of the cache. Blobs belong to none: what one repository has, all have. A manifest belongs to those that have an
 * entry for it.
 */
import { ChartError, isChartError, throwIfCancelled } from '../errors.js';
import type { Digest } from '../oci/digest.js';
import type { CallOptions, Repository } from '../oci/target.js';
import { openBlob, openBlobHandle } from './blob-stream.js';
import { findBlob } from './blobs.js';
import type { LayoutContext } from './context.js';
import { discardBlobs } from './discard.js';
import { writeBlob } from './ingest.js';
import {
  deleteManifest,
  deleteTag,
  listReferrers,
  listTags,
  readManifest,
  resolveManifest,
  writeManifest,
} from './manifests.js';
import { reachableFrom } from './reachable.js';
import { readRelied } from './trash.js';

/** @param name `HOST/PATH`, or `PATH` for what has no registry */
export function openRepository(context: LayoutContext, name: string): Required<Repository> {
  return {
    name,
    async resolve(reference, options) {
      throwIfCancelled(options?.signal);
      return resolveManifest(context, name, reference);
    },
    async readManifest(reference, options) {
      throwIfCancelled(options?.signal);
      return readManifest(context, name, reference);
    },
    readBlob: ({ digest }, options) => readRelied(context, digest, () => openBlob(context.dir, digest, options)),
    openBlob: (digest) => readRelied(context, digest, () => openBlobHandle(context.dir, digest)),
    async statBlob(digest) {
      return statBlob(context, digest);
    },
    listTags: () => listTags(context, name),
    writeBlob: (descriptor, open, options) => writeBlob(context, descriptor, open, options),
    writeManifest: (manifest, tag, options) => writeManifest(context, name, manifest, tag, options),
    deleteTag: (tag, options) => deleteTag(context, name, tag, options),
    deleteManifest: (digest, options) => deleteManifest(context, name, digest, options),
    deleteBlob: (digest, options) => deleteBlob(context, digest, options),
    listReferrers: (subject) => listReferrers(context, name, subject),
  };
}

/** Who asks may go on to name the blob without sending it, so it is kept from prune for a while; not where nothing can be written. */
async function statBlob(context: LayoutContext, digest: Digest): Promise<number | undefined> {
  if (!context.readOnly && findBlob(context.dir, digest) !== undefined) {
    try {
      await context.prepare();
      context.workspace.notice(digest);
    } catch (error) {
      if (!isChartError(error, 'LAYOUT_UNWRITABLE')) throw error;
    }
  }
  return findBlob(context.dir, digest)?.size;
}

/** @throws ChartError `BLOB_NOT_FOUND`; `BLOB_IN_USE` for what an entry reaches, or another process relies on */
async function deleteBlob(context: LayoutContext, digest: Digest, { signal }: CallOptions = {}): Promise<void> {
  const { dir, updates, workspace } = context;
  await updates.exclusive(
    async (session) => {
      if (findBlob(dir, digest) === undefined) {
        throw new ChartError('BLOB_NOT_FOUND', `blob ${digest} is not in the cache`);
      }
      const entries = session.snapshot.entries();
      const needed = reachableFrom(
        dir,
        entries.flatMap(({ descriptor }) => descriptor ?? []),
      );
      if (needed.has(digest)) throw inUse(digest, 'a manifest in the cache refers to it');
      workspace.forget(digest);
      const discarded = await discardBlobs(context, [digest], session);
      if (discarded.length === 0) throw inUse(digest, 'another process is about to refer to it');
    },
    () => signal?.aborted ?? false,
  );
}

function inUse(digest: Digest, reason: string): ChartError {
  return new ChartError('BLOB_IN_USE', `blob ${digest} was not deleted: ${reason}`, {
    hint: 'Delete the manifest first.',
  });
}
