/**
 * index.json: an image index whose descriptors carry names.
 *
 *     {"schemaVersion":2,"manifests":[
 *       {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:...","size":320,
 *        "annotations":{"org.opencontainers.image.ref.name":"registry.example.com/team/app:1.0"}}]}
 *
 * on one line without a line break, as Helm 3.6.3 writes it. A name that Helm must not see (helm-names.ts says why) is in
 * the annotation `io.helm-chart-cache.ref.name` instead; both are read alike. Members that are not known here are kept.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md#indexjson-file
 */
import { ChartError } from '../errors.js';
import { type Descriptor, isRecord, parseDescriptor } from '../oci/descriptor.js';
import { type Digest, isDigest } from '../oci/digest.js';
import { ANNOTATION_REF_NAME } from '../oci/media-types.js';

/** The annotation for names that Helm 3.6.3 must not see. */
export const ANNOTATION_HIDDEN_NAME = 'io.helm-chart-cache.ref.name';

/** One entry of index.json. */
export interface IndexEntry {
  /** The full reference, such as `registry.example.com/team/app:1.0`. No two entries have the same. */
  readonly name: string | undefined;
  /** Undefined if the entry has a fault. */
  readonly descriptor: Descriptor | undefined;
  /** `MANIFEST_INVALID`, `DIGEST_INVALID`: why the entry is of no use. */
  readonly fault?: ChartError | undefined;
  /** The entry as index.json has it. */
  readonly raw: unknown;
}

export interface IndexDocument {
  /** Everything but `manifests`, which is there for its place in the order. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly entries: readonly unknown[];
  /**
   * False if there was text after the document, or if it lacks a member that it has to have: the next change puts that right,
   * also one that changes nothing else.
   */
  readonly isWhole: boolean;
}

export const EMPTY_INDEX: IndexDocument = { members: { schemaVersion: 2, manifests: [] }, entries: [], isWhole: true };

/**
 * Text after the document is ignored, as Helm 3.6.3 does, and a byte order mark before it.
 *
 * @throws ChartError `LAYOUT_INVALID`
 */
export function parseIndex(text: string, path: string): IndexDocument {
  const body = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  const whole = parseObject(body);
  const members = whole ?? parseObject(body.slice(0, endOfObject(body)));
  if (members === undefined) throw invalid(path, text.trim() === '' ? 'it is empty' : 'it is not a JSON object');
  const entries = members.manifests ?? [];
  if (!Array.isArray(entries)) throw invalid(path, 'its "manifests" is not a list');
  const isWhole = whole !== undefined && 'schemaVersion' in whole && 'manifests' in whole;
  return { members, entries, isWhole };
}

export function formatIndex({ members, entries }: Pick<IndexDocument, 'members' | 'entries'>): string {
  const first = 'schemaVersion' in members ? {} : { schemaVersion: 2 };
  return JSON.stringify({ ...first, ...members, manifests: entries });
}

/** The name that an entry claims. */
export function claimedName(raw: unknown): string | undefined {
  if (!isRecord(raw) || !isRecord(raw.annotations)) return undefined;
  const name = raw.annotations[ANNOTATION_REF_NAME] || raw.annotations[ANNOTATION_HIDDEN_NAME];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

export function claimedDigest(raw: unknown): Digest | undefined {
  return isRecord(raw) && typeof raw.digest === 'string' && isDigest(raw.digest) ? raw.digest : undefined;
}

/** @param name what {@link claimedName} said, unless another entry has it */
export function parseEntry(raw: unknown, name: string | undefined, position: number): IndexEntry {
  try {
    const where = name === undefined ? `manifests[${position}] of index.json` : `the entry ${name} of index.json`;
    return { name, descriptor: parseDescriptor(raw, where), raw };
  } catch (fault) {
    if (fault instanceof ChartError) return { name, descriptor: undefined, fault, raw };
    throw fault;
  }
}

/** An entry with its members in Helm's order. */
export function makeEntry(name: string, { mediaType, digest, size }: Descriptor, isForHelm: boolean): unknown {
  const annotation = isForHelm ? ANNOTATION_REF_NAME : ANNOTATION_HIDDEN_NAME;
  return { mediaType, digest, size, annotations: { [annotation]: name } };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isRecord(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/** The position after the brace that closes the first one; 0 if there is none. */
function endOfObject(text: string): number {
  let depth = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/gs)) {
    if (match[0] === '{') depth += 1;
    if (match[0] === '}') depth -= 1;
    if (depth === 0) return match[0] === '}' ? match.index + 1 : 0;
  }
  return 0;
}

function invalid(path: string, reason: string): ChartError {
  return new ChartError('LAYOUT_INVALID', `${path} cannot be used: ${reason}`, {
    hint: 'Nothing was changed. Put back a copy of that file; or move it away, and save or pull the charts again: what the cache holds of them is used.',
  });
}
