import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPrintable, isSpace, sanitize } from '../../../src/chart/go/printable.js';

test('prints letters, marks, numbers, punctuation, symbols and the blank, and no other white space', () => {
  for (const character of ['a', ' ', '~', 'é', '\u0301', '٣', '€', '日', '🚀', '\u{1fae8}', '\ufffd']) {
    assert.equal(isPrintable(character.codePointAt(0)!), true, character);
  }
  for (const code of [
    0, 0x1f, 0x7f, 0x85, 0xa0, 0xad, 0x200b, 0x2028, 0x3000, 0xd800, 0xe000, 0xfeff, 0xffff, 0x10ffff,
  ]) {
    assert.equal(isPrintable(code), false, code.toString(16));
  }
});

test('knows 148,998 of them, as many as Unicode 15.0 has', () => {
  let count = 0;
  for (let code = 0; code <= 0x10ffff; code++) if (isPrintable(code)) count++;
  assert.equal(count, 148_998);
});

test('calls nothing printable that this Node.js knows to be none', () => {
  const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
  for (let code = 0; code <= 0x10ffff; code++) {
    if (isPrintable(code)) assert.match(String.fromCodePoint(code), printable, code.toString(16));
  }
});

test('cleans texts', () => {
  assert.equal(sanitize('a\tb\r\nc\u0085d\u00a0e\u2028f'), 'a b  c d e f');
  assert.equal(sanitize('\ufeffa\u200b\x1b[1m\u00ad'), 'a[1m');
  assert.equal(isSpace('\ufeff'), false);
});
