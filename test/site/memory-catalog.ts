/** A catalog of charts that are nowhere but here, and a site over it on a port of its own. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { ChartMetadata } from '../../src/chart/metadata.js';
import { ChartError } from '../../src/errors.js';
import type { Digest } from '../../src/oci/digest.js';
import type { CatalogChart, CatalogSnapshot, ChartCatalog } from '../../src/site/catalog.js';
import { createSite, type SiteOptions } from '../../src/site/site.js';

export interface ChartShape {
  readonly repository: string;
  readonly reference?: string;
  readonly shortName?: string;
  readonly isPreferred?: boolean;
  readonly metadata?: Partial<ChartMetadata>;
  /** What the archive holds; one archive differs from another by it. */
  readonly archive?: string;
  readonly provenance?: string;
  readonly readme?: string;
  readonly values?: string;
}

export interface MemorySite {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Blobs that are answered with other content. */
  readonly damaged: Set<string>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Replaces what is here. */
  fill(charts: readonly ChartShape[]): void;
}

/** Serves charts until the test is over. What is not found is answered with an empty 404. */
export async function serveCharts(
  t: TestContext,
  charts: readonly ChartShape[],
  options?: SiteOptions,
): Promise<MemorySite> {
  const blobs = new Map<string, string>();
  const texts = new Map<string, ChartShape>();
  const damaged = new Set<string>();
  let snapshot: CatalogSnapshot;
  const store = (content: string) => {
    const digest: Digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    blobs.set(digest, content);
    return { mediaType: 'application/octet-stream', digest, size: Buffer.byteLength(content) };
  };
  const toChart = (shape: ChartShape): CatalogChart => {
    const { repository, reference = '1.0.0', metadata, isPreferred = false } = shape;
    const name = repository.slice(repository.lastIndexOf('/') + 1);
    const archive = store(shape.archive ?? `${repository} ${reference}`);
    texts.set(archive.digest, shape);
    return {
      repository,
      shortName: shape.shortName,
      reference,
      isPreferred,
      content: {
        digest: store(`manifest of ${repository} ${reference}`).digest,
        metadata: { apiVersion: 'v2', name, version: reference, ...metadata },
        archive,
        sha256: archive.digest.slice('sha256:'.length),
        provenance: shape.provenance === undefined ? undefined : store(shape.provenance),
        created: new Date('2026-01-02T03:04:05Z'),
      },
    };
  };
  const open = async (digest: Digest, start = 0, end?: number): Promise<Readable> => {
    const content = blobs.get(digest);
    if (content === undefined) throw new ChartError('BLOB_NOT_FOUND', digest);
    return Readable.from([Buffer.from(content).subarray(start, end === undefined ? undefined : end + 1)]);
  };
  const catalog: ChartCatalog = {
    read: async () => snapshot,
    openBlob: ({ digest }, range) => open(digest, range?.start, range?.end),
    openVerified: async ({ digest }) => {
      if (!damaged.has(digest)) return open(digest);
      return Readable.from(
        (async function* () {
          yield* await open(digest);
          throw new ChartError('BLOB_DIGEST_MISMATCH', digest);
        })(),
      );
    },
    readTexts: async ({ digest }) => {
      if (damaged.has(digest)) throw new ChartError('BLOB_DIGEST_MISMATCH', digest);
      const { readme, values } = texts.get(digest) ?? {};
      return {
        ...(readme !== undefined && { readme: { path: 'README.md', bytes: Buffer.from(readme) } }),
        ...(values !== undefined && { values: { path: 'values.yaml', bytes: Buffer.from(values) } }),
      };
    },
  };
  const fill = (next: readonly ChartShape[]) => {
    snapshot = { charts: next.map(toChart), changed: new Date('2026-02-03T04:05:06Z') };
  };
  fill(charts);
  const site = createSite(catalog, options);
  const server = createServer((request, response) => {
    site(request, response).then(
      (isAnswered) => isAnswered || response.writeHead(404).end(),
      () => (response.headersSent ? response.destroy() : response.writeHead(500).end()),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, damaged, fill, get: (path, headers = {}) => fetch(url + path, { headers, redirect: 'manual' }) };
}
