import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeConfig } from '../../src/chart/config.js';
import { loadChart } from '../../src/chart/load.js';
import { isChartError } from '../../src/errors.js';
import { readFixture } from '../helpers/fixtures.js';
import { filesInMemory, type Tree } from './files-in-memory.js';

interface Recorded {
  readonly files: Tree;
  readonly config?: string;
  readonly error?: string;
}

const outcome = async (files: Tree): Promise<Omit<Recorded, 'files'>> => {
  try {
    const { metadata } = await loadChart(filesInMemory(files));
    return { config: Buffer.from(encodeConfig(metadata)).toString() };
  } catch (error) {
    if (!isChartError(error, 'CHART_INVALID')) throw error;
    return { error: error.message };
  }
};

/** What a YAML file breaks is told in the words of the YAML reader, which are not those of Helm's. */
const syntax = (error: string | undefined): string | undefined =>
  error?.replace(/(error converting YAML to JSON: yaml: ).*/s, '$1...');

/**
 * Where the YAML reader takes what Helm's refuses, or the reverse: docs/departures.md, "yaml-reader". Each is a line of a
 * Chart.yaml that nobody writes.
 */
const READ_OTHERWISE: readonly string[] = [
  'description: a\u2028b\n',
  'description: "\\ud800"\n',
  'description: a\u2029b\n',
  'description: !!!\n',
  'description: "\\N\\_\\L\\P\\0\\a\\e\\ \\/"\n',
  'description: "\\/"\n',
  '%YAML 1.2\n---\n',
  '%FOO\n---\na: b\n',
  ': y\n',
  '\t\n',
  'x: [?]\n',
  'x: {a, b: , ? c, : d}\n',
  'apiVersion: v2\u2028name: c\u2028version: 0.1.0\u2028',
  '\na: "\\ud800"\n',
  'name: c\nversion: 1\nx: \n|\n&a version: 1\n:name: c\n #a*a\n?',
  'name: c\nversion: 1\nx: \u2028%x y---\n\n...\na',
];

test('makes of each recorded chart the config bytes that Helm 3.6.3 made, or its error', async () => {
  const recorded = await readFixture<Recorded[]>('expected-configs.json');
  assert.ok(recorded.length > 500);
  const otherwise: string[] = [];
  for (const { files, ...expected } of recorded) {
    const found = await outcome(files);
    if (found.config === expected.config && syntax(found.error) === syntax(expected.error)) continue;
    otherwise.push(Object.values(files).join('\n').replace('apiVersion: v2\nname: c\nversion: 0.1.0\n', ''));
  }
  assert.deepEqual(otherwise, READ_OTHERWISE);
});
