import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFloat, quote, textOfBytes } from '../../../src/chart/go/format.js';

// Each as Go 1.26 prints it.
const SINGLE: [number, string][] = [
  [0, '0'],
  [-0, '-0'],
  [1.1, '1.1'],
  [2000, '2000'],
  [123456, '123456'],
  [1e6, '1e+06'],
  [1234567, '1.234567e+06'],
  [16777217, '1.6777216e+07'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [1e-45, '1e-45'],
  [1e-46, '0'],
  [3.4e38, '3.4e+38'],
  [1e39, '+Inf'],
  [-1e39, '-Inf'],
  [Number.NaN, 'NaN'],
  // The shortest digits are not the nearest (powers of two), or lie halfway.
  [2 ** -96, '1.2621775e-29'],
  [2 ** 87, '1.5474251e+26'],
  [2 ** -12, '0.00024414063'],
  [516482.625, '516482.62'],
  [2263502.25, '2.2635022e+06'],
];

test('writes numbers as Go’s %g does in single precision', () => {
  for (const [value, text] of SINGLE) assert.equal(formatFloat(value, 32), text);
});

test('writes numbers as Go’s %g does in double precision', () => {
  for (const [value, text] of [
    [0.1, '0.1'],
    [1e6, '1e+06'],
    [123456.75, '123456.75'],
    [-1.5e300, '-1.5e+300'],
    [5e-324, '5e-324'],
  ] as const) {
    assert.equal(formatFloat(value, 64), text);
  }
});

test('every single-precision power of two reads back', () => {
  for (let exponent = -149; exponent < 128; exponent++) {
    assert.equal(Math.fround(Number(formatFloat(2 ** exponent, 32))), 2 ** exponent);
  }
});

test('quotes as Go’s %q does', () => {
  assert.equal(
    quote('a"\\\x07\b\f\n\r\t\v\0\x1b\x7fé\u00a0\u00ad\u2028\ue000日🚀\u{1fadf}'),
    '"a\\"\\\\\\a\\b\\f\\n\\r\\t\\v\\x00\\x1b\\x7fé\\u00a0\\u00ad\\u2028\\ue000日🚀\\U0001fadf"',
  );
});

test('makes one U+FFFD of each byte that is not UTF-8', () => {
  assert.equal(textOfBytes(Buffer.from([0xe2, 0x82, 0xed, 0xa0, 0x80, 0x41])), '\ufffd\ufffd\ufffd\ufffd\ufffdA');
});
