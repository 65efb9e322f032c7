import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkChartName, parseChartYaml, validateMetadata } from '../../src/chart/metadata.js';

const parse = (text: string) => validateMetadata(parseChartYaml(Buffer.from(text)));
const withLine = (line: string) => parse(`apiVersion: v2\nname: c\nversion: 0.1.0\n${line}\n`);
const named = (name: string) => parse(`apiVersion: v2\nversion: 0.1.0\nname: ${JSON.stringify(name)}\n`);

test('takes a Chart.yaml without apiVersion for v1', () => {
  assert.deepEqual(parse('name: c\nversion: 1.2.3\n'), { name: 'c', version: '1.2.3', apiVersion: 'v1' });
});

test('cleans texts: white space becomes a blank, what does not print goes', () => {
  const { description, annotations } = withLine(
    'description: "a\\tb\\u3000c\\u200bd\\u00ade\\x1b[31m"\nannotations: {a: "\\t\\e"}',
  );
  assert.equal(description, 'a b cde[31m');
  assert.deepEqual(annotations, { a: '\t\x1b' });
});

test('keeps the characters that Unicode 15.0 has, on every Node.js release', () => {
  assert.equal(withLine('description: "\u{1fae8}\u{1fadf}x"').description, '\u{1fae8}x');
});

test('CVE-2024-25620, CVE-2026-35206: refuses a chart name that is no plain file name', () => {
  const names = [
    '.',
    '..',
    '...',
    '. .',
    ' ',
    '../x',
    'a/b',
    '/etc',
    'a\\b',
    '..\\x',
    'C:',
    'c:x',
    'CON',
    'nul.txt',
    'Com1',
  ];
  for (const name of [...names, 'lpt\u00b9', 'aux .x', 'x'.repeat(251), 'é'.repeat(126)]) {
    assert.throws(() => named(name), { code: 'CHART_INVALID', message: /^chart name / }, name);
  }
});

test('accepts as chart names what Helm accepts and what is a file name', () => {
  const names = ['My Chart', '12', 'a..', 'con-air', 'console', 'com10', 'été', '-', '_', 'x'.repeat(250)];
  for (const name of names) assert.equal(named(name).name, name);
});

test('refuses names that hide a directory, such as that of a work tree', () => {
  for (const name of ['.git', '.ssh', '..a']) {
    assert.throws(() => named(name), { code: 'CHART_INVALID', message: `chart name "${name}" begins with a dot` });
  }
});

test('drops control characters from a name before it looks at it', () => {
  assert.equal(named('a\u0000b\u001b').name, 'ab');
  assert.throws(() => named('.\u0000.'), { message: 'chart name ".." is no file name' });
});

test('refuses control characters in a name that was not cleaned', () => {
  assert.throws(() => checkChartName('a\u0000b'), { code: 'CHART_INVALID' });
  assert.doesNotThrow(() => checkChartName('web-1.2.3.tgz'));
});

test('GHSA-r53h-jv2g-vpx6: refuses empty entries in lists, where Helm 3.6.3 panics', () => {
  assert.throws(() => withLine('dependencies: [null]'), {
    code: 'CHART_INVALID',
    message: 'validation: chart.metadata.dependencies holds an empty entry',
  });
  assert.throws(() => withLine('maintainers:\n-\n'), {
    message: 'validation: chart.metadata.maintainers holds an empty entry',
  });
});

test('CVE-2025-55198: refuses documents that are no metadata', () => {
  for (const text of ['', 'null', '# nothing', '[]', 'text', '1', '{}', 'name: null\nversion: null\n', 'a: [', '\0']) {
    assert.throws(() => parse(text), { code: 'CHART_INVALID' }, text);
  }
});

test('GHSA-9vp5-m38w-j776: refuses an alias with a line break or a path', () => {
  for (const alias of ['a\nb', 'a/b', '../a', 'a.b', ' a', 'a\n']) {
    assert.throws(() => withLine(`dependencies: [{name: x, alias: ${JSON.stringify(alias)}}]`), {
      code: 'CHART_INVALID',
      message: 'validation: dependency "x" has disallowed characters in the alias',
    });
  }
});

test('takes __proto__ and constructor for keys like any other', () => {
  const metadata = withLine('__proto__: {home: h}\nconstructor: x\nannotations: {__proto__: p, constructor: q}');
  assert.equal(metadata.home, undefined);
  assert.deepEqual(Object.entries(metadata.annotations ?? {}), [
    ['__proto__', 'p'],
    ['constructor', 'q'],
  ]);
  assert.equal(({} as Record<string, unknown>).home, undefined);
});

test('of several faults reports the one that Helm reports', () => {
  assert.throws(() => parse('apiVersion: ""\ntype: x\nname: ..\n'), {
    message: 'validation: chart.metadata.version is required',
  });
  assert.throws(() => parse('name: ..\nversion: x\ntype: y\n'), {
    message: 'validation: chart.metadata.version "x" is invalid',
  });
  assert.throws(() => parse('name: ..\nversion: 1\ntype: y\n'), {
    message: 'validation: chart.metadata.type must be application or library',
  });
});
