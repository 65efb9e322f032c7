/** What the cache holds at a moment, read without the program's own code: what must have been printed then. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** One entry of index.json, and the layer that it leads to where there is one. */
export interface Entry {
  readonly ref: string;
  /** Hex digits. */
  readonly digest: string;
  /** Bytes of the layer's file. */
  readonly size: number | undefined;
  /** When the layer's file was written, in milliseconds since 1970. */
  readonly written: number | undefined;
}

export type CacheState = readonly Entry[];

/** The second is where the program names what Helm 3.6.3 must not see (docs/departures.md, `out-of-helms-sight`). */
const NAMES = ['org.opencontainers.image.ref.name', 'io.helm-chart-cache.ref.name'];

interface Manifest {
  layers?: { mediaType?: string; digest?: string }[];
}

/** The named entries of a cache in the order of index.json; none where index.json cannot be read. */
export function readCacheState(cache: string): CacheState {
  try {
    const text = readFileSync(join(cache, 'index.json'), 'utf8').replace(/(?<=\})[^}]*$/, '');
    const { manifests } = JSON.parse(text) as { manifests: { digest: string; annotations?: Record<string, string> }[] };
    return manifests.flatMap(({ digest, annotations }) => {
      const ref = NAMES.map((name) => annotations?.[name]).find((name) => name !== undefined);
      return ref === undefined ? [] : [{ ref, digest: digest.slice('sha256:'.length), ...layerOf(cache, digest) }];
    });
  } catch {
    return [];
  }
}

function layerOf(cache: string, digest: string): Pick<Entry, 'size' | 'written'> {
  try {
    const { layers = [] } = JSON.parse(readFileSync(blobPath(cache, digest), 'utf8')) as Manifest;
    const layer = layers.find(({ mediaType }) => mediaType?.endsWith('tar+gzip')) ?? layers[0];
    const { size, mtimeMs } = statSync(blobPath(cache, layer?.digest ?? ''));
    return { size, written: mtimeMs };
  } catch {
    return { size: undefined, written: undefined };
  }
}

function blobPath(cache: string, digest: string): string {
  return join(cache, 'blobs', ...digest.split(':'));
}
