import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findJsonFault } from '../../src/registry/json-fault.js';

test('finds line and column of what cannot be there', () => {
  const cases: [text: string, line: number, column: number][] = [
    ['{', 1, 2],
    ['', 1, 1],
    ['{"a": 1,}', 1, 9],
    ['{"a" 1}', 1, 6],
    ['{a: 1}', 1, 2],
    ['[1 2]', 1, 4],
    ['{"a": {"b": "c\n"}}', 1, 13],
    ['{\n  "auths": {\n    "h": {"auth": secret}\n  }\n}', 3, 19],
    ['{"a": tru}', 1, 7],
    ['{"a": 01}', 1, 7],
    ['{"a": 1} x', 1, 10],
    ['{"a": "\\q"}', 1, 7],
    ['[]]', 1, 3],
    ['{"a":[1,2,{"b":null}],"c":-1.5e3,"d":"\\u00e4"', 1, 46],
  ];
  for (const [text, line, column] of cases) {
    assert.throws(() => JSON.parse(text), SyntaxError, text);
    assert.deepEqual(findJsonFault(text), { line, column }, text);
  }
});

test('finds no fault before the end of what is JSON', () => {
  for (const text of ['{}', '[]', '"x"', ' {"a":[true,false,null,0,-1,1.5,1e9,"\\"",{}],"b":[]} ', '\t1\n']) {
    JSON.parse(text);
    const end = text.trimEnd().length;
    const { line, column } = findJsonFault(text);
    assert.ok(line > 1 || column > end, text);
  }
});
