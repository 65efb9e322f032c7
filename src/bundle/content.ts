/**
 * bundle.json: what a bundle holds, in one place, so that it can be listed and planned with before its blobs are read.
 *
 *     {"schemaVersion":1,
 *      "items":[{"ref":"registry.example.com/team/app:1.0.0","mediaType":"application/vnd.oci.image.manifest.v1+json",
 *                "digest":"sha256:...","size":320,"totalSize":9700,"name":"app","version":"1.0.0",
 *                "referrers":[{"mediaType":"...","digest":"sha256:...","size":512}]}],
 *      "blobs":[{"digest":"sha256:...","size":320}],       in this file, in its order
 *      "absent":[{"digest":"sha256:...","size":9000}],     needed, but left to the bundles named in "since"
 *      "since":["sha256:..."],                             digests of their bundle.json
 *      "part":{"number":1,"of":3}}
 *
 * docs/schemas/bundle.schema.json. Other tools pass over the file; index.json, which they read, carries its digest in the annotation
 * `io.helm-chart-cache.bundle.digest`.
 */
import { ChartError } from '../errors.js';
import { type Descriptor, isRecord, parseDescriptor } from '../oci/descriptor.js';
import { type Digest, digestOf, parseDigest } from '../oci/digest.js';

export const ANNOTATION_CONTENT_DIGEST = 'io.helm-chart-cache.bundle.digest';

export interface BundledBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** An artifact under its reference. */
export interface BundledItem {
  /** The full reference. */
  readonly ref: string;
  /** Of the manifest or index. */
  readonly descriptor: Descriptor;
  /** Bytes of all that it consists of, referrers included, whether they are in this bundle or not. */
  readonly totalSize?: number | undefined;
  /** Of a chart. */
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  /** Manifests about it (signatures, attestations), as far as they go along. */
  readonly referrers: readonly Descriptor[];
}

export interface BundleContent {
  readonly items: readonly BundledItem[];
  readonly blobs: readonly BundledBlob[];
  readonly absent: readonly BundledBlob[];
  readonly since: readonly Digest[];
  readonly part?: { readonly number: number; readonly of: number } | undefined;
}

/** The same bytes for the same content. */
export function encodeContent({ items, blobs, absent, since, part }: BundleContent): Buffer {
  const document = {
    schemaVersion: 1,
    items: items.map(({ ref, descriptor, totalSize, name, version, referrers }) => ({
      ref,
      ...plain(descriptor),
      ...(totalSize !== undefined && { totalSize }),
      ...(name !== undefined && { name }),
      ...(version !== undefined && { version }),
      ...(referrers.length > 0 && { referrers: referrers.map(plain) }),
    })),
    blobs: blobs.map(({ digest, size }) => ({ digest, size })),
    ...(absent.length > 0 && { absent: absent.map(({ digest, size }) => ({ digest, size })) }),
    ...(since.length > 0 && { since }),
    ...(part && { part: { number: part.number, of: part.of } }),
  };
  return Buffer.from(`${JSON.stringify(document)}\n`);
}

/** @throws ChartError `BUNDLE_INVALID` */
export function parseContent(bytes: Buffer): BundleContent {
  try {
    return readContent(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    const reason = cause instanceof ChartError ? cause.message : 'it is not JSON';
    throw new ChartError('BUNDLE_INVALID', `bundle.json cannot be used: ${reason}`, { cause, hint: NEWER });
  }
}

const NEWER = 'The bundle is damaged, or was written by a later version of chart.';

function readContent(json: unknown): BundleContent {
  if (!isRecord(json) || json.schemaVersion !== 1) throw wrong('its schemaVersion is not 1');
  const { part } = json;
  if (part !== undefined && (!isRecord(part) || !isCount(part.number) || !isCount(part.of))) {
    throw wrong('its part is no number of a number');
  }
  const items = list(json.items, 'items').map(readItem);
  const blobs = list(json.blobs, 'blobs').map((blob, index) => readBlob(blob, `blobs[${index}]`));
  refuseTwice(items, ({ ref }) => ref);
  refuseTwice(blobs, ({ digest }) => digest);
  return {
    items,
    blobs,
    absent: list(json.absent ?? [], 'absent').map((blob, index) => readBlob(blob, `absent[${index}]`)),
    since: list(json.since ?? [], 'since').map(parseDigest),
    ...(part !== undefined && { part: { number: part.number as number, of: part.of as number } }),
  };
}

function readItem(value: unknown, index: number): BundledItem {
  const where = `items[${index}]`;
  if (!isRecord(value) || typeof value.ref !== 'string') throw wrong(`${where} has no ref`);
  const { name, version, totalSize } = value;
  return {
    ref: value.ref,
    descriptor: plain(parseDescriptor(value, where)),
    ...(Number.isSafeInteger(totalSize) && { totalSize: totalSize as number }),
    ...(typeof name === 'string' && { name }),
    ...(typeof version === 'string' && { version }),
    referrers: list(value.referrers ?? [], `${where}.referrers`).map((referrer, position) =>
      plain(parseDescriptor(referrer, `${where}.referrers[${position}]`)),
    ),
  };
}

function readBlob(value: unknown, where: string): BundledBlob {
  if (!isRecord(value)) throw wrong(`${where} is not an object`);
  const { size } = value;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw wrong(`${where} has no valid size`);
  return { digest: parseDigest(value.digest), size };
}

function refuseTwice<T>(values: readonly T[], key: (value: T) => string): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(key(value))) throw wrong(`it has ${JSON.stringify(key(value))} twice`);
    seen.add(key(value));
  }
}

function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(`its ${name} is not a list`);
  return value;
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

function wrong(reason: string): ChartError {
  return new ChartError('BUNDLE_INVALID', reason);
}

/** What identifies a bundle: the digest of its bundle.json. */
export function contentDigest(bytes: Uint8Array): Digest {
  return digestOf(bytes);
}
