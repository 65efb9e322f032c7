/** What a cache can do. */
import type { Readable } from 'node:stream';
import type { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest, DigestAlgorithm } from '../oci/digest.js';
import type { RawManifest } from '../oci/manifest.js';
import type { CallOptions, ReadBlobOptions, ServableTarget, WriteBlobOptions } from '../oci/target.js';
import type { BlobFile, HashOptions } from './blobs.js';
import type { DerivedFile } from './derived-file.js';
import type { IndexEntry } from './index-json.js';
import type { IngestOptions } from './ingest.js';
import type { EntryMend } from './mend.js';
import type { PruneOptions, PrunePlan, PruneResult } from './prune.js';
import type { Survey } from './survey.js';
import type { NamedDescriptor } from './tags.js';

/** A cache on disk; open one with {@link openLayout}. */
export interface Layout extends ServableTarget {
  /** Absolute path. */
  readonly dir: string;

  /**
   * Every entry of index.json, in its order. A broken one has a `fault` and does not hide the others.
   * @throws ChartError `LAYOUT_INVALID`, `LAYOUT_UNREADABLE`: only if index.json or oci-layout as a whole is of no use
   */
  readIndex(options?: CallOptions): Promise<IndexEntry[]>;
  /**
   * The same, and what tells this index.json from all later ones, where that can be told; undefined if that is `known`, for what was made
   * of it holds then.
   * @throws ChartError as `readIndex`
   */
  readIndexUnless(
    known: string | undefined,
  ): Promise<{ entries: IndexEntry[]; version: string | undefined } | undefined>;
  /** @returns what the name stood for before */
  tag(name: string, descriptor: Descriptor, options?: CallOptions): Promise<IndexEntry | undefined>;
  /**
   * Names manifests that are here with all their blobs, in one write. All are named or none, but for those with `ifFree`. See tags.ts.
   * @returns for each what the name stood for before; where that is something else and `ifFree` was given, it still does
   */
  tagAll(items: readonly NamedDescriptor[], options?: CallOptions): Promise<(IndexEntry | undefined)[]>;
  /** @returns the entry that had the name, if any had */
  untag(name: string, options?: CallOptions): Promise<IndexEntry | undefined>;
  /** Removes names in one write. Blobs stay until `applyPrune`. */
  untagAll(names: readonly string[], options?: CallOptions): Promise<(IndexEntry | undefined)[]>;

  /** @throws ChartError `BLOB_NOT_FOUND`, `BLOB_SIZE_MISMATCH`, `BLOB_DIGEST_MISMATCH`, `LIMIT_EXCEEDED` */
  readManifest(descriptor: Descriptor, options?: CallOptions): Promise<RawManifest>;
  /** A small blob, compared with its descriptor. @throws ChartError as `readManifest` */
  readSmallBlob(descriptor: Descriptor, options?: CallOptions): Promise<Uint8Array>;
  /**
   * As `readSmallBlob`, for thousands: some 5 µs each, on this thread. What cannot be read is an error in its place.
   */
  readSmallBlobs(descriptors: readonly Descriptor[]): (Uint8Array | ChartError)[];
  /** Size and age of the file, without reading it. @throws ChartError `BLOB_NOT_FOUND`, `LAYOUT_UNREADABLE` */
  statBlobFile(digest: Digest): BlobFile;
  /** The same; undefined for a blob that is not here. @throws ChartError `LAYOUT_UNREADABLE` */
  findBlobFile(digest: Digest): BlobFile | undefined;
  /** The same for as long as the file is unchanged; undefined where that cannot be told. See blobs.ts. */
  blobStamp(digest: Digest): string | undefined;
  /** Compares a blob of any size with its descriptor. @throws ChartError as `readManifest`, but for the limit; `CANCELLED` */
  verifyBlob(descriptor: Descriptor, options?: CallOptions): Promise<void>;
  /** What a blob of any size really is. @throws ChartError `BLOB_NOT_FOUND`, `LAYOUT_UNREADABLE`, `CANCELLED` */
  hashBlob(digest: Digest, options?: HashOptions): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** @throws ChartError `BLOB_NOT_FOUND`, `LAYOUT_UNREADABLE` */
  readBlob(descriptor: Descriptor, options?: ReadBlobOptions): Promise<Readable>;

  /** Stores a blob that has to be fetched, unless it is here. See ingest.ts. */
  writeBlob(descriptor: Descriptor, open: () => Promise<Readable>, options?: WriteBlobOptions): Promise<void>;
  /** Stores what a stream brings. Idempotent; replaces a damaged blob. See ingest.ts. */
  ingestBlob(content: Readable, options: IngestOptions): Promise<Descriptor>;
  /** Stores bytes at hand. Idempotent; replaces a damaged blob. */
  putBytes(bytes: Uint8Array, mediaType: string, algorithm?: DigestAlgorithm): Promise<Descriptor>;

  /** What was worked out before, where it is to be had. See derived-file.ts. */
  readDerived(file: DerivedFile): string | undefined;
  /** Keeps what was worked out, where that is possible; never fails for the state of the cache. */
  writeDerived(file: DerivedFile, text: string): Promise<void>;

  /** What `applyPrune` would delete. See prune.ts. */
  planPrune(options?: PruneOptions): Promise<PrunePlan>;
  applyPrune(plan: PrunePlan, options?: CallOptions): Promise<PruneResult>;

  /** What lies in the directory, in its place or not; no content of blobs is read. See survey.ts. */
  survey(): Promise<Survey>;
  /** Changes entries that were surveyed, and puts index.json into its form. @returns for each whether it was made */
  mendIndex(mends: readonly EntryMend[], options?: CallOptions): Promise<boolean[]>;
  /** Writes oci-layout where it is missing or makes no sense. */
  mendLayoutFile(): Promise<void>;
  /** Makes the file of a blob one that can be read, where it only takes that. @returns true if the blob is there then */
  mendBlobFile(digest: Digest, options?: CallOptions): Promise<boolean>;

  /**
   * Gives up what was stored and not named, and the files that go with it. What is not closed is swept by a later prune.
   * To be called when nothing is under way; the layout can be used again.
   */
  close(): Promise<void>;
}
