/**
 * The characters of a YAML file: UTF-8, or UTF-16 behind a byte order mark, without control characters.
 *
 *     #x9 | #xA | #xD | [#x20-#x7E] | #x85 | [#xA0-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]    YAML 1.1, 5.1
 */
import { YamlError } from './error.js';

const FORBIDDEN = /[^\t\n\r\x20-\x7e\x85\xa0-\ufffd]/;

/**
 * The text without its byte order mark, with LF for the line breaks CR, CR LF and NEL of YAML 1.1, which the parser does not know.
 *
 * @throws YamlError
 */
export function readYamlText(bytes: Uint8Array): string {
  const text = decode(bytes);
  const match = FORBIDDEN.exec(text);
  if (match) throw new YamlError('control characters are not allowed', lineOf(text, match.index));
  return /[\r\x85]/.test(text) ? text.replace(/\r\n?|\x85/g, '\n') : text;
}

function decode(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new YamlError(`it is not ${encoding.toUpperCase()}`);
  }
}

/** The line of a place in a text, counted from 1. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
