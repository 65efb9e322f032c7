/**
 * The characters of a YAML 1.1 file: UTF-8, or UTF-16 behind a byte order mark; no control characters.
 *
 *     #x9 | #xA | #xD | [#x20-#x7E] | #x85 | [#xA0-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]    YAML 1.1, 5.1
 */
import { isUtf8 } from 'node:buffer';
import { YamlError } from './yaml-cursor.js';

export interface YamlText {
  /** Ends in a NUL, which no YAML text holds: the end is seen without looking at the length. */
  readonly text: string;
  /** Why the text ends before the file does. Only a reader that gets to that end is concerned. */
  readonly fault: YamlError | undefined;
}

/** Helm's YAML library reads this many bytes at a time: a fault hides what stands before it in the same block. */
const BLOCK = 512;

const FORBIDDEN = /[^\t\n\r\x20-\x7e\x85\xa0-\ufffd]/;

export function readYamlText(bytes: Uint8Array): YamlText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length >= 2 && buffer[0] === 0xff && buffer[1] === 0xfe) return readUtf16(buffer.subarray(2));
  if (buffer.length >= 2 && buffer[0] === 0xfe && buffer[1] === 0xff) {
    const even = buffer.length - (buffer.length % 2);
    return readUtf16(Buffer.concat([Buffer.from(buffer.subarray(2, even)).swap16(), buffer.subarray(even)]));
  }
  const body = buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? buffer.subarray(3) : buffer;
  if (isUtf8(body)) {
    const text = body.toString('utf8');
    if (!FORBIDDEN.test(text)) return { text: text + '\0', fault: undefined };
  }
  const { offset, problem } = findFault(body);
  let end = problem.startsWith('incomplete') ? offset : offset - (offset % BLOCK);
  while (end > 0 && (body[end]! & 0xc0) === 0x80) end--;
  return { text: body.toString('utf8', 0, end) + '\0', fault: new YamlError(problem) };
}

/** Where a byte sequence stops being YAML in UTF-8 (RFC 3629). There is such a place. */
function findFault(bytes: Uint8Array): { offset: number; problem: string } {
  for (let offset = 0; offset < bytes.length; ) {
    const lead = bytes[offset]!;
    const width =
      lead < 0x80 ? 1 : (lead & 0xe0) === 0xc0 ? 2 : (lead & 0xf0) === 0xe0 ? 3 : (lead & 0xf8) === 0xf0 ? 4 : 0;
    if (width === 0) return { offset, problem: 'invalid leading UTF-8 octet' };
    if (offset + width > bytes.length) return { offset, problem: 'incomplete UTF-8 octet sequence' };
    let value = width === 1 ? lead : lead & (0x7f >> width);
    for (let k = 1; k < width; k++) {
      const octet = bytes[offset + k]!;
      if ((octet & 0xc0) !== 0x80) return { offset, problem: 'invalid trailing UTF-8 octet' };
      value = (value << 6) | (octet & 0x3f);
    }
    if (value < [0, 0, 0x80, 0x800, 0x10000][width]!) return { offset, problem: 'invalid length of a UTF-8 sequence' };
    if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff)
      return { offset, problem: 'invalid Unicode character' };
    if (value < 0x10000 && FORBIDDEN.test(String.fromCharCode(value))) {
      return { offset, problem: 'control characters are not allowed' };
    }
    offset += width;
  }
  throw new Error('no fault found in a faulty YAML text');
}

/** @param body little-endian, without its byte order mark */
function readUtf16(body: Buffer): YamlText {
  const text = body.toString('utf16le');
  const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.exec(text);
  const control = FORBIDDEN.exec(text);
  let fault: YamlError | undefined;
  let end = text.length;
  if (lone !== null && (control === null || lone.index < control.index)) {
    const words = lone[0] >= '\udc00' ? 'unexpected low surrogate area' : 'expected low surrogate area';
    fault = new YamlError(
      lone.index === text.length - 1 && lone[0] < '\udc00' ? 'incomplete UTF-16 surrogate pair' : words,
    );
    end = lone.index;
  } else if (control !== null) {
    fault = new YamlError('control characters are not allowed');
    end = control.index;
  } else if (body.length % 2 === 1) {
    fault = new YamlError('incomplete UTF-16 character');
  }
  if (fault !== undefined) end -= end % (BLOCK / 2);
  return { text: text.slice(0, end) + '\0', fault };
}
