/**
 * What a manifest must be for a push to be taken: one thing only, under the type that it was announced with, of content
 * that is here.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
 */
import { isChartError } from '../errors.js';
import { type Descriptor, isMediaType, isRecord } from '../oci/descriptor.js';
import { type ImageIndex, type ImageManifest, parseManifest } from '../oci/manifest.js';
import { MANIFEST_TYPES } from '../oci/media-types.js';
import type { Repository } from '../oci/target.js';
import { Refusal } from './errors.js';
import { findOtherRepository, type Names } from './names.js';
import { orMissing } from './tags.js';

export interface PushedManifest {
  readonly mediaType: string;
  /** Undefined for a type that this server does not read: it is kept as it is. */
  readonly manifest: ImageManifest | ImageIndex | undefined;
}

const FOREIGN_LAYERS = [
  'application/vnd.oci.image.layer.nondistributable.',
  'application/vnd.docker.image.rootfs.foreign.',
];

/** @param contentType the header; parameters are ignored. @throws Refusal `MANIFEST_INVALID` */
export function parsePushed(bytes: Uint8Array, contentType: string | undefined): PushedManifest {
  const announced = contentType?.split(';', 1)[0]?.trim().toLowerCase() || undefined;
  if (announced !== undefined && !isMediaType(announced)) throw invalid('its Content-Type is not a media type');
  if (announced === undefined || MANIFEST_TYPES.includes(announced)) {
    try {
      const manifest = parseManifest(bytes, announced);
      return { mediaType: manifest.mediaType, manifest };
    } catch (error) {
      if (isChartError(error)) throw new Refusal(400, 'MANIFEST_INVALID', error.message, { cause: error });
      throw error;
    }
  }
  // A browser must never be told that what somebody pushed is a page of this server's.
  if (!announced.startsWith('application/')) throw invalid('its Content-Type is not an application/ type');
  const json = parseObject(bytes);
  if (json.mediaType !== undefined && json.mediaType !== announced) throw invalid('it calls itself by another type');
  if ('manifests' in json && ('layers' in json || 'config' in json))
    throw invalid('it is both a manifest and an index');
  return { mediaType: announced, manifest: undefined };
}

/**
 * Checks that config and layers are here, with the sizes that the manifest states. The manifests that an index lists may
 * come later or never (the specification lets an index be sparse), and so may layers that are not for distribution.
 *
 * What only reads of the name find, in the repository of its long form, is brought in: a client was told that it is here.
 *
 * @throws Refusal `MANIFEST_BLOB_UNKNOWN`, `MANIFEST_INVALID`
 */
export async function checkSuccessors(
  names: Names,
  repository: Repository,
  manifest: ImageManifest | ImageIndex,
): Promise<void> {
  let other: Promise<Repository | undefined> | undefined;
  const findOther = () => {
    other ??= findOtherRepository(names, repository.name);
    return other;
  };
  if (manifest.kind === 'index') {
    for (const { digest } of unique(manifest.manifests)) {
      if (await orMissing(repository.resolve(digest))) continue;
      const source = await findOther();
      const raw = source && (await orMissing(source.readManifest(digest)));
      if (raw) await repository.writeManifest(raw);
    }
    return;
  }
  for (const descriptor of unique([manifest.config, ...manifest.layers])) {
    const { digest, mediaType } = descriptor;
    if (FOREIGN_LAYERS.some((prefix) => mediaType.startsWith(prefix))) continue;
    let size = await repository.statBlob(digest);
    if (size === undefined) {
      const source = await findOther();
      size = await source?.statBlob(digest);
      if (source && size === descriptor.size) await repository.writeBlob(descriptor, () => source.readBlob(descriptor));
    }
    if (size === undefined) {
      throw new Refusal(404, 'MANIFEST_BLOB_UNKNOWN', 'the manifest refers to a blob that is not here', {
        detail: { digest },
      });
    }
    if (size !== descriptor.size) throw invalid(`it gives ${digest} ${descriptor.size} bytes, but that has ${size}`);
  }
}

function unique(descriptors: readonly Descriptor[]): Iterable<Descriptor> {
  return new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor])).values();
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isRecord(json)) return json;
  } catch (cause) {
    throw new Refusal(400, 'MANIFEST_INVALID', 'the manifest is not JSON', { cause });
  }
  throw invalid('it is not a JSON object');
}

function invalid(reason: string): Refusal {
  return new Refusal(400, 'MANIFEST_INVALID', `the manifest cannot be used: ${reason}`);
}
