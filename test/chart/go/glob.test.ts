import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchGlob } from '../../../src/chart/go/glob.js';

const bytes = (text: string): string => Buffer.from(text).toString('latin1');
const match = (pattern: string, name: string): boolean => matchGlob(bytes(pattern), bytes(name));

// The pairs of Go's own documentation and of Go's behaviour with characters that are wider than a byte.
const MATCHING = [
  ['abc', 'abc'],
  ['*', 'abc'],
  ['*c', 'abc'],
  ['a*', 'a'],
  ['a*/b', 'abc/b'],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f'],
  ['a*b?c*x', 'abxbbxdbxebxczzx'],
  ['ab[c]', 'abc'],
  ['ab[b-d]', 'abc'],
  ['ab[^e-g]', 'abc'],
  ['a\\*b', 'a*b'],
  ['a?b', 'a☺b'],
  ['a[^a]b', 'a☺b'],
  ['[a-ζ]*', 'α'],
  ['[\\]a]', ']'],
  ['[\\-x]', '-'],
  ['[x\\-]', 'x'],
  ['*[^a]?', '€'],
  ['', ''],
] as const;

const OTHERS = [
  ['a*', 'ab/c'],
  ['a*/b', 'a/c/b'],
  ['a*b*c*d*e*/f', 'axbxcxdxexxx/fff'],
  ['a*b?c*x', 'abxbbxdbxebxczzy'],
  ['ab[e-g]', 'abc'],
  ['ab[^b-d]', 'abc'],
  ['a\\*b', 'ab'],
  ['a???b', 'a☺b'],
  ['a[^a][^a][^a]b', 'a☺b'],
  ['*[a-ζ]', 'A'],
  ['a?b', 'a/b'],
  ['*?', '€/'],
  ['', 'a'],
] as const;

test('matches', () => {
  for (const [pattern, name] of MATCHING) assert.equal(match(pattern, name), true, `${pattern} ${name}`);
});

test('does not match', () => {
  for (const [pattern, name] of OTHERS) assert.equal(match(pattern, name), false, `${pattern} ${name}`);
});

test('refuses a pattern that is none', () => {
  for (const pattern of ['[]a]', '[-]', '[x-]', '[-x]', '[a-b-c]', '[', '[^', '[^bc', 'a[', '\\']) {
    assert.throws(() => match(pattern, 'a'), { message: 'syntax error in pattern' }, pattern);
  }
});

test('does not look for faults behind what does not match already', () => {
  assert.equal(match('b*[', 'a'), false);
});

test('ends for many stars', () => {
  assert.equal(match(`${'*a'.repeat(500)}b`, 'a'.repeat(1000)), false);
});
