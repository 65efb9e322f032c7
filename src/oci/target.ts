/**
 * What a copy needs of its two ends. The cache, a registry and a bundle file each are a `Target`; one `copy` joins any two,
 * and the embedded registry serves any one.
 */
import type { Readable } from 'node:stream';
import type { Descriptor } from './descriptor.js';
import type { Digest, DigestAlgorithm } from './digest.js';
import type { RawManifest } from './manifest.js';

export interface CallOptions {
  /** Aborting rejects the call with `CANCELLED` and leaves nothing half-written. */
  readonly signal?: AbortSignal | undefined;
}

export interface ReadBlobOptions extends CallOptions {
  /** First byte wanted; 0 if absent. */
  readonly start?: number;
  /** Last byte wanted, inclusive. */
  readonly end?: number;
}

export interface WriteBlobOptions extends CallOptions {
  /**
   * Do not trust the name of a blob that is already here: compare its content too, and replace it if it is damaged.
   * A destination that cannot look (a registry) ignores it.
   */
  readonly verify?: boolean | undefined;
  /** Repositories of the same target that most likely hold the blob: a registry may take it over from one of them. */
  readonly mountFrom?: readonly string[] | undefined;
}

export interface ListReferrersOptions extends CallOptions {
  /** Only those of this type. */
  readonly artifactType?: string | undefined;
}

/** A tag, or a digest. */
export type TagOrDigest = string;

/** One repository, as content to read. */
export interface Source {
  /**
   * The descriptor of the manifest that a tag or digest names.
   * @throws ChartError `MANIFEST_NOT_FOUND`
   */
  resolve(reference: TagOrDigest, options?: CallOptions): Promise<Descriptor>;
  /**
   * The manifest's exact bytes, compared with the digest where `reference` is one.
   * @throws ChartError `MANIFEST_NOT_FOUND`, `BLOB_DIGEST_MISMATCH`, `LIMIT_EXCEEDED`
   */
  readManifest(reference: TagOrDigest, options?: CallOptions): Promise<RawManifest>;
  /**
   * The blob's bytes. Whoever stores or trusts them compares size and digest; a `Source` need not.
   * @throws ChartError `BLOB_NOT_FOUND`
   */
  readBlob(descriptor: Descriptor, options?: ReadBlobOptions): Promise<Readable>;
  /** The size of a blob that is here, or undefined. */
  statBlob(digest: Digest, options?: CallOptions): Promise<number | undefined>;
  /** Tags in no promised order. */
  listTags(options?: CallOptions): AsyncIterable<string>;
  /**
   * The manifests of this repository, tagged or not, whose `subject` is that digest, as `describeReferrer` (referrers.ts)
   * describes them. Empty where there are none, whether the subject is here or not. A source without this method has at
   * most an index under the tag that `referrersTag` names.
   */
  listReferrers?(subject: Digest, options?: ListReferrersOptions): Promise<readonly Descriptor[]>;
}

/** One repository, as a place to write to. */
export interface Destination {
  statBlob(digest: Digest, options?: CallOptions): Promise<number | undefined>;
  /**
   * Stores a blob. Idempotent: resolves once the content is stored, whoever stored it; `open` is then not called.
   * Compares size and digest before anything can see the blob.
   * @param open starts the content from its first byte; may be called again after a fault
   * @throws ChartError `BLOB_DIGEST_MISMATCH`, `BLOB_SIZE_MISMATCH`
   */
  writeBlob(descriptor: Descriptor, open: () => Promise<Readable>, options?: WriteBlobOptions): Promise<void>;
  /**
   * Stores a manifest whose config and layers are already here, and points `tag` at it.
   * Without a tag it can be read by digest only.
   */
  writeManifest(manifest: RawManifest, tag?: string, options?: CallOptions): Promise<void>;
}

/** A blob that is open for reading. */
export interface OpenBlob {
  /** Reads into the buffer, from that byte of the blob on. @returns how many bytes came; 0 only at the end */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** To be called once, with no read under way. */
  close(): void;
}

/** One repository with everything that a server must offer of it. */
export interface Repository extends Source, Destination {
  readonly name: string;
  /** Removes the tag; the manifest stays readable by digest. @throws ChartError `MANIFEST_NOT_FOUND` */
  deleteTag(tag: string, options?: CallOptions): Promise<void>;
  /** Removes the manifest and every tag of this repository that names it. @throws ChartError `MANIFEST_NOT_FOUND` */
  deleteManifest(digest: Digest, options?: CallOptions): Promise<void>;
  /**
   * As `readBlob`, for a target that can read into memory that the caller has.
   * @throws ChartError `BLOB_NOT_FOUND`
   */
  openBlob?(digest: Digest): Promise<OpenBlob>;
  /** @throws ChartError `BLOB_NOT_FOUND` */
  deleteBlob(digest: Digest, options?: CallOptions): Promise<void>;
  /** Of a repository without this method a server keeps the lists itself, under the tag that `referrersTag` names. */
  listReferrers?(subject: Digest, options?: ListReferrersOptions): Promise<readonly Descriptor[]>;
}

/** A place that holds repositories. */
export interface Target {
  /** Never fails and never asks anybody: a repository comes into being with its first manifest. */
  repository(name: string): Repository;
  /** Names in no promised order. */
  listRepositories(options?: CallOptions): AsyncIterable<string>;
  /**
   * The repositories that are called `path` or end in `/path`, for a target that knows without listing all.
   */
  findRepositories?(path: string, options?: CallOptions): Promise<readonly string[]>;
}

/** How a piece is received. */
export interface AppendOptions extends CallOptions {
  /** True: of content that breaks off nothing is kept. */
  readonly isWhole?: boolean | undefined;
}

/** A blob on its way in, piece by piece, as the upload session of a registry needs it. */
export interface BlobUpload {
  readonly id: string;
  /** Bytes received so far. */
  readonly size: number;
  /** Appends; on failure the upload stays usable, and keeps the bytes that arrived, or as `options` say. */
  append(content: Readable, options?: AppendOptions): Promise<void>;
  /** Compares with the digest and makes the blob readable. @throws ChartError `BLOB_DIGEST_MISMATCH` */
  commit(digest: Digest, options?: CallOptions): Promise<Descriptor>;
  /** Drops what has arrived. Idempotent. */
  abort(): Promise<void>;
}

/** A `Target` that can take uploads in pieces, and so can be served. */
export interface ServableTarget extends Target {
  /**
   * True for a blob that manifests lead to, all of them in repositories that are not wanted. For a target whose repositories share
   * their blobs; the answer may be kept for as long as `isWanted` is the same function.
   */
  isOutside?(digest: Digest, isWanted: (repository: string) => boolean): Promise<boolean>;
  /** @param options.algorithm the one that `commit` will be asked for, where that is known; `sha256` is the usual one */
  startUpload(options?: { readonly algorithm?: DigestAlgorithm | undefined }): Promise<BlobUpload>;
  /** An upload under way, by `id`, or undefined. */
  findUpload(id: string): Promise<BlobUpload | undefined>;
  /**
   * Drops uploads that were given up: nobody has added to them for that many milliseconds, and no running process has them
   * open. For a target where uploads outlive the process. @returns how many
   */
  sweepUploads?(idle: number): Promise<number>;
}
