/**
 * One copy between any two ends: cache, registry, bundle.
 *
 *     index          copied after every manifest that it lists
 *       manifest     copied after its config and layers
 *         blobs      several at a time; what the destination has is not read at all
 *
 * Content is asked for by digest from the source alone: `urls` in descriptors are no part of a `Descriptor`.
 */
import { setMaxListeners } from 'node:events';
import { pipeline, type Readable, Transform } from 'node:stream';
import { ChartError, cancelled, throwIfCancelled } from './errors.js';
import type { Descriptor } from './oci/descriptor.js';
import { type Digest, isDigest } from './oci/digest.js';
import { checkBytes, parseManifest, type RawManifest, successors } from './oci/manifest.js';
import { MANIFEST_TYPES } from './oci/media-types.js';
import { BytesReadable } from './oci/small-content.js';
import type { CallOptions, Destination, Source, TagOrDigest } from './oci/target.js';
import { onAbort } from './on-abort.js';

/** How far a copy is; reported while it runs. */
export type CopyEvent =
  /** `bytes` of the blob have arrived so far; it starts again from 0 when a transfer is repeated. */
  | { readonly kind: 'blob'; readonly descriptor: Descriptor; readonly bytes: number }
  /** The blob is at the destination; `skipped` if it had it before. */
  | { readonly kind: 'blob-done'; readonly descriptor: Descriptor; readonly skipped: boolean }
  | { readonly kind: 'manifest-done'; readonly descriptor: Descriptor; readonly tag: string | undefined };

/** How a copy is made. */
export interface CopyOptions extends CallOptions {
  /** Blobs of one manifest on their way at the same time; 4 if absent. */
  readonly concurrency?: number;
  /** Have the destination look into blobs that it has already; see `WriteBlobOptions`. */
  readonly verify?: boolean;
  /** Repositories at the destination that most likely hold the same content; see `WriteBlobOptions`. */
  readonly mountFrom?: readonly string[] | undefined;
  readonly onEvent?: (event: CopyEvent) => void;
}

export interface CopyCounts {
  /** Bytes of blobs that the destination did not have. Manifests are not counted. */
  readonly copiedBytes: number;
  readonly copiedBlobs: number;
  /** Blobs that the destination had. */
  readonly skippedBlobs: number;
}

export type CopiedArtifact = RawManifest & CopyCounts;

/** Manifests in one artifact, and how deep indexes may lie in each other: far above any chart, far below trouble. */
const MANIFESTS_LIMIT = 1_000;
const DEPTH_LIMIT = 4;
const CONCURRENCY = 4;

/** What content is copied from. */
export type ContentSource = Pick<Source, 'readManifest' | 'readBlob'>;

interface Run {
  readonly source: ContentSource;
  readonly destination: Destination;
  readonly options: CopyOptions;
  /** Content that is being copied or has been: an index may list the same more than once. */
  readonly seen: Map<Digest, Promise<void>>;
  copiedBytes: number;
  copiedBlobs: number;
  skippedBlobs: number;
  manifests: number;
}

/**
 * Copies the artifact that `reference` names, content first and manifest last, so that the destination never names what it
 * does not hold.
 *
 * @param options.tag the name at the destination; without it the artifact can be read there by digest only
 * @throws ChartError what either end throws; `BLOB_SIZE_MISMATCH`, `BLOB_DIGEST_MISMATCH`, `MANIFEST_INVALID`, `LIMIT_EXCEEDED`
 *
 * @example
 * ```ts
 * import { copy, openLayout, openRegistry } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const registry = openRegistry('127.0.0.1:5000');
 * const cached = layout.repository('127.0.0.1:5000/team/app');
 * const { copiedBlobs } = await copy(registry.repository('team/app'), cached, '1.0.0', { tag: '1.0.0' });
 * console.log(copiedBlobs); // 2
 * await registry.close();
 * await layout.close();
 * ```
 *
 * @example
 * Broken off at the first bytes: there is no name, and nothing under a digest that is not whole.
 * ```ts
 * import { copy, isChartError, openLayout, openRegistry } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const registry = openRegistry('127.0.0.1:5000');
 * const cached = layout.repository('127.0.0.1:5000/team/app');
 * const stop = new AbortController();
 * try {
 *   await copy(registry.repository('team/app'), cached, '1.0.0', {
 *     tag: '1.0.0',
 *     signal: stop.signal,
 *     onEvent: () => stop.abort(),
 *   });
 * } catch (error) {
 *   console.log(isChartError(error, 'CANCELLED')); // true
 * }
 * console.log((await layout.readIndex()).length); // 0
 * await registry.close();
 * await layout.close();
 * ```
 */
export async function copyArtifact(
  source: Source,
  destination: Destination,
  reference: TagOrDigest,
  options: CopyOptions & { readonly tag?: string | undefined } = {},
): Promise<CopiedArtifact> {
  const manifest = await source.readManifest(reference, options);
  if (isDigest(reference)) checkBytes(manifest.bytes, { digest: reference }, 'manifest');
  return copyManifest(source, destination, manifest, options);
}

/** As {@link copyArtifact}, for a manifest whose bytes are at hand. */
export async function copyManifest(
  source: Source,
  destination: Destination,
  manifest: RawManifest,
  options: CopyOptions & { readonly tag?: string | undefined } = {},
): Promise<CopiedArtifact> {
  const counts = await copyContent(source, destination, manifest, options);
  await destination.writeManifest(manifest, options.tag, { signal: options.signal });
  options.onEvent?.({ kind: 'manifest-done', descriptor: manifest.descriptor, tag: options.tag });
  return { ...manifest, ...counts };
}

/** A blob that goes before all others. */
export interface FirstBlob {
  readonly blob: Descriptor;
  /** Called once it is at the destination; nothing else is copied before it returns. */
  readonly check: () => Promise<void>;
}

/** Copies what a manifest or index refers to, and not the document itself. */
export async function copyContent(
  source: ContentSource,
  destination: Destination,
  manifest: RawManifest,
  { first, ...options }: CopyOptions & { readonly first?: FirstBlob | undefined } = {},
): Promise<CopyCounts> {
  const run: Run = {
    source,
    destination,
    options,
    seen: new Map(),
    copiedBytes: 0,
    copiedBlobs: 0,
    skippedBlobs: 0,
    manifests: 0,
  };
  if (first !== undefined) {
    const copying = copyBlob(run, first.blob, options.signal ?? new AbortController().signal);
    run.seen.set(first.blob.digest, copying);
    await copying;
    await first.check();
  }
  await copySuccessors(run, manifest, 0, options.signal);
  const { copiedBytes, copiedBlobs, skippedBlobs } = run;
  return { copiedBytes, copiedBlobs, skippedBlobs };
}

async function copySuccessors(run: Run, manifest: RawManifest, depth: number, signal?: AbortSignal): Promise<void> {
  checkBytes(manifest.bytes, manifest.descriptor, 'manifest');
  run.manifests += 1;
  if (run.manifests > MANIFESTS_LIMIT || depth > DEPTH_LIMIT) {
    throw new ChartError(
      'LIMIT_EXCEEDED',
      `the index holds more than ${MANIFESTS_LIMIT} manifests, or indexes more than ${DEPTH_LIMIT} deep`,
    );
  }
  const parsed = parseManifest(manifest.bytes, manifest.descriptor.mediaType);
  const limit = run.options.concurrency ?? CONCURRENCY;
  await forEachConcurrent(successors(parsed), limit, signal, (descriptor, stop) => {
    const isManifest = parsed.kind === 'index' && MANIFEST_TYPES.includes(descriptor.mediaType);
    const copying =
      run.seen.get(descriptor.digest) ??
      (isManifest ? copyListed(run, descriptor, depth + 1, stop) : copyBlob(run, descriptor, stop));
    run.seen.set(descriptor.digest, copying);
    return copying;
  });
}

/** A manifest that an index lists: stored by digest, without a tag. */
async function copyListed(run: Run, descriptor: Descriptor, depth: number, signal: AbortSignal): Promise<void> {
  const manifest = await run.source.readManifest(descriptor.digest, { signal });
  checkBytes(manifest.bytes, descriptor, 'manifest');
  if (manifest.descriptor.mediaType !== descriptor.mediaType) {
    throw new ChartError(
      'MANIFEST_INVALID',
      `manifest ${descriptor.digest} is ${manifest.descriptor.mediaType}, but its index calls it ${descriptor.mediaType}`,
    );
  }
  await copySuccessors(run, manifest, depth, signal);
  await run.destination.writeManifest(manifest, undefined, { signal });
  run.options.onEvent?.({ kind: 'manifest-done', descriptor: manifest.descriptor, tag: undefined });
}

/** `writeBlob` looks first whether the blob is there, and then does not open it. */
async function copyBlob(run: Run, descriptor: Descriptor, signal: AbortSignal): Promise<void> {
  const { source, destination, options } = run;
  let opened = false;
  const open = async (): Promise<Readable> => {
    opened = true;
    const content = await source.readBlob(descriptor, { signal });
    if (signal.aborted) {
      content.destroy();
      throw cancelled(signal);
    }
    if (content instanceof BytesReadable) return atHand(content, descriptor, options.onEvent);
    return measured(content, descriptor, signal, options.onEvent);
  };
  const { verify, mountFrom } = options;
  await destination.writeBlob(descriptor, open, { signal, verify, mountFrom });
  if (opened) {
    run.copiedBlobs += 1;
    run.copiedBytes += descriptor.size;
  } else {
    run.skippedBlobs += 1;
  }
  options.onEvent?.({ kind: 'blob-done', descriptor, skipped: !opened });
}

/** As {@link measured}, for content that is held whole. */
function atHand(content: BytesReadable, descriptor: Descriptor, onEvent: CopyOptions['onEvent']): Readable {
  const { length } = content.bytes;
  if (length > descriptor.size) throw sizeMismatch(descriptor, `more than ${descriptor.size}`);
  onEvent?.({ kind: 'blob', descriptor, bytes: length });
  if (length < descriptor.size) throw sizeMismatch(descriptor, `${length}`);
  return content;
}

/** Passes the content on, reports how far it is, and cuts it off where more comes than its descriptor promised. `signal` is not aborted yet. */
function measured(
  content: Readable,
  descriptor: Descriptor,
  signal: AbortSignal,
  onEvent: CopyOptions['onEvent'],
): Readable {
  let bytes = 0;
  const gauge = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > descriptor.size) return done(sizeMismatch(descriptor, `more than ${descriptor.size}`));
      onEvent?.({ kind: 'blob', descriptor, bytes });
      done(null, chunk);
    },
    flush(done) {
      done(bytes < descriptor.size ? sizeMismatch(descriptor, `${bytes}`) : null);
    },
  });
  const forget = onAbort(signal, () => void gauge.destroy(cancelled(signal)));
  return pipeline(content, gauge, forget);
}

function sizeMismatch({ digest, size }: Descriptor, found: string): ChartError {
  return new ChartError('BLOB_SIZE_MISMATCH', `blob ${digest} has ${found} bytes instead of ${size}`);
}

/** Runs `work` on all items, at most `limit` at a time. The first failure stops the others; rejects once all have settled. */
export async function forEachConcurrent<Item>(
  items: readonly Item[],
  limit: number,
  signal: AbortSignal | undefined,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  // Every item may listen to it several times over.
  setMaxListeners(0, either);
  const queue = [...items];
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && !failure; item = queue.shift()) {
      try {
        throwIfCancelled(signal);
        await work(item, either);
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failure) throw failure.error;
}
