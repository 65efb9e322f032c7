/** The fields of a tar header block, read. Layout: tar-header.ts. */
import { ChartError } from '../../errors.js';
import { quoteName } from './entry-path.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The name of an entry, with its prefix where the header is a ustar one (GNU's own format has other things there). */
export function headerName(block: Buffer): string {
  const name = headerText(block, 0, 100);
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? headerText(block, 345, 500) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Text up to the first NUL. */
export function headerText(bytes: Buffer, start: number, end: number): string {
  const field = bytes.subarray(start, end);
  const nul = field.indexOf(0);
  return decodeName(nul < 0 ? field : field.subarray(0, nul));
}

/** @throws ChartError `ARCHIVE_INVALID` for what is not UTF-8, since each system would make another name of it */
export function decodeName(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw invalidHeader('a name that is not UTF-8', Buffer.from(bytes).toString('latin1'));
  }
}

/** Octal digits between blanks or NULs, or GNU's binary form for what does not fit. */
export function headerNumber(block: Buffer, start: number, length: number): number {
  const first = block[start] as number;
  if (first & 0x80) {
    let value = first & 0x7f;
    for (let i = start + 1; i < start + length; i++) value = value * 256 + (block[i] as number);
    if (!Number.isSafeInteger(value)) throw invalidHeader('a number out of range');
    return value;
  }
  const digits = block.toString('latin1', start, start + length).replace(/^[ \0]+|[ \0]+$/g, '');
  if (!/^[0-7]*$/.test(digits)) throw invalidHeader('a field that is no number');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** Owner, group, time; device numbers. */
const UNUSED = [108, 116, 136] as const;
const UNUSED_OF_USTAR = [329, 337] as const;

/**
 * Looks at numbers that are not used here: Helm cannot read an archive in which they are none.
 *
 * @throws ChartError `ARCHIVE_INVALID`
 */
export function checkUnusedNumbers(block: Buffer): void {
  const isPlain = block.toString('latin1', 257, 262) !== 'ustar';
  for (const start of isPlain ? UNUSED : [...UNUSED, ...UNUSED_OF_USTAR]) {
    const isBinary = ((block[start] as number) & 0x80) !== 0;
    if (!isBinary) headerNumber(block, start, start === 136 ? 12 : 8);
  }
}

/** Bytes count as unsigned, or as signed for the archives of some old programs. */
export function checksumHolds(block: Buffer): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < block.length; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (block[i] as number);
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const promised = headerNumber(block, 148, 8);
  return promised === unsigned || promised === signed;
}

export function invalidHeader(reason: string, name?: string): ChartError {
  const where = name === undefined ? '' : ` ${quoteName(name)}`;
  return new ChartError('ARCHIVE_INVALID', `archive/tar: invalid tar header: ${reason}${where}`);
}
