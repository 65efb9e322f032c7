/**
 * Go's `path/filepath.Match` with `/` as the separator, on every platform.
 *
 *     *    any characters but `/`        [abc] [a-c] [^a]    one of them; `!` is no negation
 *     ?    one character but `/`         \c                  the character c
 *
 * Patterns and names are strings of bytes (UTF-8, one code unit for each byte): Go skips bytes at `*`, even within a character.
 */
import { ContentError } from '../content-error.js';

/** @throws ContentError `syntax error in pattern`, but only for a fault that the name makes it look at */
export function matchGlob(pattern: string, name: string): boolean {
  let rest = pattern;
  let left = name;
  next: while (rest !== '') {
    const { star, chunk, after } = cutChunk(rest);
    rest = after;
    if (star && chunk === '') return !left.includes('/');
    const end = matchChunk(chunk, left);
    if (end !== undefined && (end === '' || rest !== '')) {
      left = end;
      continue;
    }
    if (star) {
      for (let i = 0; i < left.length && left[i] !== '/'; i++) {
        const later = matchChunk(chunk, left.slice(i + 1));
        if (later === undefined || (rest === '' && later !== '')) continue;
        left = later;
        continue next;
      }
    }
    return false;
  }
  return left === '';
}

/** Cuts off the stars in front and what follows up to the next star. */
function cutChunk(pattern: string): { star: boolean; chunk: string; after: string } {
  const start = /^\**/.exec(pattern)![0].length;
  let inClass = false;
  let end = start;
  for (; end < pattern.length; end++) {
    const character = pattern[end];
    if (character === '\\') end++;
    else if (character === '[') inClass = true;
    else if (character === ']') inClass = false;
    else if (character === '*' && !inClass) break;
  }
  return { star: start > 0, chunk: pattern.slice(start, end), after: pattern.slice(end) };
}

/** What is left of the name behind a chunk without stars; undefined where it does not match. */
function matchChunk(chunk: string, name: string): string | undefined {
  let failed = false;
  let at = 0;
  let left = name;
  while (at < chunk.length) {
    failed ||= left === '';
    let character = chunk[at];
    if (character === '[') {
      const [code, width] = failed ? [0, 0] : decodeCharacter(left);
      const found = matchClass(chunk, at + 1, code);
      at = found.end;
      left = left.slice(width);
      failed ||= !found.matches;
      continue;
    }
    if (character === '?') {
      if (!failed) {
        failed = left[0] === '/';
        left = left.slice(decodeCharacter(left)[1]);
      }
    } else {
      if (character === '\\') {
        character = chunk[++at];
        if (character === undefined) throw badPattern();
      }
      if (!failed) {
        failed = character !== left[0];
        left = left.slice(1);
      }
    }
    at++;
  }
  return failed ? undefined : left;
}

function matchClass(chunk: string, start: number, code: number): { matches: boolean; end: number } {
  let at = start;
  const negated = chunk[at] === '^';
  if (negated) at++;
  let matches = false;
  for (let ranges = 0; chunk[at] !== ']' || ranges === 0; ranges++) {
    const low = takeBound(chunk, at);
    at = low.end;
    let high = low;
    if (chunk[at] === '-') {
      high = takeBound(chunk, at + 1);
      at = high.end;
    }
    matches ||= low.code <= code && code <= high.code;
  }
  return { matches: matches !== negated, end: at + 1 };
}

function takeBound(chunk: string, start: number): { code: number; end: number } {
  let at = start;
  if (at >= chunk.length || chunk[at] === '-' || chunk[at] === ']') throw badPattern();
  if (chunk[at] === '\\') at++;
  if (at >= chunk.length) throw badPattern();
  const [code, width] = decodeCharacter(chunk.slice(at));
  at += width;
  if ((code === INVALID && width === 1) || at >= chunk.length) throw badPattern();
  return { code, end: at };
}

const INVALID = 0xfffd;

/** The first character of a string of bytes, and its width; a byte that is not UTF-8 is U+FFFD. */
function decodeCharacter(bytes: string): [code: number, width: number] {
  const lead = bytes.charCodeAt(0);
  if (lead < 0x80) return [lead, 1];
  const width = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  const [character = '', ...more] = Buffer.from(bytes.slice(0, width), 'latin1').toString('utf8');
  const valid = more.length === 0 && Buffer.byteLength(character) === width && bytes.length >= width;
  const code = character.codePointAt(0)!;
  return valid && (code !== INVALID || bytes.startsWith('\xef\xbf\xbd')) ? [code, width] : [INVALID, 1];
}

function badPattern(): ContentError {
  return new ContentError('syntax error in pattern');
}
