/** Why an artifact of a bundle did not become whole. */
import { ChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import type { Arrival } from './unbundle-arrivals.js';

/**
 * @param faults blobs that came with other content than their names say
 * @param fault why the bundle ended early, if it did
 * @param isDelta it continues an older one
 */
export function incomplete(
  { item, missing }: Arrival & { readonly missing: readonly Descriptor[] },
  faults: ReadonlyMap<Digest, ChartError>,
  fault: ChartError | undefined,
  isDelta: boolean,
): ChartError {
  const bad = missing.map(({ digest }) => faults.get(digest)).find((found) => found !== undefined);
  const count = `${missing.length} of its blobs ${missing.length === 1 ? 'is' : 'are'}`;
  const digests = missing.slice(0, 3).map(({ digest }) => digest);
  const more = missing.length > 3 ? ', ...' : '';
  if (bad) return new ChartError(bad.code, `${item.ref} is not whole: ${bad.message}`, { cause: bad, hint: AGAIN });
  // What to do is said with the fault, once for all.
  if (fault) {
    return new ChartError(fault.code, `${item.ref} is not whole: ${count} in what could not be read`, { cause: fault });
  }
  const where = isDelta ? 'neither in this bundle nor in the cache' : 'not in the bundle';
  return new ChartError(
    'BUNDLE_INCOMPLETE',
    `${item.ref} is not whole: ${count} ${where} (${digests.join(', ')}${more})`,
    {
      hint: isDelta
        ? 'The bundle continues an older one: unbundle that first, and this one again. chart bundle ls says which.'
        : 'The bundle lacks them; make it again where the artifact is whole.',
    },
  );
}

export const AGAIN = 'Get the bundle again; what has arrived in the cache stays there and is not needed again.';
