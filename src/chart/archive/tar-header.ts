/**
 * The header of one tar entry, written: POSIX ustar, with a pax header before it where ustar cannot hold the name or size.
 *
 *     offset  0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 checksum 8
 *           156 type 1 | 157 link 100 | 257 "ustar" NUL "00" | 265 owner 32 | 297 group 32 | 329 device 8 8 | 345 prefix 155
 *
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html ("ustar Interchange Format", "pax Header Block")
 */

export const BLOCK = 512;

/**
 * 2000-01-01T00:00:00Z in seconds. Every entry has it, so that the clock never shows in a digest. Zero would do for tar, but
 * GNU tar then warns of an implausible time, and zip and FAT (Windows) know no time before 1980 in any time zone.
 */
const MODIFIED = 946_684_800;

const LARGEST_SIZE = 0o77777777777;
const NAME = 100;
const PREFIX = 155;

export interface TarEntry {
  /** Whole name with `/`; that of a directory ends with one. */
  readonly name: string;
  readonly isDirectory: boolean;
  /** Bytes; 0 for a directory. */
  readonly size: number;
  readonly executable: boolean;
}

/** The blocks that go before an entry's content: the same for the same entry, on every system. */
export function tarHeader(entry: TarEntry): Buffer {
  const type = entry.isDirectory ? '5' : '0';
  const mode = entry.isDirectory || entry.executable ? 0o755 : 0o644;
  const split = splitName(entry.name);
  const size = Math.min(entry.size, LARGEST_SIZE);
  const records: string[] = [];
  if (split === undefined) records.push(paxRecord('path', entry.name));
  if (entry.size > LARGEST_SIZE) records.push(paxRecord('size', String(entry.size)));
  const header = ustarBlock(split ?? { name: asciiTail(entry.name), prefix: '' }, { type, mode, size });
  if (records.length === 0) return header;
  const body = Buffer.from(records.join(''));
  const pax = ustarBlock({ name: paxName(entry.name), prefix: '' }, { type: 'x', mode: 0o644, size: body.length });
  return Buffer.concat([pax, body, Buffer.alloc(paddingOf(body.length)), header]);
}

/** Bytes of zeros that follow content of this size. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

interface SplitName {
  readonly name: string;
  readonly prefix: string;
}

/** Undefined for a name that ustar cannot hold: too long, or not ASCII (ustar leaves open what other bytes mean). */
function splitName(name: string): SplitName | undefined {
  if (!/^[\x20-\x7e]*$/.test(name)) return undefined;
  if (name.length <= NAME) return { name, prefix: '' };
  const cut = name.lastIndexOf('/', Math.min(PREFIX, name.length - 2));
  if (cut <= 0 || name.length - cut - 1 > NAME) return undefined;
  return { name: name.slice(cut + 1), prefix: name.slice(0, cut) };
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (bytes + String(length).length !== length) length = bytes + String(length).length;
  return `${length}${rest}`;
}

/** What a reader without pax support would call the file of records. */
function paxName(name: string): string {
  const path = name.replace(/\/$/, '');
  const cut = path.lastIndexOf('/');
  return asciiTail(`PaxHeaders.0/${path.slice(cut + 1)}`);
}

/** At most 100 bytes that ustar can hold; readers with pax support never look at them. */
function asciiTail(name: string): string {
  return name.replace(/[^\x20-\x7e]/gu, '_').slice(-NAME);
}

function ustarBlock({ name, prefix }: SplitName, fields: { type: string; mode: number; size: number }): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, NAME, 'latin1');
  block.write(octal(fields.mode, 7), 100, 'latin1');
  block.write(octal(0, 7), 108, 'latin1');
  block.write(octal(0, 7), 116, 'latin1');
  block.write(octal(fields.size, 11), 124, 'latin1');
  block.write(octal(MODIFIED, 11), 136, 'latin1');
  block.write('        ', 148, 'latin1');
  block.write(fields.type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(octal(0, 7), 329, 'latin1');
  block.write(octal(0, 7), 337, 'latin1');
  block.write(prefix, 345, PREFIX, 'latin1');
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
