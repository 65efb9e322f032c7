/**
 * index.json of a bundle or of an archive that another tool made of an image layout.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md#indexjson-file
 *
 * What names an entry differs: chart has the whole reference in `org.opencontainers.image.ref.name`; skopeo what it was told to; ORAS and
 * Docker the tag alone, Docker with the reference in `io.containerd.image.name`.
 */
import { ChartError } from '../errors.js';
import { type Descriptor, isRecord, parseDescriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { ANNOTATION_REF_NAME, OCI_INDEX } from '../oci/media-types.js';
import { ANNOTATION_CONTENT_DIGEST, type BundledItem } from './content.js';

/** Where this program keeps names that Helm 3.6.3 must not see. */
const ANNOTATION_HIDDEN_NAME = 'io.helm-chart-cache.ref.name';
const ANNOTATION_CONTAINERD_NAME = 'io.containerd.image.name';

export interface BundleIndexEntry {
  /** As the index has it: a reference, or a tag alone; undefined where it has none. */
  readonly label: string | undefined;
  readonly descriptor: Descriptor;
}

export interface BundleIndex {
  readonly entries: readonly BundleIndexEntry[];
  /** What the index says the digest of bundle.json is; undefined in what other tools wrote. */
  readonly contentDigest: string | undefined;
}

/**
 * The same bytes for the same items. Referrers have no names: tools find them by their subject.
 *
 * @param held what is in the bundle: of nothing else the index tells
 */
export function encodeIndex(items: readonly BundledItem[], held: ReadonlySet<Digest>, contentDigest: string): Buffer {
  const isHeld = ({ digest }: Descriptor): boolean => held.has(digest);
  const named = items.filter(({ descriptor }) => isHeld(descriptor));
  const referrers = items.flatMap((item) => item.referrers.filter(isHeld));
  const manifests = [
    ...named.map(({ ref, descriptor: { mediaType, digest, size } }) => {
      return { mediaType, digest, size, annotations: { [ANNOTATION_REF_NAME]: ref } };
    }),
    ...new Map(referrers.map((referrer) => [referrer.digest, referrer])).values(),
  ];
  const document = {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests,
    annotations: { [ANNOTATION_CONTENT_DIGEST]: contentDigest },
  };
  return Buffer.from(JSON.stringify(document));
}

/** @throws ChartError `BUNDLE_INVALID` */
export function parseBundleIndex(bytes: Buffer): BundleIndex {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid('it is not JSON', cause);
  }
  if (!isRecord(json) || json.schemaVersion !== 2) throw invalid('its schemaVersion is not 2');
  const manifests = json.manifests ?? [];
  if (!Array.isArray(manifests)) throw invalid('its manifests are not a list');
  const digest = isRecord(json.annotations) ? json.annotations[ANNOTATION_CONTENT_DIGEST] : undefined;
  return {
    entries: manifests.map((entry, index) => {
      try {
        const descriptor = parseDescriptor(entry, `manifests[${index}]`);
        return { label: labelOf(descriptor), descriptor };
      } catch (cause) {
        throw invalid((cause as Error).message, cause);
      }
    }),
    contentDigest: typeof digest === 'string' ? digest : undefined,
  };
}

function labelOf({ annotations = {} }: Descriptor): string | undefined {
  const label = annotations[ANNOTATION_REF_NAME] || annotations[ANNOTATION_HIDDEN_NAME];
  const full = annotations[ANNOTATION_CONTAINERD_NAME];
  return (label && isReference(label) ? label : full || label) || undefined;
}

/** True for more than a tag alone. */
export function isReference(label: string): boolean {
  return /[:/]/.test(label);
}

function invalid(reason: string, cause?: unknown): ChartError {
  return new ChartError('BUNDLE_INVALID', `index.json cannot be used: ${reason}`, {
    cause,
    hint: 'The bundle is damaged; get it again from where it was made.',
  });
}
