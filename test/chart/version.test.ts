import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartVersion } from '../../src/chart/version.js';

const ACCEPTED = [
  ...['1', '1.2', '1.2.3', 'v1.2.3', 'v1', '01.2.3', '0.0.0', '1.2-a', '1+b', '2001-02-03', '1.2.3-a.b-c.1+b.01'],
  ...['1.0.0--', '1.0.0-0', '1.0.0-0a', '1.0.0-a.0', '18446744073709551615.0.0', '1.0.0+001'],
];
const REFUSED = [
  ...['', ' 1', '1 ', '1\n', '1.2.3.4', '1.', '.1', '1..2', '1.0.0-', '1.0.0+', '1.0.0-01', '1.0.0-a.00', '1.0.0-a..b'],
  ...['1.0.0+a+b', 'vv1', 'V1.2.3', '>=1.0.0', 'true', 'abc', '1.2.3_4', '1.2.3-Ünï', '18446744073709551616.0.0'],
  '1.99999999999999999999.0',
];

test('accepts loose semantic versions', () => {
  for (const version of ACCEPTED) assert.equal(isChartVersion(version), true, version);
});

test('refuses what Helm 3.6.3 calls invalid', () => {
  for (const version of REFUSED) assert.equal(isChartVersion(version), false, version);
});
