/** What goes into a bundle, or into each part of a divided one; nothing is read or written here. */
import { BLOCK, paddingOf, tarHeader } from '../chart/archive/tar-header.js';
import { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.js';
import { type BundledBlob, type BundledItem, contentDigest, encodeContent } from './content.js';
import { encodeIndex } from './index-json.js';

/** An artifact with everything that it consists of, its referrers and theirs included. */
export interface BundleItem extends BundledItem {
  /** Manifests before what they refer to. */
  readonly blobs: readonly Descriptor[];
}

/** What is left out because older bundles had it. */
export interface OlderBundles {
  readonly digests: readonly Digest[];
  readonly blobs: ReadonlySet<Digest>;
}

export interface PlanOptions {
  readonly since?: OlderBundles | undefined;
  /** Most bytes of one part, before compression. */
  readonly split?: number | undefined;
}

/** One file. */
export interface BundlePlan {
  readonly items: readonly BundledItem[];
  /** Written in this order. */
  readonly files: readonly { readonly name: string; readonly bytes: Buffer }[];
  readonly blobs: readonly Descriptor[];
  readonly absent: readonly BundledBlob[];
  /** Bytes of the whole archive, before compression. */
  readonly size: number;
  readonly part?: { readonly number: number; readonly of: number } | undefined;
}

/** After the last entry: two blocks of zeros. */
export const END_SIZE = 2 * BLOCK;
/** Bytes of oci-layout, the headers of the three files and the end, and what the JSON around the lists takes. */
const FRAME = 5 * 1024;

/**
 * @returns one plan, or one a part with `split`: each has whole artifacts only, and can be read alone
 * @throws ChartError `LIMIT_EXCEEDED` for an artifact that is too large for any part
 */
export function planBundle(items: readonly BundleItem[], { since, split }: PlanOptions = {}): BundlePlan[] {
  const sorted = [...new Map(items.map((item) => [item.ref, item])).values()].sort((one, other) =>
    Buffer.compare(Buffer.from(one.ref), Buffer.from(other.ref)),
  );
  const groups = split === undefined ? [sorted] : divide(sorted, split, since);
  return groups.map((group, index) => {
    const part = split === undefined ? undefined : { number: index + 1, of: groups.length };
    const plan = planPart(group, since, part);
    if (split !== undefined && plan.size > split) throw new Error(`a part of ${plan.size} bytes, not ${split}`);
    return plan;
  });
}

function planPart(items: readonly BundleItem[], since: OlderBundles | undefined, part: BundlePlan['part']): BundlePlan {
  const wanted = [...new Map(items.flatMap(({ blobs }) => blobs.map((blob) => [blob.digest, blob]))).values()];
  const blobs = wanted.filter(({ digest }) => !since?.blobs.has(digest));
  const absent = wanted.filter(({ digest }) => since?.blobs.has(digest));
  const held = new Set(blobs.map(({ digest }) => digest));
  const content = encodeContent({ items, blobs, absent, since: since?.digests ?? [], part });
  const files = [
    { name: 'oci-layout', bytes: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
    { name: 'index.json', bytes: encodeIndex(items, held, contentDigest(content)) },
    { name: 'bundle.json', bytes: content },
  ];
  const size =
    files.reduce((sum, { name, bytes }) => sum + entrySize(name, bytes.length), END_SIZE) +
    blobs.reduce((sum, blob) => sum + entrySize(blobName(blob.digest), blob.size), 0);
  return { items, files, blobs, absent, size, part };
}

/** In the order of the references, each part as full as they allow. */
function divide(items: readonly BundleItem[], limit: number, since: OlderBundles | undefined): BundleItem[][] {
  const groups: BundleItem[][] = [];
  let group: BundleItem[] = [];
  let held = new Set<Digest>();
  let size = FRAME;
  for (const item of items) {
    const cost = costOf(item, held, since);
    if (size + cost > limit && group.length > 0) {
      groups.push(group);
      group = [];
      held = new Set();
      size = FRAME;
    }
    const own = group.length === 0 ? costOf(item, held, since) : cost;
    if (size + own > limit) throw tooSmall(item, size + own, limit);
    for (const { digest } of item.blobs) held.add(digest);
    size += own;
    group.push(item);
  }
  return group.length > 0 || groups.length === 0 ? [...groups, group] : groups;
}

/** Never less than the bytes that the item adds to a part. */
function costOf(item: BundleItem, held: ReadonlySet<Digest>, since: OlderBundles | undefined): number {
  const json = JSON.stringify({ ...item, blobs: undefined }).length * 2 + 512 * (1 + item.referrers.length);
  let cost = Buffer.byteLength(item.ref) * 4 + json;
  for (const { digest, size } of item.blobs) {
    if (held.has(digest)) continue;
    cost += digest.length + 64;
    if (!since?.blobs.has(digest)) cost += entrySize(blobName(digest), size);
  }
  return cost;
}

/** `blobs/sha256/HEX` */
export function blobName(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

export function bundleHeader(name: string, size: number): Buffer {
  return tarHeader({ name, size, isDirectory: false, executable: false });
}

function entrySize(name: string, size: number): number {
  return bundleHeader(name, size).length + size + paddingOf(size);
}

function tooSmall({ ref }: BundleItem, needed: number, limit: number): ChartError {
  return new ChartError('LIMIT_EXCEEDED', `${ref} needs a part of ${needed} bytes, and --split allows ${limit}`, {
    hint: `Each part can be read alone, so what belongs to one chart stays together. Use --split ${Math.ceil(needed / 1024)}K or more.`,
  });
}
