import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYaml } from '../../../src/chart/yaml/values.js';

const read = (text: string) => readYaml(Buffer.from(text)).value;
const at = (text: string) => (read(`a: ${text}\n`) as Map<string, unknown>).get('a');

test('gives plain scalars the types of YAML 1.1 as Helm’s library has them', () => {
  for (const text of ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'])
    assert.equal(at(text), true, text);
  for (const text of ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'])
    assert.equal(at(text), false, text);
  for (const text of ['', '~', 'null', 'Null', 'NULL']) assert.equal(at(text), null, text);
  for (const text of [
    'yEs',
    'oN',
    'nULL',
    'tRUE',
    '1.2.3',
    '2001-02-03',
    '12:30',
    '0x',
    '08a',
    '1e',
    '.',
    '+',
    '-.',
    '1e999',
    '._5',
    '.5_',
  ]) {
    assert.equal(at(text), text, text);
  }
});

test('reads integers exactly and by their prefix', () => {
  const integers = {
    '12': 12n,
    '+12': 12n,
    '-0': 0n,
    '1_000': 1000n,
    '017': 15n,
    '0o17': 15n,
    '0O7': 7n,
    '0x1F': 31n,
    '-0X1f': -31n,
    '0b11': 3n,
    '0b-1': -1n,
  };
  for (const [text, value] of Object.entries(integers)) assert.equal(at(text), value, text);
  for (const text of ['9007199254740993', '-9223372036854775808', '18446744073709551615'])
    assert.equal(at(text), BigInt(text));
});

test('reads floats, integers that are too long among them', () => {
  const floats = {
    '1.5': 1.5,
    '1.': 1,
    '.5': 0.5,
    '-.5': -0.5,
    '.1_0': 0.1,
    '1e3': 1000,
    '+1.5E-3': 0.0015,
    '08': 8,
    '09.5': 9.5,
    '18446744073709551616': 2 ** 64,
    '-0.0': -0,
    '1e-999': 0,
  };
  for (const [text, value] of Object.entries(floats)) assert.equal(at(text), value, text);
  assert.equal(at('.inf'), Number.POSITIVE_INFINITY);
  assert.equal(at('-.Inf'), Number.NEGATIVE_INFINITY);
  assert.ok(Number.isNaN(at('.NaN')));
});

test('obeys tags', () => {
  const tagged: Record<string, unknown> = {
    '!!str 1': '1',
    '!!int "1"': 1n,
    '!!float 1': 1,
    '!!bool "no"': false,
    '!!null ""': null,
    '!!binary aGk=': 'hi',
    '!!timestamp 2001-01-01': '2001-01-01',
    '!x 1': '1',
    '! 1': '1',
    '"1"': '1',
  };
  for (const [text, value] of Object.entries(tagged)) assert.deepEqual(at(text), value, text);
  const refused: Record<string, string> = {
    '!!int 1.5': 'yaml: cannot decode !!float `1.5` as a !!int',
    '!!bool 1': 'yaml: cannot decode !!int `1` as a !!bool',
    '!!null x': 'yaml: cannot decode !!str `x` as a !!null',
    '!!timestamp 2001-13-01': 'yaml: cannot decode !!str `2001-13-01` as a !!timestamp',
    '!!timestamp 2001-02-29': 'yaml: cannot decode !!str `2001-02-29` as a !!timestamp',
    '!!binary "*"': 'yaml: !!binary value contains invalid base64 data',
  };
  for (const [text, message] of Object.entries(refused)) assert.throws(() => at(text), { message }, text);
});

test('replaces each byte of !!binary that is not UTF-8 by one U+FFFD', () => {
  assert.equal(
    at(`!!binary ${Buffer.from([0x61, 0xe2, 0x82, 0x62, 0xff, 0xef, 0xbf, 0xbd, 0xc3, 0xa9]).toString('base64')}`),
    'a\ufffd\ufffdb\ufffd\ufffdé',
  );
});

test('lets the last of equal keys win, and makes keys strings', () => {
  assert.deepEqual(
    read('a: 1\nb: 2\na: 3\n'),
    new Map([
      ['a', 3n],
      ['b', 2n],
    ]),
  );
  assert.deepEqual(
    [...(read('1: a\n1.50: b\nyes: c\n2020-01-01: d\n.inf: e\n"null": f\n') as Map<string, unknown>).keys()],
    ['1', '1.5', 'true', '2020-01-01', '.inf', 'null'],
  );
});

test('merges where `<<` stands: over what is before it, under what is behind it', () => {
  const text = 'x: &x {a: 1, b: 1, c: 1}\ny: &y {b: 2, d: 2}\nz:\n  a: 0\n  <<: [*y, *x]\n  c: 3\n';
  assert.deepEqual(
    (read(text) as Map<string, unknown>).get('z'),
    new Map([
      ['a', 1n],
      ['b', 2n],
      ['c', 3n],
      ['d', 2n],
    ]),
  );
  assert.deepEqual(at('{"<<": 1}'), new Map([['<<', 1n]]));
  assert.throws(() => at('{<<: 1}'), { message: 'yaml: map merge requires map or sequence of maps as the value' });
});

test('refuses keys that JSON does not have, unless a later key replaces what holds them', () => {
  assert.throws(() => at('{~: b}'), { message: 'Unsupported map key of type: %!s(<nil>), key: <nil>, value: "b"' });
  assert.throws(() => at('{18446744073709551615: 1}'), {
    message: 'Unsupported map key of type: uint64, key: 0xffffffffffffffff, value: 1',
  });
  assert.throws(() => at('{{ .Values.x }}: y'), /^YamlError: yaml: /);
  assert.throws(() => read('{{ .Values.x }}: y'), {
    message: 'yaml: invalid map key: map[interface {}]interface {}{".Values.x":interface {}(nil)}',
  });
  assert.throws(() => at('{[1, a]: b}'), { message: 'yaml: invalid map key: []interface {}{1, "a"}' });
  assert.deepEqual(read('a: {~: b}\na: c\n'), new Map([['a', 'c']]));
});

test('takes __proto__ for a key like any other', () => {
  assert.deepEqual(read('__proto__: {a: b}\n'), new Map([['__proto__', new Map([['a', 'b']])]]));
});

test('refuses aliases that hold themselves', () => {
  for (const text of ['&a [*a]', '&a {b: *a}', '&a {<<: *a}']) {
    assert.throws(() => read(text), { message: "yaml: anchor 'a' value contains itself" }, text);
  }
});

test('refuses alias bombs', () => {
  let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
  for (let i = 1; i < 12; i++) text += `a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`)}]\n`;
  assert.throws(() => read(text), { message: 'yaml: document contains excessive aliasing' });
  let merges = 'a0: &a0 {x: 1}\n';
  for (let i = 1; i < 40; i++) merges += `a${i}: &a${i} {<<: [*a${i - 1}, *a${i - 1}]}\n`;
  assert.throws(() => read(merges), { message: 'yaml: document contains excessive aliasing' });
});

test('refuses depth that only aliases make', () => {
  let text = `- &a0 ${'['.repeat(200)}${']'.repeat(200)}\n`;
  for (let i = 1; i < 10; i++) text += `- &a${i} ${'['.repeat(200)}*a${i - 1}${']'.repeat(200)}\n`;
  assert.throws(() => read(text), { message: 'yaml: exceeded max depth of 256' });
});
