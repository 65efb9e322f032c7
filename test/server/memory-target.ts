/**
 * A `ServableTarget` in memory, so that the server is tested without anything else: blobs are shared by all repositories,
 * as in a layout; tags and manifests belong to one.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { ChartError } from '../../src/errors.js';
import type { Descriptor } from '../../src/oci/descriptor.js';
import { type Digest, digestAlgorithm, digestOf } from '../../src/oci/digest.js';
import { checkBytes, parseManifest, type RawManifest } from '../../src/oci/manifest.js';
import { describeReferrer } from '../../src/oci/referrers.js';
import type { AppendOptions, BlobUpload, Repository, ServableTarget } from '../../src/oci/target.js';

export interface MemoryOptions {
  /** True for a target that lists referrers itself. */
  readonly referrers?: boolean;
}

interface Contents {
  readonly manifests: Map<Digest, RawManifest>;
  readonly tags: Map<string, Digest>;
}

export class MemoryTarget implements ServableTarget {
  readonly blobs = new Map<Digest, Buffer>();
  readonly contents = new Map<string, Contents>();
  readonly uploads = new Map<string, MemoryUpload>();
  readonly #options: MemoryOptions;

  constructor(options: MemoryOptions = {}) {
    this.#options = options;
  }

  repository(name: string): Repository {
    const repository = new MemoryRepository(this, name);
    if (this.#options.referrers) {
      Object.assign(repository, { listReferrers: async (subject: Digest) => repository.findReferrers(subject) });
    }
    return repository;
  }

  async *listRepositories(): AsyncIterable<string> {
    for (const [name, { manifests }] of this.contents) if (manifests.size > 0) yield name;
  }

  async startUpload(): Promise<BlobUpload> {
    const upload = new MemoryUpload(this);
    this.uploads.set(upload.id, upload);
    return upload;
  }

  async findUpload(id: string): Promise<BlobUpload | undefined> {
    return this.uploads.get(id);
  }

  putBlob(content: string | Buffer): Descriptor {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType: 'application/octet-stream', digest, size: bytes.length };
  }
}

class MemoryRepository implements Repository {
  readonly name: string;
  readonly #target: MemoryTarget;

  constructor(target: MemoryTarget, name: string) {
    this.#target = target;
    this.name = name;
  }

  get #contents(): Contents {
    return this.#target.contents.get(this.name) ?? { manifests: new Map(), tags: new Map() };
  }

  async resolve(reference: string): Promise<Descriptor> {
    return this.#find(reference).descriptor;
  }

  async readManifest(reference: string): Promise<RawManifest> {
    return this.#find(reference);
  }

  async statBlob(digest: Digest): Promise<number | undefined> {
    return this.#target.blobs.get(digest)?.length;
  }

  async readBlob({ digest }: Descriptor, range: { start?: number; end?: number } = {}): Promise<Readable> {
    const bytes = this.#target.blobs.get(digest);
    if (!bytes) throw new ChartError('BLOB_NOT_FOUND', `no ${digest}`);
    const part = bytes.subarray(range.start ?? 0, (range.end ?? bytes.length - 1) + 1);
    return Readable.from(pieces(part), { objectMode: false });
  }

  async *listTags(): AsyncIterable<string> {
    yield* this.#contents.tags.keys();
  }

  async writeBlob(descriptor: Descriptor, open: () => Promise<Readable>): Promise<void> {
    if (this.#target.blobs.has(descriptor.digest)) return;
    const bytes = Buffer.concat(await (await open()).toArray());
    checkBytes(bytes, descriptor, 'blob');
    this.#target.blobs.set(descriptor.digest, bytes);
  }

  async writeManifest(manifest: RawManifest, tag?: string): Promise<void> {
    const contents = this.#contents;
    contents.manifests.set(manifest.descriptor.digest, manifest);
    if (tag !== undefined) contents.tags.set(tag, manifest.descriptor.digest);
    this.#target.contents.set(this.name, contents);
  }

  async deleteTag(tag: string): Promise<void> {
    if (!this.#contents.tags.delete(tag)) throw new ChartError('MANIFEST_NOT_FOUND', `no ${tag}`);
  }

  async deleteManifest(digest: Digest): Promise<void> {
    const { manifests, tags } = this.#contents;
    if (!manifests.delete(digest)) throw new ChartError('MANIFEST_NOT_FOUND', `no ${digest}`);
    for (const [tag, named] of tags) if (named === digest) tags.delete(tag);
  }

  async deleteBlob(digest: Digest): Promise<void> {
    if (!this.#target.blobs.delete(digest)) throw new ChartError('BLOB_NOT_FOUND', `no ${digest}`);
  }

  findReferrers(subject: Digest): Descriptor[] {
    return [...this.#contents.manifests.values()].flatMap((raw) => {
      const manifest = parseManifest(raw.bytes, raw.descriptor.mediaType);
      return manifest.subject?.digest === subject ? [describeReferrer(raw, manifest)] : [];
    });
  }

  #find(reference: string): RawManifest {
    const { manifests, tags } = this.#contents;
    const found = manifests.get(tags.get(reference) ?? (reference as Digest));
    if (!found) throw new ChartError('MANIFEST_NOT_FOUND', `no ${reference} in ${this.name}`);
    return found;
  }
}

export class MemoryUpload implements BlobUpload {
  readonly id = randomUUID();
  readonly #target: MemoryTarget;
  readonly #chunks: Buffer[] = [];

  constructor(target: MemoryTarget) {
    this.#target = target;
  }

  get size(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  async append(content: Readable, { signal, isWhole = false }: AppendOptions = {}): Promise<void> {
    const before = this.#chunks.length;
    const stop = () => content.destroy(new ChartError('CANCELLED', 'the append was cancelled'));
    signal?.addEventListener('abort', stop);
    try {
      for await (const chunk of content) this.#chunks.push(chunk);
    } catch (error) {
      if (isWhole) this.#chunks.splice(before);
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  async commit(digest: Digest): Promise<Descriptor> {
    const bytes = Buffer.concat(this.#chunks);
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) {
      throw new ChartError('BLOB_DIGEST_MISMATCH', `the upload is not ${digest}`);
    }
    this.#target.blobs.set(digest, bytes);
    this.#target.uploads.delete(this.id);
    return { mediaType: 'application/octet-stream', digest, size: bytes.length };
  }

  async abort(): Promise<void> {
    this.#target.uploads.delete(this.id);
  }
}

function* pieces(bytes: Buffer): Iterable<Buffer> {
  for (let start = 0; start < bytes.length; start += 65536) yield bytes.subarray(start, start + 65536);
}
