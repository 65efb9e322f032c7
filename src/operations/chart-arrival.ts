/**
 * A chart on its way from a registry into the cache.
 *
 *     layer   copied, stored, then unpacked to see that it is a readable chart
 *     config  made of the Chart.yaml in the layer; asked for only where that does not give its digest
 *     others  with the config
 *
 * A blob costs a registry about as much to find as to send, and Helm writes the config from what the layer holds: of a chart that Helm
 * or this program made, it need not be sent.
 */
import type { ChartParts } from '../artifact.js';
import type { CheckedArchive } from '../chart/archive/check.js';
import { type ContentSource, type CopyOptions, copyContent } from '../copy.js';
import type { Layout } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import { digestAlgorithm, digestOf } from '../oci/digest.js';
import type { RawManifest } from '../oci/manifest.js';
import { BytesReadable } from '../oci/small-content.js';
import type { Destination } from '../oci/target.js';

/** What is known of the configs in a batch of charts: where one is not as Helm writes it, the others are asked for at once. */
export class ConfigHabit {
  areHelms = true;
}

/**
 * Copies all that the manifest refers to, and checks the chart in it.
 *
 * @param destination the repository in `layout` that takes it
 * @returns the bytes that came from the source
 * @throws ChartError what a copy and `checkChartArchive` throw
 */
export async function copyChart(
  source: ContentSource,
  layout: Layout,
  destination: Destination,
  manifest: RawManifest,
  { config, layer }: ChartParts,
  habit: ConfigHabit,
  options: Pick<CopyOptions, 'signal' | 'onEvent'>,
): Promise<number> {
  let made: Buffer | undefined;
  let spared = 0;
  let isChecked = false;
  const check = async (): Promise<void> => {
    const { checkChartArchive } = await import('../chart/archive/check.js');
    const archive = await checkChartArchive(() => layout.readBlob(layer), { signal: options.signal });
    isChecked = true;
    made = await configOf(archive, config);
    habit.areHelms = made !== undefined;
  };
  const sparing: ContentSource = {
    readManifest: (reference, how) => source.readManifest(reference, how),
    async readBlob(blob, how) {
      if (made === undefined || blob.digest !== config.digest) return source.readBlob(blob, how);
      spared += made.length;
      return new BytesReadable(made);
    },
  };
  const first = habit.areHelms ? { blob: layer, check } : undefined;
  const { copiedBytes } = await copyContent(sparing, destination, manifest, { ...options, verify: true, first });
  if (!isChecked) await check();
  return copiedBytes - spared;
}

/** The config as Helm writes it, if it is the one that is wanted. */
async function configOf({ metadata }: CheckedArchive, { digest, size }: Descriptor): Promise<Buffer | undefined> {
  const { encodeConfig } = await import('../chart/config.js');
  const bytes = Buffer.from(encodeConfig(metadata));
  return bytes.length === size && digestOf(bytes, digestAlgorithm(digest)) === digest ? bytes : undefined;
}
