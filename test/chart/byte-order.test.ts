import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareBytes } from '../../src/chart/byte-order.js';

test('orders names as their UTF-8 bytes do, also where UTF-16 does not', () => {
  const names = [
    '',
    'a',
    'a-b',
    'a.b',
    'a/b',
    'ab',
    'Z',
    'é',
    '日本',
    '\ud7ff',
    '\ue000',
    '\uffee',
    '🚀',
    '\u{10ffff}',
    'a🚀',
    'a\ue000',
  ];
  const expected = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual([...names].sort(compareBytes), expected);
  assert.deepEqual([...names].reverse().sort(compareBytes), expected);
  assert.notDeepEqual([...names].sort(), expected);
});
