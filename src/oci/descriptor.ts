/**
 * Descriptors: media type, digest and size of content that is elsewhere.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md
 */
import { ChartError } from '../errors.js';
import { type Digest, parseDigest } from './digest.js';

/** What identifies content: media type, digest and size. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
}

const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/** True for `TYPE/SUBTYPE` without parameters. https://www.rfc-editor.org/rfc/rfc6838#section-4.2 */
export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a descriptor out of parsed JSON. `urls` and `data` are ignored: content is only ever fetched by digest from the
 * place that the user named.
 *
 * @param where names the descriptor in errors, such as `layers[0]`
 * @throws ChartError `MANIFEST_INVALID`, `DIGEST_INVALID`
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
  if (!isRecord(value)) throw new ChartError('MANIFEST_INVALID', `${where} is not a descriptor`);
  const { mediaType, size } = value;
  if (typeof mediaType !== 'string' || !isMediaType(mediaType)) {
    throw new ChartError('MANIFEST_INVALID', `${where} has no valid mediaType`);
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new ChartError('MANIFEST_INVALID', `${where} has no valid size`);
  }
  const annotations = parseAnnotations(value.annotations, where);
  const artifactType = value.artifactType;
  return {
    mediaType,
    digest: parseDigest(value.digest),
    size,
    ...(annotations && { annotations }),
    ...(typeof artifactType === 'string' && { artifactType }),
  };
}

function parseAnnotations(value: unknown, where: string): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) throw new ChartError('MANIFEST_INVALID', `${where} has annotations that are not an object`);
  const annotations: Record<string, string> = Object.create(null);
  for (const key of Object.keys(value)) {
    const text = value[key];
    if (typeof text === 'string') annotations[key] = text;
  }
  return annotations;
}

/** The three members that identify content, without annotations. */
export function plainDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
