/**
 * One repository of a registry, as a `Repository`.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 *
 *     /v2/PATH/blobs/DIGEST            blobs.ts, blob-stream.ts
 *     /v2/PATH/blobs/uploads/...       uploads.ts, mount.ts, chunked-upload.ts, commit.ts
 *     /v2/PATH/manifests/REFERENCE     manifests.ts
 *     /v2/PATH/tags/list               tags.ts
 *     /v2/PATH/referrers/DIGEST        referrers.ts
 */
import type { Readable } from 'node:stream';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import type { RawManifest } from '../oci/manifest.js';
import type {
  CallOptions,
  ListReferrersOptions,
  ReadBlobOptions,
  Repository,
  TagOrDigest,
  WriteBlobOptions,
} from '../oci/target.js';
import { deleteBlob, readBlob, statBlob } from './blobs.js';
import type { Client } from './client.js';
import { deleteManifest, deleteTag, readManifest, resolveManifest, writeManifest } from './manifests.js';
import { listReferrers, recordReferrer } from './referrers.js';
import type { RepositoryContext } from './repository-context.js';
import { listTags } from './tags.js';
import { writeBlob } from './uploads.js';

export class RegistryRepository implements Repository, RepositoryContext {
  readonly client: Client;
  readonly name: string;

  constructor(client: Client, name: string) {
    this.client = client;
    this.name = name;
  }

  get fullName(): string {
    return `${this.client.host}/${this.name}`;
  }

  resolve(reference: TagOrDigest, options: CallOptions = {}): Promise<Descriptor> {
    return resolveManifest(this, reference, options);
  }

  readManifest(reference: TagOrDigest, options: CallOptions = {}): Promise<RawManifest> {
    return readManifest(this, reference, options);
  }

  readBlob(descriptor: Descriptor, options: ReadBlobOptions = {}): Promise<Readable> {
    return readBlob(this, descriptor, options);
  }

  statBlob(digest: Digest, options: CallOptions = {}): Promise<number | undefined> {
    return statBlob(this, digest, options);
  }

  listTags(options: CallOptions = {}): AsyncIterable<string> {
    return listTags(this, options);
  }

  writeBlob(descriptor: Descriptor, open: () => Promise<Readable>, options: WriteBlobOptions = {}): Promise<void> {
    return writeBlob(this, descriptor, open, options);
  }

  /** A manifest that names a subject is also seen to be listed as its referrer. */
  async writeManifest(manifest: RawManifest, tag?: string, options: CallOptions = {}): Promise<void> {
    const isListed = await writeManifest(this, manifest, tag, options);
    if (!isListed) await recordReferrer(this, manifest, options);
  }

  listReferrers(subject: Digest, options: ListReferrersOptions = {}): Promise<readonly Descriptor[]> {
    return listReferrers(this, subject, options);
  }

  deleteTag(tag: string, options: CallOptions = {}): Promise<void> {
    return deleteTag(this, tag, options);
  }

  deleteManifest(digest: Digest, options: CallOptions = {}): Promise<void> {
    return deleteManifest(this, digest, options);
  }

  deleteBlob(digest: Digest, options: CallOptions = {}): Promise<void> {
    return deleteBlob(this, digest, options);
  }
}
