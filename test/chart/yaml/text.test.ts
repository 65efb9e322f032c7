import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYamlText } from '../../../src/chart/yaml/text.js';
import { readYaml } from '../../../src/chart/yaml/values.js';

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));

test('reads UTF-8 and UTF-16, with a byte order mark or, for UTF-8, without', () => {
  const text = 'é: 🚀\n';
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  for (const file of [Buffer.from(text), Buffer.from(`\ufeff${text}`), utf16, Buffer.from(utf16).swap16()]) {
    assert.deepEqual(readYamlText(file), text);
  }
});

const FAULTS: [file: Buffer, problem: RegExp][] = [
  [bytes('a\0'), /line 1: control characters are not allowed/],
  [bytes('a\nb\x7f'), /line 2: control characters are not allowed/],
  [bytes('a\x1b[31m'), /control characters are not allowed/],
  [bytes('a\ufffe'), /control characters are not allowed/],
  [bytes('a', [0x80]), /it is not UTF-8/],
  [bytes('a', [0xc3]), /it is not UTF-8/],
  [bytes('a', [0xed, 0xa0, 0x80]), /it is not UTF-8/],
  [bytes([0xff, 0xfe, 0x61]), /it is not UTF-16LE/],
  [bytes([0xff, 0xfe, 0x00, 0xd8]), /it is not UTF-16LE/],
  [bytes([0xfe, 0xff, 0xdc, 0x00]), /it is not UTF-16BE/],
  [bytes([0xfe, 0xff, 0x00, 0x01]), /control characters are not allowed/],
];

test('refuses what is no text', () => {
  for (const [file, problem] of FAULTS) {
    assert.throws(() => readYaml(file), problem, file.toString('hex'));
  }
});
