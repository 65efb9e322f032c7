/**
 * What a layout can do beyond looking up and reading: storing, naming, serving, pruning, mending. It is most of this folder, and loaded
 * when something first needs it (layout.ts).
 */
import { throwIfCancelled } from '../errors.js';
import type { Repository } from '../oci/target.js';
import { openBlob } from './blob-stream.js';
import { readSmall, verifyBlob } from './blobs.js';
import { createContext, type LayoutOptions } from './context.js';
import { writeDerived } from './derived-file.js';
import type { IndexFile } from './index-file.js';
import { ingestBlob, putBytes, writeBlob } from './ingest.js';
import type { Layout } from './interface.js';
import { ManifestFacts } from './manifest-facts.js';
import { findRepositories, listRepositories } from './manifests.js';
import { mendBlobFile, mendIndex, mendLayoutFile } from './mend.js';
import { Outside } from './outside.js';
import { applyPrune, planPrune } from './prune.js';
import { openRepository } from './repository.js';
import { surveyLayout } from './survey.js';
import { tagAll, untagAll } from './tags.js';
import { readRelied } from './trash.js';
import { Uploads } from './uploads.js';

/** What layout.ts has itself. */
type Plain =
  | 'dir'
  | 'readIndex'
  | 'readIndexUnless'
  | 'readSmallBlobs'
  | 'statBlobFile'
  | 'findBlobFile'
  | 'blobStamp'
  | 'hashBlob'
  | 'readDerived';

interface Whole extends Required<Omit<Layout, Plain | 'repository'>> {
  repository(name: string): Required<Repository>;
}

/** @param index of the same layout: what is known of it is known to both */
export function openWhole(dir: string, options: LayoutOptions, index: IndexFile): Whole {
  const context = createContext(dir, options, new ManifestFacts(dir), index);
  const uploads = new Uploads(context);
  const outside = new Outside(dir, index);
  return {
    tag: async (name, descriptor, call) => (await tagAll(context, [{ name, descriptor }], call))[0],
    tagAll: (items, call) => tagAll(context, items, call),
    untag: async (name, call) => (await untagAll(context, [name], call))[0],
    untagAll: (names, call) => untagAll(context, names, call),

    async readManifest(descriptor, { signal } = {}) {
      throwIfCancelled(signal);
      return { descriptor, bytes: await readRelied(context, descriptor.digest, () => readSmall(dir, descriptor)) };
    },
    async readSmallBlob(descriptor, { signal } = {}) {
      throwIfCancelled(signal);
      return readRelied(context, descriptor.digest, () => readSmall(dir, descriptor));
    },
    verifyBlob: (descriptor, call) => readRelied(context, descriptor.digest, () => verifyBlob(dir, descriptor, call)),
    readBlob: ({ digest }, call) => readRelied(context, digest, () => openBlob(dir, digest, call)),

    writeBlob: (descriptor, open, call) => writeBlob(context, descriptor, open, call),
    ingestBlob: (content, call) => ingestBlob(context, content, call),
    putBytes: (bytes, mediaType, algorithm) => putBytes(context, bytes, mediaType, algorithm),
    writeDerived: (file, text) => writeDerived(context, file, text),

    planPrune: (call) => planPrune(context, call),
    applyPrune: (plan, call) => applyPrune(context, plan, call),

    survey: () => surveyLayout(context),
    mendIndex: (mends, call) => mendIndex(context, mends, call),
    mendLayoutFile: () => mendLayoutFile(context),
    mendBlobFile: (digest, call) => mendBlobFile(context, digest, call?.signal),

    repository: (name) => openRepository(context, name),
    listRepositories: () => listRepositories(context),
    findRepositories: (path) => findRepositories(context, path),
    isOutside: (digest, isWanted) => outside.has(digest, isWanted),
    startUpload: (call) => uploads.start(call),
    findUpload: (id) => uploads.find(id),
    sweepUploads: (idle) => uploads.sweep(idle),

    close: async () => {
      uploads.close();
      context.workspace.close();
    },
  };
}
