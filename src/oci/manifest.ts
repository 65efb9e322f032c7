/**
 * Image manifests and image indexes, read whole under a size limit.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md
 */
import { ChartError } from '../errors.js';
import { type Descriptor, isRecord, parseDescriptor } from './descriptor.js';
import { type Digest, digestAlgorithm, digestOf } from './digest.js';
import { DOCKER_INDEX, DOCKER_MANIFEST, MANIFEST_TYPES, OCI_INDEX, OCI_MANIFEST } from './media-types.js';

/** Bytes; registries refuse larger manifests too (distribution specification 1.1, "Pushing Manifests"). */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** A manifest as it is stored and sent: the exact bytes and what describes them. */
export interface RawManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A parsed image manifest. */
export interface ImageManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A parsed image index. */
export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Describes manifest bytes: `mediaType` as given, else the document's own, else what its members imply. */
export function describeManifest(bytes: Uint8Array, mediaType?: string, algorithm?: 'sha256' | 'sha512'): RawManifest {
  const type = mediaType ?? parseManifest(bytes).mediaType;
  return { descriptor: { mediaType: type, digest: digestOf(bytes, algorithm), size: bytes.length }, bytes };
}

/**
 * Parses an image manifest or index and refuses what could be read as both.
 *
 * @param mediaType what the registry or the index called the document; a document that calls itself otherwise is refused
 * @throws ChartError `MANIFEST_INVALID`, `LIMIT_EXCEEDED`
 *
 * @example
 * ```ts
 * import { openRegistry, parseManifest } from 'helm-chart-cache';
 *
 * const registry = openRegistry('127.0.0.1:5000');
 * const { bytes, descriptor } = await registry.repository('team/app').readManifest('1.0.0');
 * const manifest = parseManifest(bytes, descriptor.mediaType);
 * if (manifest.kind === 'manifest') console.log(manifest.config.mediaType); // application/vnd.cncf.helm.config.v1+json
 * await registry.close();
 * ```
 */
export function parseManifest(bytes: Uint8Array, mediaType?: string): ImageManifest | ImageIndex {
  const json = parseJson(bytes);
  const own = json.mediaType;
  if (own !== undefined && typeof own !== 'string') throw invalid('its mediaType is not a string');
  if (own && mediaType && own !== mediaType) throw invalid(`it calls itself ${own}, but was announced as ${mediaType}`);
  const hasLayers = 'layers' in json || 'config' in json;
  const hasManifests = 'manifests' in json;
  if (hasLayers && hasManifests) throw invalid('it is both a manifest and an index');
  const type = own ?? mediaType ?? (hasManifests ? OCI_INDEX : OCI_MANIFEST);
  if (!MANIFEST_TYPES.includes(type)) throw invalid(`its media type ${type} is not a manifest`);
  const annotations = isRecord(json.annotations) ? stringMembers(json.annotations) : {};
  const common = {
    mediaType: type,
    annotations,
    ...(json.subject != null && { subject: parseDescriptor(json.subject, 'subject') }),
    ...(typeof json.artifactType === 'string' && { artifactType: json.artifactType }),
  };
  if (type === OCI_INDEX || type === DOCKER_INDEX) {
    if (hasLayers) throw invalid('it is an index by media type, but has config or layers');
    return { kind: 'index', ...common, manifests: descriptors(json.manifests, 'manifests') };
  }
  if (type !== OCI_MANIFEST && type !== DOCKER_MANIFEST) throw invalid(`its media type ${type} is not supported`);
  if (hasManifests) throw invalid('it is a manifest by media type, but has manifests');
  return {
    kind: 'manifest',
    ...common,
    config: parseDescriptor(json.config, 'config'),
    layers: descriptors(json.layers, 'layers'),
  };
}

/** The content that a manifest or index refers to, in the order in which it must be stored before it. */
export function successors(manifest: ImageManifest | ImageIndex): readonly Descriptor[] {
  return manifest.kind === 'index' ? manifest.manifests : [manifest.config, ...manifest.layers];
}

/** Compares bytes with the digest and size that were promised. @throws ChartError `BLOB_DIGEST_MISMATCH`, `BLOB_SIZE_MISMATCH` */
export function checkBytes(bytes: Uint8Array, expected: { digest: Digest; size?: number }, what: string): void {
  if (expected.size !== undefined && bytes.length !== expected.size) {
    throw new ChartError(
      'BLOB_SIZE_MISMATCH',
      `${what} ${expected.digest} has ${bytes.length} bytes instead of ${expected.size}`,
    );
  }
  const found = digestOf(bytes, digestAlgorithm(expected.digest));
  if (found !== expected.digest) {
    throw new ChartError('BLOB_DIGEST_MISMATCH', `${what} ${expected.digest} has other content (${found})`);
  }
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.length > MANIFEST_LIMIT) {
    throw new ChartError(
      'LIMIT_EXCEEDED',
      `the manifest has ${bytes.length} bytes; at most ${MANIFEST_LIMIT} are read`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ChartError('MANIFEST_INVALID', 'the manifest is not JSON', { cause });
  }
  if (!isRecord(json)) throw invalid('it is not a JSON object');
  if (json.schemaVersion !== 2) throw invalid('its schemaVersion is not 2');
  return json;
}

function descriptors(value: unknown, name: string): Descriptor[] {
  if (!Array.isArray(value)) throw invalid(`it has no ${name}`);
  return value.map((item, index) => parseDescriptor(item, `${name}[${index}]`));
}

function stringMembers(value: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function invalid(reason: string): ChartError {
  return new ChartError('MANIFEST_INVALID', `the manifest cannot be used: ${reason}`);
}
