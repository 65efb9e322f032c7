/**
 * A target of which only some repositories are served. In the cache a blob belongs to no repository: what one has, all have. So
 * what only others lead to has to be hidden, or else whoever knows a digest could read it, mount it, or name it in a manifest.
 *
 * GHSA-55r9-5mx9-qq7r
 */
import { ChartError } from '../errors.js';
import type { Digest } from '../oci/digest.js';
import type { BlobUpload, Repository, ServableTarget } from '../oci/target.js';

/** Blobs that clients have sent and that are remembered as theirs; those sent first are forgotten, and would be sent again. */
const REMEMBERED = 10_000;

/** @param isServed the same function for the life of the target */
export function scopeTarget(target: ServableTarget, isServed: (repository: string) => boolean): ServableTarget {
  const { isOutside } = target;
  if (isOutside === undefined) return target;
  /** What a client has sent itself it has, whoever else does. */
  const sent = new Set<Digest>();
  const remember = (digest: Digest): void => {
    sent.add(digest);
    const [first] = sent;
    if (sent.size > REMEMBERED && first !== undefined) sent.delete(first);
  };
  const isHidden = async (digest: Digest): Promise<boolean> =>
    !sent.has(digest) && (await isOutside.call(target, digest, isServed));
  const scoped = (upload: BlobUpload): BlobUpload => ({
    id: upload.id,
    get size() {
      return upload.size;
    },
    append: (content, options) => upload.append(content, options),
    abort: () => upload.abort(),
    async commit(digest, options) {
      const descriptor = await upload.commit(digest, options);
      remember(digest);
      return descriptor;
    },
  });
  return {
    ...target,
    repository: (name) => scopeRepository(target.repository(name), isHidden),
    startUpload: async (options) => scoped(await target.startUpload(options)),
    async findUpload(id) {
      const upload = await target.findUpload(id);
      return upload && scoped(upload);
    },
  };
}

function scopeRepository(repository: Repository, isHidden: (digest: Digest) => Promise<boolean>): Repository {
  const { openBlob } = repository;
  return {
    ...repository,
    ...(openBlob && {
      async openBlob(digest) {
        if (await isHidden(digest)) throw notServed(digest);
        return openBlob.call(repository, digest);
      },
    }),
    async statBlob(digest, options) {
      const size = await repository.statBlob(digest, options);
      return size === undefined || (await isHidden(digest)) ? undefined : size;
    },
    async readBlob(descriptor, options) {
      if (await isHidden(descriptor.digest)) throw notServed(descriptor.digest);
      return repository.readBlob(descriptor, options);
    },
    async deleteBlob(digest, options) {
      if (await isHidden(digest)) throw notServed(digest);
      return repository.deleteBlob(digest, options);
    },
  };
}

function notServed(digest: Digest): ChartError {
  return new ChartError('BLOB_NOT_FOUND', `blob ${digest} is not in what is served`);
}
