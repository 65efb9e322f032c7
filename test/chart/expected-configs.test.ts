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

test('makes of each recorded chart the config bytes that Helm 3.6.3 made, or its error', async () => {
  const recorded = await readFixture<Recorded[]>('expected-configs.json');
  assert.ok(recorded.length > 500);
  for (const { files, ...expected } of recorded) {
    assert.deepEqual({ files, ...(await outcome(files)) }, { files, ...expected });
  }
});
