/** What a bundle holds, and whether that is whole, without unpacking it. */
import type { BundledItem } from '../bundle/content.js';
import { type BundleInput, reading } from '../bundle/input.js';
import { itemsOf } from '../bundle/items.js';
import { type BundleSurvey, findGaps, surveyBundle } from '../bundle/survey.js';
import { ChartError } from '../errors.js';
import type { Digest } from '../oci/digest.js';
import type { CallOptions } from '../oci/target.js';
import type { Outcome } from './outcome.js';

export interface BundleListing {
  readonly items: readonly BundledItem[];
  readonly nameless: readonly string[];
  /** Digests that stand for the older bundles that it continues. */
  readonly since: readonly Digest[];
  /** What stands for this one. */
  readonly digest: Digest;
  readonly part: { readonly number: number; readonly of: number } | undefined;
  readonly blobs: number;
  /** Blobs that it leaves to the older ones. */
  readonly absent: number;
}

/** Reads no further than needed: of a bundle of this program the first entries. @throws ChartError `BUNDLE_INVALID`, ... */
export async function listBundle(input: BundleInput, options: CallOptions = {}): Promise<BundleListing> {
  return listingOf(await reading(input, () => surveyBundle(input.open(), { ...options, headOnly: true })));
}

function listingOf(survey: BundleSurvey): BundleListing {
  const { content, digest } = survey;
  return {
    ...itemsOf(survey),
    digest,
    since: content?.since ?? [],
    part: content?.part,
    blobs: content?.blobs.length ?? survey.blobs.size,
    absent: content?.absent.length ?? 0,
  };
}

export interface BundleCheck extends BundleListing {
  /** For each artifact, whether all that it consists of is there, or left to an older bundle. */
  readonly outcomes: readonly Outcome<BundledItem>[];
  /** What is wrong besides. */
  readonly problems: readonly ChartError[];
  /** Bytes of the blobs. */
  readonly size: number;
}

/** Hashes every blob, and follows every artifact to its ends. @throws ChartError what is wrong with the archive as a whole */
export async function checkBundle(input: BundleInput, options: CallOptions = {}): Promise<BundleCheck> {
  const survey = await reading(input, () => surveyBundle(input.open(), { ...options, hash: true }));
  const listing = listingOf(survey);
  const absent = new Set(survey.content?.absent.map(({ digest }) => digest));
  const told = new Set<Digest>();
  const outcomes = listing.items.map((item): Outcome<BundledItem> => {
    const { missing, damaged } = findGaps(survey, [item.descriptor, ...item.referrers], absent);
    for (const { digest } of [...missing, ...damaged]) told.add(digest);
    const [bad] = damaged;
    const [lost] = missing;
    if (bad) return { item: item.ref, error: damage(`${item.ref} is not whole`, bad.digest, survey, bad.size) };
    if (lost === undefined) return { item: item.ref, result: item };
    return {
      item: item.ref,
      error: new ChartError('BUNDLE_INCOMPLETE', `${item.ref} is not whole: blob ${lost.digest} is not in the bundle`),
    };
  });
  const sizes = [...survey.blobs.values()].map(({ size }) => size);
  return {
    ...listing,
    blobs: survey.blobs.size,
    outcomes,
    problems: problemsOf(survey, told),
    size: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** What no artifact has shown. */
function problemsOf(survey: BundleSurvey, told: ReadonlySet<Digest>): ChartError[] {
  const { content, blobs } = survey;
  const listed = content && new Map(content.blobs.map(({ digest, size }) => [digest, size]));
  const damaged = [...blobs]
    .filter(([digest, { found }]) => found !== digest && !told.has(digest))
    .map(([digest, { size }]) => damage('it is damaged', digest, survey, size));
  const unlisted = [...blobs.keys()]
    .filter((digest) => listed && !listed.has(digest))
    .map((digest) => new ChartError('BUNDLE_INVALID', `it has blob ${digest}, which bundle.json does not list`));
  const lost = [...(listed?.keys() ?? [])]
    .filter((digest) => !blobs.has(digest) && !told.has(digest))
    .map((digest) => new ChartError('BUNDLE_INCOMPLETE', `it has no blob ${digest}, which bundle.json lists`));
  return [...damaged, ...unlisted, ...lost];
}

function damage(what: string, digest: Digest, { blobs }: BundleSurvey, size: number): ChartError {
  const blob = blobs.get(digest);
  if (blob && blob.size !== size) {
    return new ChartError('BLOB_SIZE_MISMATCH', `${what}: blob ${digest} has ${blob.size} bytes instead of ${size}`);
  }
  return new ChartError('BLOB_DIGEST_MISMATCH', `${what}: blob ${digest} has other content (${blob?.found})`);
}
