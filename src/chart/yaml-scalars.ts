/**
 * The scalars of YAML 1.1: plain, 'single', "double", | literal and > folded. Each function starts at the scalar's first
 * character, leaves the cursor behind its last, and returns its value.
 */
import {
  BACKSLASH,
  COLON,
  type Cursor,
  DOUBLE_QUOTE,
  HASH,
  isBlank,
  isBlankOrEnd,
  isBreak,
  isBreakOrEnd,
  SINGLE_QUOTE,
  SPACE,
  TAB,
} from './yaml-cursor.js';

export interface PlainScalar {
  readonly value: string;
  /** A line break was passed behind the value. */
  readonly endsLine: boolean;
}

/** Line breaks and blanks between two pieces of a flow scalar, until it is clear what they come to. */
class Gap {
  blanks = '';
  lineBreak = '';
  moreBreaks = '';
  broken = false;

  /** Steps over blanks and breaks. @param indent what a tab must not stand before, or -1 */
  pass(cursor: Cursor, indent: number): void {
    for (let code = cursor.code(); ; code = cursor.code()) {
      if (isBlank(code)) {
        if (this.broken && code === TAB && cursor.column < indent) {
          throw cursor.fault('found a tab character that violates indentation');
        }
        if (!this.broken) this.blanks += code === TAB ? '\t' : ' ';
        cursor.pos++;
      } else if (isBreak(code)) {
        if (this.broken) this.moreBreaks += cursor.takeBreak();
        else this.lineBreak = cursor.takeBreak();
        this.broken = true;
      } else return;
    }
  }

  /** One break is a space, each further one a line feed; LS and PS stay themselves. */
  fold(): string {
    if (!this.broken) return this.blanks;
    if (!this.lineBreak.startsWith('\n')) return this.lineBreak + this.moreBreaks;
    return this.moreBreaks === '' ? ' ' : this.moreBreaks;
  }
}

const BLOCK_WORD = /[^\0\t\n\r :\x85\u2028\u2029]*/y;
const FLOW_WORD = /[^\0\t\n\r :\x85\u2028\u2029,?[\]{}]*/y;

/** What stands between white space; a colon ends it only before white space. */
function takeWord(cursor: Cursor, flow: boolean): string {
  const pattern = flow ? FLOW_WORD : BLOCK_WORD;
  const from = cursor.pos;
  cursor.skip(pattern);
  while (cursor.code() === COLON && !isBlankOrEnd(cursor.code(1))) {
    cursor.pos++;
    cursor.skip(pattern);
  }
  return cursor.text.slice(from, cursor.pos);
}

/** @param indent the column that further lines must reach, in block context */
export function scanPlain(cursor: Cursor, indent: number, flow: boolean): PlainScalar {
  let value = '';
  let gap: Gap | undefined;
  while (!cursor.atDocumentIndicator() && cursor.code() !== HASH) {
    const word = takeWord(cursor, flow);
    if (word !== '') {
      value = gap === undefined ? word : value + gap.fold() + word;
      gap = undefined;
    }
    const code = cursor.code();
    if (!isBlank(code) && !isBreak(code)) break;
    gap ??= new Gap();
    gap.pass(cursor, indent);
    if (!flow && cursor.column < indent) break;
  }
  return { value, endsLine: gap?.broken ?? false };
}

const SINGLE_PART = /[^\0\t\n\r \x85\u2028\u2029']*/y;
const DOUBLE_PART = /[^\0\t\n\r \x85\u2028\u2029"\\]*/y;

export function scanQuoted(cursor: Cursor): string {
  const quote = cursor.code();
  const part = quote === SINGLE_QUOTE ? SINGLE_PART : DOUBLE_PART;
  let value = '';
  cursor.pos++;
  for (;;) {
    if (cursor.atDocumentIndicator()) throw cursor.fault('found unexpected document indicator');
    if (cursor.code() === 0) throw cursor.fault('found unexpected end of stream');
    const gap = new Gap();
    for (;;) {
      value += cursor.take(part);
      const code = cursor.code();
      if (code === SINGLE_QUOTE && quote === SINGLE_QUOTE && cursor.code(1) === SINGLE_QUOTE) {
        value += "'";
        cursor.pos += 2;
      } else if (code === BACKSLASH && quote === DOUBLE_QUOTE) {
        if (isBreak(cursor.code(1))) {
          cursor.pos++;
          cursor.takeBreak();
          gap.broken = true;
          break;
        }
        value += takeEscape(cursor);
      } else break;
    }
    if (cursor.code() === quote) {
      cursor.pos++;
      return value;
    }
    gap.pass(cursor, -1);
    value += gap.fold();
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  "'": "'",
  '\\': '\\',
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
};

function takeEscape(cursor: Cursor): string {
  const letter = cursor.text.charAt(cursor.pos + 1);
  const length = letter === 'x' ? 2 : letter === 'u' ? 4 : letter === 'U' ? 8 : 0;
  if (length === 0) {
    if (!Object.hasOwn(ESCAPES, letter)) throw cursor.fault('found unknown escape character');
    cursor.pos += 2;
    return ESCAPES[letter]!;
  }
  const digits = cursor.text.slice(cursor.pos + 2, cursor.pos + 2 + length);
  if (digits.length < length || !/^[0-9A-Fa-f]*$/.test(digits)) {
    throw cursor.fault('did not find expected hexdecimal number');
  }
  const value = Number.parseInt(digits, 16);
  if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) {
    throw cursor.fault('found invalid Unicode character escape code');
  }
  cursor.pos += 2 + length;
  return String.fromCodePoint(value);
}

/** @param parentIndent the column of the block that holds the scalar, -1 at the top */
export function scanBlock(cursor: Cursor, parentIndent: number): string {
  const literal = cursor.char() === '|';
  cursor.pos++;
  const header = takeBlockHeader(cursor);
  let indent = header.increment === 0 ? 0 : Math.max(parentIndent, 0) + header.increment;

  let value = '';
  let lineBreak = '';
  let breaks: string;
  let blankBefore = false;
  [indent, breaks] = passBlockBreaks(cursor, indent, parentIndent);
  while (cursor.column === indent && cursor.code() !== 0) {
    const blank = isBlank(cursor.code());
    if (!literal && !blankBefore && !blank && lineBreak.startsWith('\n')) value += breaks === '' ? ' ' : '';
    else value += lineBreak;
    value += breaks;
    blankBefore = blank;

    value += cursor.takeRestOfLine();
    lineBreak = cursor.takeBreak();
    [indent, breaks] = passBlockBreaks(cursor, indent, parentIndent);
  }
  return value + (header.chomping < 0 ? '' : lineBreak) + (header.chomping > 0 ? breaks : '');
}

/** `+` (1) and `-` (-1), a digit, in either order; then nothing but a comment. */
function takeBlockHeader(cursor: Cursor): { chomping: number; increment: number } {
  let chomping = 0;
  let increment = 0;
  const takeChomping = (): boolean => {
    const sign = cursor.char();
    if (sign !== '+' && sign !== '-') return false;
    chomping = sign === '+' ? 1 : -1;
    cursor.pos++;
    return true;
  };
  const takeIncrement = (): boolean => {
    const digit = cursor.char();
    if (!/^[0-9]$/.test(digit)) return false;
    if (digit === '0') throw cursor.fault('found an indentation indicator equal to 0');
    increment = Number(digit);
    cursor.pos++;
    return true;
  };
  if (takeChomping()) takeIncrement();
  else if (takeIncrement()) takeChomping();
  cursor.skipBlanks();
  cursor.skipComment();
  if (!isBreakOrEnd(cursor.code())) throw cursor.fault('did not find expected comment or line break');
  cursor.takeBreak();
  return { chomping, increment };
}

/** Steps over indentation and empty lines, and settles the indentation (0: not known yet) by the deepest of them. */
function passBlockBreaks(cursor: Cursor, indent: number, parentIndent: number): [indent: number, breaks: string] {
  let breaks = '';
  let deepest = 0;
  for (;;) {
    while ((indent === 0 || cursor.column < indent) && cursor.code() === SPACE) cursor.pos++;
    deepest = Math.max(deepest, cursor.column);
    if ((indent === 0 || cursor.column < indent) && cursor.code() === TAB) {
      throw cursor.fault('found a tab character where an indentation space is expected');
    }
    const lineBreak = cursor.takeBreak();
    if (lineBreak === '') return [indent === 0 ? Math.max(deepest, parentIndent + 1, 1) : indent, breaks];
    breaks += lineBreak;
  }
}
