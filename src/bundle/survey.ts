/** One pass over a bundle that keeps what there is to know of it, and none of the content. */
import type { Readable } from 'node:stream';
import { parseConfig } from '../chart/config.js';
import { ChartError, isChartError } from '../errors.js';
import { type Descriptor, isRecord } from '../oci/descriptor.js';
import { type Digest, Digester, digestAlgorithm, digestOf } from '../oci/digest.js';
import { type ImageIndex, type ImageManifest, MANIFEST_LIMIT, parseManifest } from '../oci/manifest.js';
import { checkAgreement } from './agreement.js';
import { type BundleContent, parseContent } from './content.js';
import { type BundleEntry, type ReadEntriesOptions, readEntries, readWhole } from './entries.js';
import { type BundleIndex, parseBundleIndex } from './index-json.js';

export interface SurveyedBlob {
  readonly size: number;
  /** Where it begins in the unpacked archive. */
  readonly offset: number;
  /** The digest of what is there, where it was looked at. */
  readonly found: Digest | undefined;
}

export interface BundleSurvey {
  readonly index: BundleIndex;
  /** bundle.json, in a bundle of this program. */
  readonly content: BundleContent | undefined;
  /** Of bundle.json, else of index.json. */
  readonly digest: Digest;
  readonly blobs: ReadonlyMap<Digest, SurveyedBlob>;
  readonly manifests: ReadonlyMap<Digest, ImageManifest | ImageIndex>;
  /** Name and version in chart configs. */
  readonly charts: ReadonlyMap<Digest, { readonly name: string; readonly version: string }>;
}

export interface SurveyOptions extends ReadEntriesOptions {
  /** Hash every blob. */
  readonly hash?: boolean | undefined;
  /** Stop as soon as index.json and bundle.json are known: nothing is known of the blobs then. */
  readonly headOnly?: boolean | undefined;
}

/** JSON that is kept of one bundle: bytes of manifests and configs. */
const KEPT_LIMIT = 256 * 1024 * 1024;

/** @throws ChartError as {@link readEntries}, `BUNDLE_INVALID` */
export async function surveyBundle(source: Readable, options: SurveyOptions = {}): Promise<BundleSurvey> {
  const head = new Map<string, Buffer>();
  const blobs = new Map<Digest, SurveyedBlob>();
  const manifests = new Map<Digest, ImageManifest | ImageIndex>();
  const charts = new Map<Digest, { name: string; version: string }>();
  let kept = 0;
  for await (const entry of readEntries(source, options)) {
    if (entry.kind === 'fixed') {
      head.set(entry.name, await readWhole(entry));
      if (options.headOnly && head.has('index.json') && head.has('bundle.json')) break;
      continue;
    }
    const { found, json } = await look(entry, options.hash ?? false);
    if (!blobs.has(entry.digest) || found === entry.digest) {
      blobs.set(entry.digest, { size: entry.size, offset: entry.offset, found });
    }
    if (json === undefined || (found ?? digestOf(json, digestAlgorithm(entry.digest))) !== entry.digest) continue;
    kept += json.length;
    if (kept > KEPT_LIMIT) throw new ChartError('LIMIT_EXCEEDED', `it has more than ${KEPT_LIMIT} bytes of manifests`);
    readJson(entry.digest, json, manifests, charts);
  }
  return { ...readHead(head), blobs, manifests, charts };
}

/** @throws ChartError `BUNDLE_INVALID` */
export function readHead(head: ReadonlyMap<string, Buffer>): Pick<BundleSurvey, 'index' | 'content' | 'digest'> {
  checkLayout(head);
  const indexBytes = head.get('index.json') as Buffer;
  const index = parseBundleIndex(indexBytes);
  const bytes = head.get('bundle.json');
  const content = bytes && { parsed: parseContent(bytes), bytes };
  checkAgreement(index, content);
  return { index, content: content?.parsed, digest: digestOf(bytes ?? indexBytes) };
}

function checkLayout(head: ReadonlyMap<string, Buffer>): void {
  if (!head.has('index.json')) {
    throw new ChartError('BUNDLE_INVALID', 'it has no index.json: it is no OCI image layout', {
      hint: 'A bundle has index.json at its top. What docker save wrote before Docker 25 can be turned into one: skopeo copy docker-archive:FILE oci-archive:NEW.',
    });
  }
  const layout = head.get('oci-layout');
  try {
    const json: unknown = JSON.parse(layout?.toString('utf8') ?? '');
    if (isRecord(json) && json.imageLayoutVersion === '1.0.0') return;
  } catch {
    // Said below.
  }
  throw new ChartError('BUNDLE_INVALID', layout ? 'its oci-layout is not of version 1.0.0' : 'it has no oci-layout');
}

/** Hashes a blob, and keeps what may be a manifest or a config. */
async function look(
  entry: Extract<BundleEntry, { kind: 'blob' }>,
  hash: boolean,
): Promise<{ found: Digest | undefined; json: Buffer | undefined }> {
  const digester = hash ? new Digester(digestAlgorithm(entry.digest)) : undefined;
  const pieces: Buffer[] = [];
  let mayBeJson = entry.size <= MANIFEST_LIMIT;
  let isFirst = true;
  for await (const piece of entry.content()) {
    if (isFirst && piece[0] !== 0x7b) mayBeJson = false;
    isFirst = false;
    digester?.update(piece);
    if (mayBeJson) pieces.push(Buffer.from(piece));
    else if (!digester) break;
  }
  return { found: digester?.digest(), json: mayBeJson && !isFirst ? Buffer.concat(pieces) : undefined };
}

function readJson(
  digest: Digest,
  bytes: Buffer,
  manifests: Map<Digest, ImageManifest | ImageIndex>,
  charts: Map<Digest, { name: string; version: string }>,
): void {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    if (isRecord(json) && json.schemaVersion === 2) manifests.set(digest, parseManifest(bytes));
    else if (isRecord(json) && typeof json.name === 'string') {
      const { name, version } = parseConfig(bytes);
      charts.set(digest, { name, version });
    }
  } catch (error) {
    if (!(error instanceof SyntaxError) && !isChartError(error)) throw error;
  }
}

/** What an artifact in a bundle lacks. */
export interface Gaps {
  /** Neither here nor promised to be elsewhere. */
  readonly missing: readonly Descriptor[];
  /** Here, with other content than the name or the manifest promises. */
  readonly damaged: readonly Descriptor[];
}

/** Follows an artifact to its ends. */
export function findGaps(
  { blobs, manifests }: Pick<BundleSurvey, 'blobs' | 'manifests'>,
  roots: readonly Descriptor[],
  absent: ReadonlySet<Digest>,
): Gaps {
  const missing: Descriptor[] = [];
  const damaged: Descriptor[] = [];
  const seen = new Set<Digest>();
  const queue = [...roots];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (seen.has(next.digest)) continue;
    seen.add(next.digest);
    const blob = blobs.get(next.digest);
    if (blob === undefined) {
      if (!absent.has(next.digest)) missing.push(next);
      continue;
    }
    if (blob.size !== next.size || (blob.found !== undefined && blob.found !== next.digest)) {
      damaged.push(next);
      continue;
    }
    const manifest = manifests.get(next.digest);
    if (manifest?.kind === 'manifest') queue.push(manifest.config, ...manifest.layers);
    if (manifest?.kind === 'index') queue.push(...manifest.manifests);
  }
  return { missing, damaged };
}
