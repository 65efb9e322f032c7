import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeConfig, parseConfig } from '../../src/chart/config.js';
import type { ChartMetadata } from '../../src/chart/metadata.js';
import { openChartSource } from '../../src/chart/source.js';
import { readFixture, SAMPLE_CHARTS, temporaryDirectory, unpackCharts } from '../helpers/fixtures.js';

const encode = (metadata: ChartMetadata): string => Buffer.from(encodeConfig(metadata)).toString();
const parse = (text: string): ChartMetadata => parseConfig(Buffer.from(text));

test('writes for each sample chart the config that Helm 3.6.3 wrote', async (t) => {
  const charts = await unpackCharts(temporaryDirectory(t));
  const { refs } = await readFixture<{ refs: Record<string, { source_chart: string; config: { text: string } }> }>(
    'expected.json',
  );
  const expected = new Map(Object.values(refs).map((ref) => [ref.source_chart, ref.config.text]));
  for (const name of SAMPLE_CHARTS) {
    const { metadata } = await openChartSource(join(charts, name));
    assert.equal(encode(metadata), expected.get(`charts/${name}`), name);
  }
});

test('writes fields in Helm’s order, whatever order they come in, and leaves out what is empty', () => {
  const metadata: ChartMetadata = {
    type: 'library',
    dependencies: [
      { alias: 'a', repository: '', name: '', enabled: false, tags: [], 'import-values': [{ b: 1, a: 2 }] },
    ],
    annotations: { z: '1', é: '2', a: '3' },
    deprecated: true,
    maintainers: [{ url: 'u', name: 'n', email: '' }, {}],
    keywords: [],
    apiVersion: 'v2',
    home: '',
    version: '1.0.0',
    name: 'web',
  };
  assert.equal(
    encode(metadata),
    '{"name":"web","version":"1.0.0","maintainers":[{"name":"n","url":"u"},{}],"apiVersion":"v2","deprecated":true,' +
      '"annotations":{"a":"3","z":"1","é":"2"},' +
      '"dependencies":[{"name":"","repository":"","import-values":[{"a":2,"b":1}],"alias":"a"}],"type":"library"}',
  );
});

test('escapes what Go escapes, and nothing else', () => {
  const description = '<a href="x">&\u2028\u2029\u0000\b\f\n\r\t\u001f\u007f\\/é\u{1f680}\ud800';
  assert.equal(
    encode({ name: 'c', version: '1', apiVersion: 'v1', description }),
    '{"name":"c","version":"1","description":"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u2029\\u0000\\b\\f\\n\\r\\t' +
      '\\u001f\u007f\\\\/é\u{1f680}\ufffd","apiVersion":"v1"}',
  );
});

test('sorts the keys of maps by their bytes', () => {
  const annotations = { '\u{1f680}': '4', '\uffee': '3', b: '2', B: '1' };
  assert.match(
    encode({ name: 'c', version: '1', apiVersion: 'v1', annotations }),
    /\{"B":"1","b":"2","\uffee":"3","\u{1f680}":"4"\}/u,
  );
});

test('reads back what it wrote', () => {
  const metadata: ChartMetadata = {
    name: 'web',
    home: 'https://example.com',
    sources: ['a', 'b'],
    version: '1.2.3+4',
    maintainers: [{ name: 'n' }],
    apiVersion: 'v2',
    deprecated: true,
    annotations: { a: 'b' },
    dependencies: [{ name: 'd', version: '1', repository: '', tags: ['t'], 'import-values': ['x', { a: [1] }] }],
  };
  assert.deepEqual(parseConfig(encodeConfig(metadata)), metadata);
});

test('reads the config of other tools, passing over what is not of Helm’s types', () => {
  assert.deepEqual(
    parse(
      '{"Name":"x","name":"c","version":"1.0.0","home":1,"sources":["a",2,null],"keywords":"k","maintainers":["bob",{"name":1,"email":"e"}],' +
        '"deprecated":"yes","annotations":{"a":"b","c":1},"dependencies":[null,{"name":"d","enabled":1}],"type":null,"more":{}}',
    ),
    {
      name: 'c',
      version: '1.0.0',
      sources: ['a'],
      maintainers: [{ email: 'e' }],
      annotations: { a: 'b' },
      dependencies: [{ name: 'd' }],
      apiVersion: 'v1',
    },
  );
});

test('passes over values that are nested without end', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  const metadata = parse(
    `{"name":"c","version":"1","dependencies":[{"name":"d","repository":"","import-values":["a",${deep},[[1]]]}]}`,
  );
  assert.deepEqual(metadata.dependencies?.[0]?.['import-values'], ['a', [[1]]]);
});

test('keeps __proto__ and constructor as keys like any other', () => {
  const metadata = parse(
    '{"name":"c","version":"1","annotations":{"__proto__":"p","constructor":"q"},"__proto__":{"home":"h"}}',
  );
  assert.deepEqual(Object.entries(metadata.annotations ?? {}), [
    ['__proto__', 'p'],
    ['constructor', 'q'],
  ]);
  assert.equal(metadata.home, undefined);
  assert.match(encode(metadata), /\{"__proto__":"p","constructor":"q"\}/);
});

for (const [text, problem] of [
  ['', 'the chart config is not JSON'],
  ['{"name":', 'the chart config is not JSON'],
  ['null', 'the chart config is not an object'],
  ['[]', 'the chart config is not an object'],
  ['"c"', 'the chart config is not an object'],
  ['{}', 'the chart config has no name'],
  ['{"name":1,"version":"1"}', 'the chart config has no name'],
  ['{"name":"","version":"1"}', 'the chart config has no name'],
  ['{"name":"c","version":{}}', 'the chart config has no version'],
] as const) {
  test(`refuses the config ${JSON.stringify(text)}`, () => {
    assert.throws(() => parse(text), { code: 'CHART_INVALID', message: problem });
  });
}
