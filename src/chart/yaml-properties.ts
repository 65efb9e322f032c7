/**
 * What is not content in YAML 1.1: `%YAML` and `%TAG` directives, `&anchor`, `*alias` and `!tag`. Each function starts at
 * the indicator and leaves the cursor behind what it read.
 */
import { type Cursor, isBlank, isBlankOrEnd, isBreakOrEnd, isWord } from './yaml-cursor.js';

export type YamlDirective =
  | { readonly name: 'YAML'; readonly version: string }
  | { readonly name: 'TAG'; readonly handle: string; readonly prefix: string };

export interface YamlTag {
  /** `!`, `!!` or `!name!`; empty where the suffix is the whole tag. */
  readonly handle: string;
  readonly suffix: string;
}

export function scanDirective(cursor: Cursor): YamlDirective {
  cursor.pos++;
  const name = takeWord(cursor);
  if (name === '') throw cursor.fault('could not find expected directive name');
  if (!isBlankOrEnd(cursor.code())) throw cursor.fault('found unexpected non-alphabetical character');
  let directive: YamlDirective;
  if (name === 'YAML') directive = scanVersion(cursor);
  else if (name === 'TAG') directive = scanTagDirective(cursor);
  else throw cursor.fault('found unknown directive name');
  cursor.skipBlanks();
  cursor.skipComment();
  if (!isBreakOrEnd(cursor.code())) throw cursor.fault('did not find expected comment or line break');
  cursor.takeBreak();
  return directive;
}

function scanVersion(cursor: Cursor): YamlDirective {
  cursor.skipBlanks();
  const major = takeVersionNumber(cursor);
  if (cursor.char() !== '.') throw cursor.fault("did not find expected digit or '.' character");
  cursor.pos++;
  return { name: 'YAML', version: `${major}.${takeVersionNumber(cursor)}` };
}

function takeVersionNumber(cursor: Cursor): number {
  const digits = /^[0-9]*/.exec(cursor.text.slice(cursor.pos, cursor.pos + 3))![0];
  if (digits.length > 2) throw cursor.fault('found extremely long version number');
  if (digits === '') throw cursor.fault('did not find expected version number');
  cursor.pos += digits.length;
  return Number(digits);
}

function scanTagDirective(cursor: Cursor): YamlDirective {
  cursor.skipBlanks();
  const handle = takeTagHandle(cursor, true);
  if (!isBlank(cursor.code())) throw cursor.fault('did not find expected whitespace');
  cursor.skipBlanks();
  const prefix = takeTagUri(cursor, '');
  if (!isBlankOrEnd(cursor.code())) throw cursor.fault('did not find expected whitespace or line break');
  return { name: 'TAG', handle, prefix };
}

/** The name of an anchor or an alias. */
export function scanAnchor(cursor: Cursor): string {
  cursor.pos++;
  const name = takeWord(cursor);
  if (name === '' || !(isBlankOrEnd(cursor.code()) || '?:,]}%@`'.includes(cursor.char()))) {
    throw cursor.fault('did not find expected alphabetic or numeric character');
  }
  return name;
}

export function scanTag(cursor: Cursor): YamlTag {
  let tag: YamlTag;
  if (cursor.char(1) === '<') {
    cursor.pos += 2;
    tag = { handle: '', suffix: takeTagUri(cursor, '') };
    if (cursor.char() !== '>') throw cursor.fault("did not find the expected '>'");
    cursor.pos++;
  } else {
    const handle = takeTagHandle(cursor, false);
    if (handle.length > 1 && handle.endsWith('!')) tag = { handle, suffix: takeTagUri(cursor, '') };
    else {
      const suffix = takeTagUri(cursor, handle);
      tag = suffix === '' ? { handle: '', suffix: '!' } : { handle: '!', suffix };
    }
  }
  if (!isBlankOrEnd(cursor.code())) throw cursor.fault('did not find expected whitespace or line break');
  return tag;
}

function takeTagHandle(cursor: Cursor, directive: boolean): string {
  if (cursor.char() !== '!') throw cursor.fault("did not find expected '!'");
  cursor.pos++;
  let handle = '!' + takeWord(cursor);
  if (cursor.char() === '!') {
    cursor.pos++;
    handle += '!';
  } else if (directive && handle !== '!') throw cursor.fault("did not find expected '!'");
  return handle;
}

/** @param head what was read already as if it were a handle, with its `!` */
function takeTagUri(cursor: Cursor, head: string): string {
  let uri = head.slice(1);
  let empty = head === '';
  for (let char = cursor.char(); ; char = cursor.char()) {
    if (char === '%') uri += takeUriEscape(cursor);
    else if (isWord(cursor.code()) || ";/?:@&=+$,.!~*'()[]".includes(char)) {
      uri += char;
      cursor.pos++;
    } else break;
    empty = false;
  }
  if (empty) throw cursor.fault('did not find expected tag URI');
  return uri;
}

/** One character of a tag in the form `%E2%82%AC`. */
function takeUriEscape(cursor: Cursor): string {
  const octets: number[] = [];
  for (let width = 1; octets.length < width; ) {
    const hex = /^%([0-9A-Fa-f]{2})/.exec(cursor.text.slice(cursor.pos, cursor.pos + 3))?.[1];
    if (hex === undefined) throw cursor.fault('did not find URI escaped octet');
    const octet = Number.parseInt(hex, 16);
    if (octets.length === 0) {
      width =
        octet < 0x80 ? 1 : (octet & 0xe0) === 0xc0 ? 2 : (octet & 0xf0) === 0xe0 ? 3 : (octet & 0xf8) === 0xf0 ? 4 : 0;
      if (width === 0) throw cursor.fault('found an incorrect leading UTF-8 octet');
    } else if ((octet & 0xc0) !== 0x80) throw cursor.fault('found an incorrect trailing UTF-8 octet');
    octets.push(octet);
    cursor.pos += 3;
  }
  return Buffer.from(octets).toString('utf8');
}

function takeWord(cursor: Cursor): string {
  const from = cursor.pos;
  while (isWord(cursor.code())) cursor.pos++;
  return cursor.text.slice(from, cursor.pos);
}
