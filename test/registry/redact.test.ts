import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownText, shownUrl } from '../../src/registry/redact.js';

test('masks the values of all parameters that are not known to be plain', () => {
  const url = new URL(
    'https://u:p@s3.example.com/x?X-Amz-Signature=abc&digest=sha256:1&_state=s&scope=repository:a:pull&X=',
  );
  assert.equal(
    shownUrl(url),
    'https://s3.example.com/x?X-Amz-Signature=***&digest=sha256:1&_state=***&scope=repository:a:pull&X=***',
  );
});

test('GHSA-c38g-469g-cmgx: shows the words of a registry on one line, without controls, and not without end', () => {
  assert.equal(shownText('a\u001b[31mred\u001b[0m\r\nb\u202e\u2028c\u009b\u0000 '), 'a [31mred [0m b c');
  assert.equal(shownText('x'.repeat(1_000_000)).length, 303);
});

test('blots out secrets and the queries of URLs', () => {
  assert.equal(
    shownText('see https://s3/x?sig=1&y=2 for hunter2: Bearer abc.def', ['hunter2', 'abc.def']),
    'see https://s3/x?*** for ***: Bearer ***',
  );
});

test('does not tell a short password by blotting out part of a word', () => {
  assert.equal(
    shownText('wrong password "pass" (a+b) x^$y', ['pass', 'a+b', 'x^$y']),
    'wrong password "***" (***) ***',
  );
});
