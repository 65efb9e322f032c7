/** A repository that is opened with the first thing that is asked of it. */
import type { Repository } from '../oci/target.js';

export function lateRepository(name: string, open: () => Promise<Required<Repository>>): Required<Repository> {
  let opened: Promise<Required<Repository>> | undefined;
  const own = (): Promise<Required<Repository>> => {
    opened ??= open();
    return opened;
  };
  return {
    name,
    resolve: async (reference, options) => (await own()).resolve(reference, options),
    readManifest: async (reference, options) => (await own()).readManifest(reference, options),
    readBlob: async (descriptor, options) => (await own()).readBlob(descriptor, options),
    openBlob: async (digest) => (await own()).openBlob(digest),
    statBlob: async (digest, options) => (await own()).statBlob(digest, options),
    async *listTags(options) {
      yield* (await own()).listTags(options);
    },
    writeBlob: async (descriptor, open, options) => (await own()).writeBlob(descriptor, open, options),
    writeManifest: async (manifest, tag, options) => (await own()).writeManifest(manifest, tag, options),
    deleteTag: async (tag, options) => (await own()).deleteTag(tag, options),
    deleteManifest: async (digest, options) => (await own()).deleteManifest(digest, options),
    deleteBlob: async (digest, options) => (await own()).deleteBlob(digest, options),
    listReferrers: async (subject, options) => (await own()).listReferrers(subject, options),
  };
}
