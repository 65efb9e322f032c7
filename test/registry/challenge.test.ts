import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChallenges } from '../../src/registry/challenge.js';

function parse(...headers: string[]): unknown[] {
  return parseChallenges(headers).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

test('reads the parameters of a bearer challenge', () => {
  assert.deepEqual(
    parse('Bearer realm="https://auth.example.com/token",service="r",scope="repository:a/b:pull,push"'),
    [['bearer', { realm: 'https://auth.example.com/token', service: 'r', scope: 'repository:a/b:pull,push' }]],
  );
});

test('keeps commas, blanks, equal signs and escaped quotes that are in quotes', () => {
  assert.deepEqual(parse(String.raw`Basic realm="a, b=\"c\" \\ d"`), [['basic', { realm: 'a, b="c" \\ d' }]]);
});

test('tells several challenges in one header apart', () => {
  assert.deepEqual(parse('Negotiate, Basic realm="x, y" , charset=UTF-8, Bearer realm="https://a/t", scope="s:t:u"'), [
    ['negotiate', {}],
    ['basic', { realm: 'x, y', charset: 'UTF-8' }],
    ['bearer', { realm: 'https://a/t', scope: 's:t:u' }],
  ]);
});

test('reads several headers, names in any case and blanks around the equal sign', () => {
  assert.deepEqual(parse('BASIC Realm = x', 'bearer REALM="y"'), [
    ['basic', { realm: 'x' }],
    ['bearer', { realm: 'y' }],
  ]);
});

test('takes the first of two parameters with one name', () => {
  assert.deepEqual(parse('Bearer realm="https://a",realm="https://b"'), [['bearer', { realm: 'https://a' }]]);
});

test('skips the token of a scheme that has one', () => {
  assert.deepEqual(parse('Negotiate YWJj==, Basic realm="x"'), [
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
});

test('keeps what came before something that cannot be read, and ends on any input', () => {
  assert.deepEqual(parse('Basic realm="x", Bearer realm="unclosed'), [
    ['basic', { realm: 'x' }],
    ['bearer', {}],
  ]);
  for (const odd of ['', ',', '=', '"', 'realm="x"', '{', ',,,', 'Basic =', '\u0000'])
    assert.ok(Array.isArray(parse(odd)));
  assert.deepEqual(parse(`Basic realm="${'\\"'.repeat(100_000)}`), [['basic', {}]]);
});
