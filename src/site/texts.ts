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
