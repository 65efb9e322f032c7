/** Small artifacts to send and to answer with. */
import { Readable } from 'node:stream';
import type { Descriptor } from '../../src/oci/descriptor.js';
import { digestOf } from '../../src/oci/digest.js';
import { describeManifest, type RawManifest } from '../../src/oci/manifest.js';
import { CHART_CONFIG, CHART_LAYER_LEGACY, OCI_MANIFEST } from '../../src/oci/media-types.js';

export interface Blob {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  /** How often it was opened so far. */
  readonly opened: number;
  readonly open: () => Promise<Readable>;
}

export function blob(content: string | Buffer, mediaType: string = CHART_LAYER_LEGACY): Blob {
  const bytes = Buffer.from(content as string);
  let opened = 0;
  return {
    bytes,
    descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
    get opened() {
      return opened;
    },
    open: async () => {
      opened += 1;
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += 65_536) pieces.push(bytes.subarray(at, at + 65_536));
      return Readable.from(pieces, { objectMode: false });
    },
  };
}

export const CONFIG = blob('{"name":"app","version":"1.0.0"}', CHART_CONFIG);
export const LAYER = blob('a packed chart');

export function manifestOf(members: Record<string, unknown> = {}): RawManifest {
  const document = { schemaVersion: 2, config: CONFIG.descriptor, layers: [LAYER.descriptor], ...members };
  return describeManifest(Buffer.from(JSON.stringify(document)), OCI_MANIFEST);
}

export const MANIFEST = manifestOf();

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function readAll(stream: Readable): Promise<Buffer> {
  return Buffer.concat((await collect(stream)) as Buffer[]);
}
