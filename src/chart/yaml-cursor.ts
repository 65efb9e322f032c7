/**
 * A place in a YAML text, and the character classes of YAML 1.1: there the line breaks are CR, LF, CR LF, NEL (U+0085),
 * LS (U+2028) and PS (U+2029).
 */
import { ContentError } from './content-error.js';

// Code units that are compared for each character.
export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const DOUBLE_QUOTE = 34;
export const HASH = 35;
export const SINGLE_QUOTE = 39;
export const COLON = 58;
export const BACKSLASH = 92;

/** A YAML text that cannot be read, in the words of Helm's YAML library. */
export class YamlError extends ContentError {
  /** @param line the number that the library would show; 0 for none */
  constructor(problem: string, line = 0) {
    super(`yaml: ${line === 0 ? '' : `line ${line}: `}${problem}`);
    this.name = 'YamlError';
  }
}

// Sticky, and told where to start at each use. What may be long goes through regular expressions, which are fast before the
// engine has warmed up; they repeat single characters only, since anything else takes stack for each repetition.
const REST_OF_LINE = /[^\0\n\r\x85\u2028\u2029]*/y;

export class Cursor {
  /** Ends in a NUL. */
  readonly text: string;
  pos = 0;
  lineStart = 0;

  constructor(text: string) {
    this.text = text;
  }

  get column(): number {
    return this.pos - this.lineStart;
  }

  /** The UTF-16 code unit at this place or after it; 0 at the end. */
  code(ahead = 0): number {
    return this.text.charCodeAt(this.pos + ahead);
  }

  char(ahead = 0): string {
    return this.text.charAt(this.pos + ahead);
  }

  atEnd(): boolean {
    return this.pos >= this.text.length - 1;
  }

  /** Steps over a line break and returns what it means: LS and PS themselves, else a line feed. Empty where there is none. */
  takeBreak(): string {
    const code = this.code();
    if (!isBreak(code)) return '';
    this.pos += code === CR && this.code(1) === LF ? 2 : 1;
    this.lineStart = this.pos;
    return code === 0x2028 || code === 0x2029 ? String.fromCharCode(code) : '\n';
  }

  skipBlanks(): void {
    while (isBlank(this.code())) this.pos++;
  }

  skipSpaces(): void {
    while (this.code() === SPACE) this.pos++;
  }

  skipComment(): void {
    if (this.code() === HASH) this.skip(REST_OF_LINE);
  }

  takeRestOfLine(): string {
    return this.take(REST_OF_LINE);
  }

  /** @param pattern sticky, without line breaks unless it ends in one, and content with nothing */
  skip(pattern: RegExp): void {
    pattern.lastIndex = this.pos;
    pattern.test(this.text);
    this.pos = pattern.lastIndex;
  }

  take(pattern: RegExp): string {
    const from = this.pos;
    this.skip(pattern);
    return this.text.slice(from, this.pos);
  }

  /** `---` or `...` at the start of a line, and nothing else glued to it. */
  atDocumentIndicator(): boolean {
    if (this.pos !== this.lineStart) return false;
    const mark = this.text.slice(this.pos, this.pos + 3);
    return (mark === '---' || mark === '...') && isBlankOrEnd(this.code(3));
  }

  /** What the scanner stumbles over here; the library counts these lines from 1, but names none on the first. */
  fault(problem: string): YamlError {
    const line = lineOf(this.text, this.pos);
    return new YamlError(problem, line === 0 ? 0 : line + 1);
  }
}

/**
 * The line of a place, counted from 0.
 *
 * @param pos behind the NUL it means the start of a line of its own
 */
export function lineOf(text: string, pos: number): number {
  const before = text.slice(0, pos).replace('\0', '');
  const breaks = before.match(/\r\n?|[\n\x85\u2028\u2029]/g)?.length ?? 0;
  return pos === text.length && before !== '' && !isBreak(before.charCodeAt(before.length - 1)) ? breaks + 1 : breaks;
}

export function isBreak(code: number): boolean {
  return code === LF || code === CR || (code > 126 && (code === 0x85 || code === 0x2028 || code === 0x2029));
}

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

export function isBreakOrEnd(code: number): boolean {
  return code === 0 || isBreak(code);
}

export function isBlankOrEnd(code: number): boolean {
  return code === SPACE || code === TAB || code === 0 || isBreak(code);
}

/** `0-9 A-Z a-z _ -` */
export function isWord(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 95 ||
    code === 45
  );
}
