import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isValidJson } from '../../../src/chart/go/json-syntax.js';

test('knows JSON', () => {
  for (const text of [
    '{}',
    ' [1, -0.5e+3, "a\\u00e9\\n", null, true] \n',
    '"\u2028"',
    '{"a":1,"a":2,"__proto__":{}}',
    '0',
  ]) {
    assert.equal(isValidJson(Buffer.from(text)), true, text);
  }
  for (const text of [
    '',
    ' ',
    '{',
    '[1,]',
    '01',
    '.5',
    "'a'",
    '"\t"',
    '"\\x"',
    '{a:1}',
    '1 2',
    '\ufeff{}',
    '\u00a0{}',
    'NaN',
  ]) {
    assert.equal(isValidJson(Buffer.from(text)), false, text);
  }
});

test('does not mind broken UTF-8 within strings, like Go', () => {
  assert.equal(isValidJson(Buffer.from([0x22, 0xff, 0xc3, 0x22])), true);
  assert.equal(isValidJson(Buffer.from([0xff])), false);
});

test('does not count brackets within strings', () => {
  assert.equal(isValidJson(Buffer.from(`"${'['.repeat(20_000)}\\"${'{'.repeat(20_000)}"`)), true);
});
