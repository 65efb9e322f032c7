/**
 * A classic chart repository: an index.yaml and packed charts that it refers to.
 * https://helm.sh/docs/topics/chart_repository/
 *
 *     BASE/index.yaml             read-index.ts
 *     BASE/web-1.4.0.tgz          a URL of the index, relative or absolute
 *     BASE/web-1.4.0.tgz.prov     looked for beside each
 */
import type { Readable } from 'node:stream';
import { CHART_LIMITS } from '../chart/files.js';
import { ChartError, isChartError } from '../errors.js';
import { indexUrl, type RepositoryAddress, resolveUrl } from './address.js';
import type { Fetch } from './fetch.js';
import { fetchFile } from './fetch.js';
import type { IndexedChart } from './index-entry.js';
import { type RepositoryIndex, readIndex } from './read-index.js';
import { type Spooled, spool } from './spool.js';

export interface ClassicRepositoryOptions {
  readonly address: RepositoryAddress;
  /** Reads `http:` and `https:` URLs. */
  readonly fetch: Fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Put around the packed chart as it comes, such as to slow it down or to count it. */
  readonly through?: ((content: Readable) => Readable) | undefined;
}

/** A packed chart as it was fetched. */
export interface FetchedChart {
  /** Byte for byte; compared with the digest of the index, where that has one. To be discarded. */
  readonly archive: Spooled;
  readonly provenance: Uint8Array | undefined;
}

export class ClassicRepository {
  readonly address: RepositoryAddress;
  readonly #fetch: Fetch;

  constructor({ address, fetch }: ClassicRepositoryOptions) {
    this.address = address;
    this.#fetch = (url, use, options) => (url.protocol === 'file:' ? fetchFile : fetch)(url, use, options);
  }

  /** @param wanted the charts to look into; all if absent. @throws ChartError see {@link readIndex} */
  async readIndex(wanted?: (chart: string) => boolean, { signal }: CallOptions = {}): Promise<RepositoryIndex> {
    const where = `index.yaml of ${this.address.shown}`;
    const read = (content: Readable): Promise<RepositoryIndex> => readIndex(content, { where, wanted });
    try {
      return await this.#fetch(indexUrl(this.address), read, { signal, compressed: true });
    } catch (error) {
      if (!isChartError(error, 'REPOSITORY_NOT_FOUND')) throw error;
      throw new ChartError('REPOSITORY_NOT_FOUND', `${this.address.shown} is no chart repository: ${error.message}`, {
        cause: error,
        hint: 'A chart repository has an index.yaml. OCI registries are written oci://HOST/PATH.',
      });
    }
  }

  /** Where the chart is said to be, best first. @throws ChartError `REPOSITORY_INVALID` */
  urlsOf(chart: IndexedChart): readonly URL[] {
    return chart.urls.map((url) => resolveUrl(this.address.base, url));
  }

  /**
   * Fetches a packed chart from the first of its URLs that has it, and the provenance file beside it.
   *
   * @throws ChartError `BLOB_DIGEST_MISMATCH` where it is not what the index promises; `REPOSITORY_NOT_FOUND`, ...
   */
  async fetchChart(chart: IndexedChart, options: CallOptions = {}): Promise<FetchedChart> {
    let failure: unknown;
    for (const url of this.urlsOf(chart)) {
      if (url.protocol === 'oci:') continue;
      try {
        return await this.#fetchFrom(url, chart, options);
      } catch (error) {
        if (!isChartError(error) || error.code === 'CANCELLED') throw error;
        failure ??= error;
      }
    }
    throw failure;
  }

  async #fetchFrom(url: URL, { name, version, digest }: IndexedChart, options: CallOptions): Promise<FetchedChart> {
    const { signal, through = (content) => content } = options;
    const what = `chart ${name} ${version}`;
    const read = (content: Readable): Promise<Spooled> => spool(through(content), { limit: CHART_LIMITS.bytes, what });
    const archive = await this.#fetch(url, read, { signal });
    try {
      if (digest !== undefined && archive.digest !== digest) {
        throw new ChartError(
          'BLOB_DIGEST_MISMATCH',
          `${what} of ${this.address.shown} is not the one of its index.yaml: it has ${archive.digest} instead of ${digest}`,
          {
            hint: 'The chart was replaced without a new index, or damaged, or forged. Ask whoever runs the repository.',
          },
        );
      }
      return { archive, provenance: await this.#fetchProvenance(url, options) };
    } catch (error) {
      await archive.discard();
      throw error;
    }
  }

  /**
   * Most repositories have none. Object storage answers 403 for what does not exist, some servers 200 with a page of their own:
   * what does not look like one is none.
   */
  async #fetchProvenance(chart: URL, { signal }: CallOptions): Promise<Uint8Array | undefined> {
    const url = new URL(chart);
    url.pathname += '.prov';
    const read = async (content: Readable): Promise<Uint8Array> => {
      const found = await spool(content, { limit: CHART_LIMITS.fileBytes, what: `${url.pathname}` });
      const pieces: Buffer[] = [];
      for await (const piece of await found.open()) pieces.push(piece as Buffer);
      await found.discard();
      return Buffer.concat(pieces);
    };
    try {
      const bytes = await this.#fetch(url, read, { signal });
      return Buffer.from(bytes).includes('-----BEGIN PGP SIGNED MESSAGE-----') ? bytes : undefined;
    } catch (error) {
      if (isChartError(error, 'REPOSITORY_NOT_FOUND') || isChartError(error, 'REGISTRY_FORBIDDEN')) return undefined;
      if (isChartError(error, 'LIMIT_EXCEEDED')) return undefined;
      throw error;
    }
  }
}
