import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYamlText } from '../../src/chart/yaml-text.js';
import { readYaml } from '../../src/chart/yaml-values.js';

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));

test('reads UTF-8 and UTF-16, with a byte order mark or, for UTF-8, without', () => {
  const text = 'é: 🚀\n';
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  for (const file of [Buffer.from(text), Buffer.from(`\ufeff${text}`), utf16, Buffer.from(utf16).swap16()]) {
    assert.deepEqual(readYamlText(file), { text: `${text}\0`, fault: undefined });
  }
});

const FAULTS: [file: Buffer, problem: string][] = [
  [bytes('a\0'), 'control characters are not allowed'],
  [bytes('a\x7f'), 'control characters are not allowed'],
  [bytes('a\x1b[31m'), 'control characters are not allowed'],
  [bytes('a\ufffe'), 'control characters are not allowed'],
  [bytes('a', [0x80]), 'invalid leading UTF-8 octet'],
  [bytes('a', [0xc3]), 'incomplete UTF-8 octet sequence'],
  [bytes('a', [0xc3, 0x28]), 'invalid trailing UTF-8 octet'],
  [bytes('a', [0xc0, 0x80]), 'invalid length of a UTF-8 sequence'],
  [bytes('a', [0xed, 0xa0, 0x80]), 'invalid Unicode character'],
  [bytes([0xff, 0xfe, 0x61]), 'incomplete UTF-16 character'],
  [bytes([0xff, 0xfe, 0x00, 0xd8]), 'incomplete UTF-16 surrogate pair'],
  [bytes([0xff, 0xfe, 0x00, 0xd8, 0x61, 0x00]), 'expected low surrogate area'],
  [bytes([0xfe, 0xff, 0xdc, 0x00]), 'unexpected low surrogate area'],
  [bytes([0xfe, 0xff, 0x00, 0x01]), 'control characters are not allowed'],
];

test('refuses what is no text, in the words of Helm’s library', () => {
  for (const [file, problem] of FAULTS) {
    assert.throws(() => readYaml(file), { message: `yaml: ${problem}` }, file.toString('hex'));
  }
});

test('does not look at what is wrong behind the first document', () => {
  const document = `a: ${'b'.repeat(600)}\n---\n`;
  assert.ok(readYaml(bytes(document, 'c'.repeat(600), [0xff])).value instanceof Map);
  assert.throws(() => readYaml(bytes('a: b\n---\n', [0xff])), { message: 'yaml: invalid leading UTF-8 octet' });
});
