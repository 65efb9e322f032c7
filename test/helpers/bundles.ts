/** Bundles to test with: real ones, and archives that no honest tool writes. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChart } from './run.js';

export interface RawEntry {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** Type flag of the header; `0` if absent. */
  readonly type?: string;
  readonly link?: string;
  /** What the header says, where that is not the size of the content. */
  readonly size?: number;
}

/** A tar of exactly these entries, whatever they are. */
export function rawTar(entries: readonly RawEntry[], { end = 1024 } = {}): Buffer {
  return Buffer.concat([...entries.flatMap(rawEntry), Buffer.alloc(end)]);
}

function rawEntry({ name, content = '', type = '0', link = '', size }: RawEntry): Buffer[] {
  const bytes = Buffer.from(content);
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, 'utf8');
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${(size ?? bytes.length).toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write(type, 156);
  block.write(link, 157, 100, 'utf8');
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
}

export function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

export function blobEntry(content: string | Uint8Array, digest = sha256(content)): RawEntry {
  return { name: `blobs/${digest.replace(':', '/')}`, content };
}

export const LAYOUT: RawEntry = { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' };

/** The entries of a small artifact as any OCI tool would write it: no bundle.json. */
export function foreignEntries(
  label: string | undefined = 'registry.example.com/team/tool:1',
  content = 'content',
): { readonly index: RawEntry; readonly blobs: readonly RawEntry[]; readonly digest: string } {
  const layer = Buffer.from(content);
  const config = Buffer.from('{}');
  const describe = (mediaType: string, bytes: Uint8Array) => ({ mediaType, digest: sha256(bytes), size: bytes.length });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: describe('application/vnd.oci.empty.v1+json', config),
      layers: [describe('application/octet-stream', layer)],
    }),
  );
  const entry = {
    ...describe('application/vnd.oci.image.manifest.v1+json', manifest),
    ...(label !== undefined && { annotations: { 'org.opencontainers.image.ref.name': label } }),
  };
  return {
    index: { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests: [entry] }) },
    blobs: [manifest, config, layer].map((bytes) => blobEntry(bytes)),
    digest: entry.digest,
  };
}

/** Saves small charts as `PREFIX/NAME:VERSION`; `filler` makes a chart larger by that many bytes that do not shrink. */
export async function saveCharts(
  home: string,
  charts: readonly { readonly name: string; readonly version: string; readonly filler?: number }[],
  prefix = 'registry.example.com/team',
): Promise<string[]> {
  const paths = charts.map(({ name, version, filler = 0 }) => {
    const path = join(home, 'sources', `${name}-${version}`, name);
    mkdirSync(join(path, 'templates'), { recursive: true });
    writeFileSync(join(path, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: ${version}\n`);
    writeFileSync(join(path, 'templates', 'one.yaml'), `name: ${name}-${version}\n`);
    writeFileSync(join(path, 'filler'), noise(`${name}-${version}`, filler));
    return path;
  });
  const { exit, stderr, stdout } = await runChart(['save', ...paths, '--to', prefix, '-q'], { home });
  if (exit !== 0) throw new Error(stderr);
  return stdout.trim().split('\n');
}

/** Bytes that look random and are the same every time. */
export function noise(seed: string, size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let done = 0, count = 0; done < size; done += 32, count++) {
    pieces.push(createHash('sha256').update(`${seed} ${count}`).digest());
  }
  return Buffer.concat(pieces).subarray(0, size);
}
