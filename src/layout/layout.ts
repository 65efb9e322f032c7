/**
 * The cache on disk, see paths.ts. Any number of processes may use one at a time: blobs come in whole or not at all (ingest.ts),
 * index.json changes under a lock (index-update.ts), reading needs none.
 *
 * A directory that does not exist is an empty cache; only writing makes it.
 */
import { resolve } from 'node:path';
import type { ChartError } from '../errors.js';
import { isChartError, throwIfCancelled } from '../errors.js';
import { blobStamp, findBlob, hashBlob, readSmall, statBlobFile } from './blobs.js';
import type { LayoutOptions } from './context.js';
import { readDerived } from './derived-file.js';
import { IndexFile } from './index-file.js';
import type { Layout } from './interface.js';
import { lateRepository } from './late-repository.js';
import type { openWhole } from './whole.js';

export type { BlobFile, HashOptions } from './blobs.js';
export type { LayoutOptions } from './context.js';
export type { DerivedFile } from './derived-file.js';
export type { IndexEntry } from './index-json.js';
export type { IngestOptions } from './ingest.js';
export type { Layout } from './interface.js';
export type { WaitingUpload } from './leases.js';
export type { LockWait } from './lock.js';
export type { EntryMend } from './mend.js';
export type { ChooseNames, ObsoleteName, PruneOptions, PrunePlan, PruneResult } from './prune.js';
export type { Survey, SurveyedEntry, SurveyedFile } from './survey.js';
export type { NamedDescriptor } from './tags.js';

/**
 * Opens a cache. Nothing is read or made yet.
 *
 * @example
 * ```ts
 * import { openLayout } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * for await (const name of layout.listRepositories()) console.log(name);
 * await layout.close();
 * ```
 */
export function openLayout(directory: string, options: LayoutOptions = {}): Layout {
  const dir = resolve(directory);
  const index = new IndexFile(dir);
  let opened: Promise<ReturnType<typeof openWhole>> | undefined;
  const whole = (): Promise<ReturnType<typeof openWhole>> => {
    opened ??= import('./whole.js').then((module) => module.openWhole(dir, options, index));
    return opened;
  };
  return {
    dir,
    async readIndex({ signal } = {}) {
      throwIfCancelled(signal);
      return (await index.read()).entries();
    },
    async readIndexUnless(known) {
      const found = await index.readUnless(known);
      return found && { entries: found.snapshot.entries(), version: found.version };
    },
    tag: async (name, descriptor, call) => (await whole()).tag(name, descriptor, call),
    tagAll: async (items, call) => (await whole()).tagAll(items, call),
    untag: async (name, call) => (await whole()).untag(name, call),
    untagAll: async (names, call) => (await whole()).untagAll(names, call),

    // Who has stored nothing yet relies on nothing that prune could have taken for a moment, see trash.ts.
    async readManifest(descriptor, call) {
      if (opened) return (await opened).readManifest(descriptor, call);
      throwIfCancelled(call?.signal);
      return { descriptor, bytes: readSmall(dir, descriptor) };
    },
    async readSmallBlob(descriptor, call) {
      if (opened) return (await opened).readSmallBlob(descriptor, call);
      throwIfCancelled(call?.signal);
      return readSmall(dir, descriptor);
    },
    readSmallBlobs: (descriptors) => descriptors.map((descriptor) => orError(() => readSmall(dir, descriptor))),
    statBlobFile: (digest) => statBlobFile(dir, digest),
    findBlobFile: (digest) => findBlob(dir, digest),
    blobStamp: (digest) => blobStamp(dir, digest),
    verifyBlob: async (descriptor, call) => (await whole()).verifyBlob(descriptor, call),
    hashBlob: (digest, call) => hashBlob(dir, digest, call),
    readBlob: async (descriptor, call) => (await whole()).readBlob(descriptor, call),

    writeBlob: async (descriptor, open, call) => (await whole()).writeBlob(descriptor, open, call),
    ingestBlob: async (content, call) => (await whole()).ingestBlob(content, call),
    putBytes: async (bytes, mediaType, algorithm) => (await whole()).putBytes(bytes, mediaType, algorithm),

    readDerived: (file) => readDerived(dir, file),
    writeDerived: async (file, text) => (await whole()).writeDerived(file, text),

    planPrune: async (call) => (await whole()).planPrune(call),
    applyPrune: async (plan, call) => (await whole()).applyPrune(plan, call),

    survey: async () => (await whole()).survey(),
    mendIndex: async (mends, call) => (await whole()).mendIndex(mends, call),
    mendLayoutFile: async () => (await whole()).mendLayoutFile(),
    mendBlobFile: async (digest, call) => (await whole()).mendBlobFile(digest, call),

    repository: (name) => lateRepository(name, async () => (await whole()).repository(name)),
    async *listRepositories(call) {
      yield* (await whole()).listRepositories(call);
    },
    findRepositories: async (path, call) => (await whole()).findRepositories(path, call),
    isOutside: async (digest, isWanted) => (await whole()).isOutside(digest, isWanted),
    startUpload: async (call) => (await whole()).startUpload(call),
    findUpload: async (id) => (await whole()).findUpload(id),
    sweepUploads: async (idle) => (await whole()).sweepUploads(idle),

    close: async () => (await opened)?.close(),
  };
}

function orError<T>(read: () => T): T | ChartError {
  try {
    return read();
  } catch (error) {
    if (isChartError(error)) return error;
    throw error;
  }
}
