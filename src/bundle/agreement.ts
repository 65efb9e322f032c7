/** index.json and bundle.json say the same, or the bundle is not what it says. */
import { ChartError } from '../errors.js';
import type { Digest } from '../oci/digest.js';
import { type BundleContent, contentDigest } from './content.js';
import type { BundleIndex } from './index-json.js';

/**
 * @param content bundle.json, parsed and as it is, where there is one
 * @throws ChartError `BUNDLE_INVALID`
 */
export function checkAgreement(
  index: BundleIndex,
  content: { readonly parsed: BundleContent; readonly bytes: Uint8Array } | undefined,
): void {
  if (content === undefined) {
    if (index.contentDigest === undefined) return;
    throw disagree('index.json tells of a bundle.json that is not there');
  }
  if (index.contentDigest !== contentDigest(content.bytes)) {
    throw disagree(
      index.contentDigest === undefined
        ? 'index.json does not know of bundle.json'
        : `bundle.json is not the one that index.json knows of (${index.contentDigest})`,
    );
  }
  const { items, blobs } = content.parsed;
  const held = new Set<Digest>(blobs.map(({ digest }) => digest));
  const named = new Map(index.entries.map(({ label, descriptor }) => [label ?? descriptor.digest, descriptor.digest]));
  for (const { ref, descriptor } of items) {
    if (held.has(descriptor.digest) && named.get(ref) !== descriptor.digest) {
      throw disagree(`index.json and bundle.json differ in ${JSON.stringify(ref.slice(0, 200))}`);
    }
  }
  const known = new Map(items.map(({ ref, descriptor }) => [ref, descriptor.digest]));
  for (const { label, descriptor } of index.entries) {
    if (label !== undefined && known.get(label) !== descriptor.digest) {
      throw disagree(`index.json and bundle.json differ in ${JSON.stringify(label.slice(0, 200))}`);
    }
  }
}

function disagree(reason: string): ChartError {
  return new ChartError('BUNDLE_INVALID', reason, {
    hint: 'The bundle was changed after it was made. Get it again; or take bundle.json and its annotation out, if you changed it yourself.',
  });
}
