/** Texts of charts, which are anybody's, made fit to be shown. */
import { sanitize } from '../chart/go/printable.js';

/** One line: as Helm cleans names and descriptions. Bidirectional overrides and other invisible characters go. */
export function cleanLine(text: string): string {
  return sanitize(text);
}

/** Line breaks and tabs stay; what YAML cannot hold and what no text needs goes. */
export function cleanLines(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n\t]|[\p{Cs}\ufeff\ufffe\uffff\u2028\u2029]/gu, '');
}

/** A file as text, at most `limit` bytes of it; broken characters are replaced. */
export function decodeText(bytes: Uint8Array, limit: number): { readonly text: string; readonly isCut: boolean } {
  const isCut = bytes.length > limit;
  const text = new TextDecoder().decode(
    isCut ? bytes.subarray(0, bytes.lastIndexOf(10, limit - 1) + 1 || limit) : bytes,
  );
  return { text: text.replace(/\r\n?/g, '\n'), isCut };
}

/** What would reorder the text around it, or show as nothing at all (CVE-2021-42574). */
const HIDDEN = /[^\P{C}\n\t\u200c\u200d]|[\u2028\u2029]/gu;

/** Running text without characters that deceive. Marks of direction that a right-to-left text needs are kept. */
export function withoutHidden(text: string): string {
  return text.replace(HIDDEN, (character) => (/[\u200e\u200f\u061c]/.test(character) ? character : ''));
}

/** Splits off the characters that deceive, so that code can show them by their number: every second piece is such one. */
export function splitHidden(text: string): string[] {
  return text.split(new RegExp(`(${HIDDEN.source})`, 'gu'));
}

/** `U+202E` */
export function codePointName(character: string): string {
  return `U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** At most so many characters, none of them cut in two. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${[...text.slice(0, limit)].slice(0, -1).join('')}…`;
}
