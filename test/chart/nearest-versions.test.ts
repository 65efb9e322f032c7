import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestVersions } from '../../src/chart/nearest-versions.js';
import { parseVersionRange } from '../../src/chart/version-range.js';
import { sortTags } from '../../src/chart/version-tags.js';

const TAGS = ['0.1.0', '1.0.0', '1.5.0', '2.0.0-rc.1', '2.0.0', '4.0.0'];

function nearest(range: string, tags: readonly string[] = TAGS): string[] {
  const found = nearestVersions(sortTags(tags).versions, parseVersionRange(range));
  return found.map(({ version }) => version.text);
}

test('the nearest versions lie on both sides of what a range speaks of', () => {
  assert.deepEqual(nearest('>=2.1 <3'), ['4.0.0', '2.0.0']);
  assert.deepEqual(nearest('1.1 - 1.4'), ['1.5.0', '1.0.0']);
  assert.deepEqual(nearest('~1.2||^3'), ['4.0.0', '2.0.0', '1.5.0', '1.0.0']);
  assert.deepEqual(nearest('^9'), ['4.0.0']);
  assert.deepEqual(nearest('<0.1'), ['0.1.0']);
  assert.deepEqual(nearest('!=0.1.0', ['0.1.0']), ['0.1.0']);
  assert.deepEqual(nearest('=2.0.0-beta'), ['2.0.0-rc.1', '1.5.0']);
});

test('the newest is nearest to a range without bounds', () => {
  assert.deepEqual(nearest('*', ['1.0.0-a', '1.0.0-b']), ['1.0.0-b']);
  assert.deepEqual(nearest('x', []), []);
});
