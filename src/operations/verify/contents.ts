/** The content of blobs, each read once: is it what its name says, and the chart in it readable? */
import type { Readable } from 'node:stream';
import { checkChartArchive } from '../../chart/archive/check.js';
import type { ChartMetadata } from '../../chart/metadata.js';
import { type ChartError, isChartError, isOutOfFiles } from '../../errors.js';
import type { Layout, Survey } from '../../layout/layout.js';
import { type Digest, Digester, digestAlgorithm } from '../../oci/digest.js';
import { hashed } from '../verified-blob.js';

export type BlobState =
  | { readonly kind: 'intact'; readonly size: number }
  | { readonly kind: 'missing' }
  /** `size` is of the file, `found` its digest. */
  | { readonly kind: 'damaged'; readonly size: number; readonly found: Digest }
  | { readonly kind: 'misplaced'; readonly what: 'directory' | 'link' | 'other' }
  | { readonly kind: 'unreadable'; readonly error: ChartError };

export type ChartState = ChartMetadata | ChartError;

/** What is known to be whole, for another look at the same cache. */
export interface KnownContents {
  readonly intact: Map<Digest, number>;
  readonly charts: Map<Digest, ChartState>;
}

export interface ContentsOptions {
  readonly layout: Layout;
  readonly survey: Survey;
  readonly known: KnownContents;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes that have been read since; less than zero where they have to be read once more. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export class Contents {
  readonly #options: ContentsOptions;
  readonly #states = new Map<Digest, Promise<BlobState>>();
  readonly #charts = new Map<Digest, Promise<ChartState | undefined>>();

  constructor(options: ContentsOptions) {
    this.#options = options;
  }

  /** Bytes and number of what was looked at. */
  async totals(): Promise<{ readonly blobs: number; readonly bytes: number }> {
    const states = await Promise.all(this.#states.values());
    const sizes = states.flatMap((state) => ('size' in state ? [state.size] : []));
    return { blobs: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** @throws ChartError `CANCELLED` */
  state(digest: Digest): Promise<BlobState> {
    return remember(this.#states, digest, () => this.#known(digest) ?? this.#hash(digest));
  }

  /** The chart in a layer, or why there is none; undefined for a layer that is not whole. */
  chart(digest: Digest): Promise<ChartState | undefined> {
    return remember(this.#charts, digest, async () => {
      const known = this.#options.known.charts.get(digest);
      if (this.#states.has(digest) || this.#known(digest) !== undefined) {
        const { kind } = await this.state(digest);
        if (kind !== 'intact') return undefined;
        return known ?? (await this.#readChart(digest)).chart;
      }
      const reading = this.#readChart(digest);
      const { kind } = await remember(this.#states, digest, async () => (await reading).state);
      return kind === 'intact' ? (await reading).chart : undefined;
    });
  }

  /** What is known without reading. */
  #known(digest: Digest): BlobState | undefined {
    const { survey, known } = this.#options;
    const file = survey.blobs.get(digest);
    if (file === undefined) return { kind: 'missing' };
    if (file.kind !== 'file') return { kind: 'misplaced', what: file.kind };
    return known.intact.get(digest) === file.size ? { kind: 'intact', size: file.size } : undefined;
  }

  async #hash(digest: Digest): Promise<BlobState> {
    const { layout, signal, onBytes } = this.#options;
    try {
      return this.#judge(digest, await layout.hashBlob(digest, { signal, onBytes }));
    } catch (error) {
      return unreadable(error);
    }
  }

  #judge(digest: Digest, found: { readonly digest: Digest; readonly size: number }): BlobState {
    if (found.digest !== digest) return { kind: 'damaged', size: found.size, found: found.digest };
    this.#options.known.intact.set(digest, found.size);
    return { kind: 'intact', size: found.size };
  }

  /** Reads a layer once for both: what it is, and the chart that it holds. */
  async #readChart(digest: Digest): Promise<{ state: BlobState; chart?: ChartState }> {
    const { layout, signal, known, onBytes } = this.#options;
    let read = 0;
    const onRead = (bytes: number): void => {
      read += bytes;
      onBytes?.(bytes);
    };
    const digester = new Digester(digestAlgorithm(digest));
    const open = async (): Promise<Readable> =>
      hashed(await layout.readBlob({ digest, mediaType: '', size: 0 }, { signal }), digester, onRead);
    let chart: ChartState;
    try {
      chart = (await checkChartArchive(open, { signal })).metadata;
    } catch (error) {
      if (!isChartError(error) || error.code === 'CANCELLED' || isOutOfFiles(error)) throw error;
      onBytes?.(-read);
      const state = await this.#hash(digest);
      if (state.kind !== 'intact') return { state };
      known.charts.set(digest, error);
      return { state, chart: error };
    }
    const state = this.#judge(digest, { size: digester.size, digest: digester.digest() });
    if (state.kind === 'intact') known.charts.set(digest, chart);
    return { state, chart };
  }
}

function remember<T>(map: Map<Digest, Promise<T>>, digest: Digest, make: () => T | Promise<T>): Promise<T> {
  const known = map.get(digest);
  if (known) return known;
  const made = (async () => make())();
  map.set(digest, made);
  return made;
}

function unreadable(error: unknown): BlobState {
  // A process that may open no more files finds every blob unreadable.
  if (!isChartError(error) || error.code === 'CANCELLED' || isOutOfFiles(error)) throw error;
  return error.code === 'BLOB_NOT_FOUND' ? { kind: 'missing' } : { kind: 'unreadable', error };
}
