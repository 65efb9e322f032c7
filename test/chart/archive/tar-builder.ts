/** Archives byte by byte, well-formed or not, made without the code under test. */
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';

export interface Member {
  readonly name: string | Buffer;
  /** `0` file, `5` directory, `2` symbolic link, ... */
  readonly type?: string;
  readonly body?: string | Uint8Array;
  readonly mode?: number;
  readonly link?: string;
  readonly prefix?: string;
  /** `ustar\0` and the version, or what takes their place. */
  readonly magic?: string;
  /** The text of the size field, where it is not that of the body. */
  readonly size?: string | Buffer;
  /** The last word on the header, before its checksum. */
  readonly change?: (header: Buffer) => void;
}

/** The header and content of one entry. */
export function member({ name, type = '0', body = '', mode = 0o644, link = '', prefix = '', ...rest }: Member): Buffer {
  const content = Buffer.from(body);
  const header = Buffer.alloc(512);
  header.set(Buffer.from(name).subarray(0, 100), 0);
  header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  header.write('0000000\x000000000\0', 108);
  header.set(Buffer.from(rest.size ?? `${content.length.toString(8).padStart(11, '0')}\0`), 124);
  header.write('00000000000\0        ', 136);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write(rest.magic ?? 'ustar\x0000', 257);
  header.write(prefix, 345, 155);
  rest.change?.(header);
  return Buffer.concat([checksummed(header), content, zeros(-content.length & 511)]);
}

function checksummed(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A header of pax records for what follows (`x`), or for all (`g`). */
export function pax(records: Readonly<Record<string, string>> | string, type = 'x'): Buffer {
  const body = typeof records === 'string' ? records : Object.entries(records).map(paxRecord).join('');
  return member({ name: 'PaxHeaders.0/x', type, body });
}

function paxRecord([key, value]: [string, string]): string {
  const rest = ` ${key}=${value}\n`;
  for (let length = Buffer.byteLength(rest) + 1; ; length++) {
    const record = `${length}${rest}`;
    if (Buffer.byteLength(record) === length) return record;
  }
}

/** GNU's way to write a long name. */
export function gnuLongName(name: string): Buffer {
  return member({ name: '././@LongLink', type: 'L', body: `${name}\0`, magic: 'ustar  \0' });
}

export function zeros(count: number): Buffer {
  return Buffer.alloc(count);
}

/** A whole archive. */
export function tgz(...members: readonly Buffer[]): Buffer {
  return gzipSync(Buffer.concat([...members, zeros(1024)]));
}

export const CHART_YAML = 'apiVersion: v2\nname: c\nversion: 0.1.0\n';

/** A valid chart `c`, and these files in it. */
export function chartTgz(files: Readonly<Record<string, string | Uint8Array>> = {}): Buffer {
  const all = { 'Chart.yaml': CHART_YAML, ...files };
  return tgz(...Object.entries(all).map(([name, body]) => member({ name: `c/${name}`, body })));
}

/** The bytes as a stream of chunks of some size. */
export function streamOf(bytes: Uint8Array, chunk = 16 * 1024): Readable {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
    bytes.subarray(i * chunk, (i + 1) * chunk),
  );
  return Readable.from(chunks, { objectMode: false });
}

/** {@link streamOf} as a function that starts it. */
export function opening(bytes: Uint8Array, chunk?: number): () => Promise<Readable> {
  return async () => streamOf(bytes, chunk);
}

export interface ParsedMember {
  readonly name: string;
  readonly mode: number;
  readonly body: Buffer;
}

/** Reads an archive with ustar and pax headers, without the code under test. */
export function parseTar(archive: Buffer): ParsedMember[] {
  const found: ParsedMember[] = [];
  let long: string | undefined;
  const text = (start: number, end: number): string => archive.toString('utf8', start, end).replace(/\0.*$/s, '');
  for (let at = 0; archive[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, at + 136), 8);
    const body = archive.subarray(at + 512, at + 512 + size);
    if (text(at + 156, at + 157) === 'x') {
      long = /^\d+ path=(.*)\n/.exec(body.toString())?.[1];
    } else {
      const short = [text(at + 345, at + 500), text(at, at + 100)].filter((part) => part !== '').join('/');
      found.push({ name: long ?? short, mode: Number.parseInt(text(at + 100, at + 108), 8), body });
      long = undefined;
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}
