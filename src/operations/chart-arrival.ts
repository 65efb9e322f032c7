/**
 * A chart on its way from a registry into the cache.
 *
 *     layer   copied, stored, then unpacked to see that it is a readable chart
 *     config  made of the Chart.yaml in the layer; asked for only where that does not give its digest
 *
 * A blob costs a registry about as much to find as to send, and Helm writes the config from what the layer holds: of a chart that Helm
 * or this program made, it need not be sent.
 */
import { once } from 'node:events';
import type { ChartParts } from '../artifact.js';
import { type CheckedArchive, checkChartArchive } from '../chart/archive/check.js';
import { encodeConfig } from '../chart/config.js';
import { type ContentSource, type CopyOptions, copyContent } from '../copy.js';
import { cancelled } from '../errors.js';
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
  const archive = new Settled<CheckedArchive>();
  const checking: Destination = {
    ...destination,
    async writeBlob(blob, open, how) {
      await destination.writeBlob(blob, open, how);
      if (blob.digest === layer.digest) {
        archive.resolve(await checkChartArchive(() => layout.readBlob(layer), { signal: options.signal }));
      }
    },
  };
  let madeBytes = 0;
  const sparing: ContentSource = {
    readManifest: (reference, how) => source.readManifest(reference, how),
    async readBlob(blob, how) {
      if (habit.areHelms && blob.digest === config.digest && config.digest !== layer.digest) {
        const made = configOf(await archive.within(how?.signal), config);
        if (made !== undefined) {
          madeBytes += made.length;
          return new BytesReadable(made);
        }
        habit.areHelms = false;
      }
      return source.readBlob(blob, how);
    },
  };
  const { copiedBytes } = await copyContent(sparing, checking, manifest, { ...options, verify: true });
  return copiedBytes - madeBytes;
}

/** The config as Helm writes it, if it is the one that is wanted. */
function configOf({ metadata }: CheckedArchive, { digest, size }: Descriptor): Buffer | undefined {
  const bytes = Buffer.from(encodeConfig(metadata));
  return bytes.length === size && digestOf(bytes, digestAlgorithm(digest)) === digest ? bytes : undefined;
}

/** A value that somebody else will come by. */
class Settled<T> {
  resolve!: (value: T) => void;
  readonly #promise = new Promise<T>((resolve) => {
    this.resolve = resolve;
  });

  /** Waits for the value, at most until the signal says that it will not come. */
  async within(signal: AbortSignal | undefined): Promise<T> {
    if (signal === undefined) return this.#promise;
    if (signal.aborted) throw cancelled(signal);
    const stop = new AbortController();
    const aborted = once(signal, 'abort', { signal: stop.signal }).then(() => {
      throw cancelled(signal);
    });
    try {
      return await Promise.race([this.#promise, aborted]);
    } finally {
      aborted.catch(() => {});
      stop.abort();
    }
  }
}
