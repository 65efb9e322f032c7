import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, parseVersion } from '../../src/chart/version.js';
import { parseVersionRange } from '../../src/chart/version-range.js';
import { highestMatch, sortTags, tagToVersion } from '../../src/chart/version-tags.js';

test('sorts versions newest first, by number, prerelease and build metadata', () => {
  const sorted = [
    ...['10.0.0', '2.0.0', '2.0.0-rc.10', '2.0.0-rc.2', '2.0.0-rc', '2.0.0-beta', '2.0.0-9', '1.10.0', '1.9.0'],
    ...['1.0.0+b.10', '1.0.0+b.9', '1.0.0+7', '1.0.0', 'v1.0.0', '0.0.2-20261125093015124', '0.0.2-20261125093015123'],
  ];
  const versions = sorted.toReversed().map((text) => parseVersion(text) ?? assert.fail(text));
  assert.deepEqual(
    versions.sort((a, b) => compareVersions(b, a)).map(({ text }) => text),
    sorted,
  );
});

test('a tag with _ is a version with +', () => {
  assert.equal(tagToVersion('1.2.3_build.4')?.text, '1.2.3+build.4');
  assert.equal(tagToVersion('1.2.3-rc.1_x')?.build, 'x');
  assert.equal(tagToVersion('1.2.3_a_b'), undefined);
  assert.equal(tagToVersion('latest_1'), undefined);
});

test('tags that are no version come apart', () => {
  const { versions, others } = sortTags(['latest', '1.0.0_x', 'sha256-00', '1.1.0', '1.0.0_x', 'v2.0.0']);
  assert.deepEqual(
    versions.map(({ tag }) => tag),
    ['v2.0.0', '1.1.0', '1.0.0_x'],
  );
  assert.deepEqual(others, ['latest', 'sha256-00']);
});

test('1 and 1.2 are names that move along where 1.2.3 is beside them, and versions where it is not', () => {
  const sort = (...tags: string[]): string[] => sortTags(tags).versions.map(({ tag }) => tag);
  assert.deepEqual(sort('1', '1.2', '1.2.3', '2', '2.0'), ['2.0', '1.2.3']);
  assert.deepEqual(sort('1.2', '1.3.0', '1.2-alpine', '1.2.0-alpine'), ['1.3.0', '1.2', '1.2.0-alpine']);
  assert.deepEqual(sort('1.1', '1.2', '1.10'), ['1.10', '1.2', '1.1']);
});

test('takes the highest version that fits, and a version that is written out exactly before all others', () => {
  const { versions } = sortTags(['1.0.0_a', '1.0.0_b', '1.2.0', '1.3.0-rc.1', '2.0.0', 'latest']);
  const pick = (range: string, prerelease = false): string | undefined =>
    highestMatch(versions, parseVersionRange(range, { prerelease }))?.version.text;
  assert.equal(pick('*'), '2.0.0');
  assert.equal(pick('^1'), '1.2.0');
  assert.equal(pick('^1', true), '1.3.0-rc.1');
  assert.equal(pick('1.0.0+a'), '1.0.0+a');
  assert.equal(pick('1.0.0'), '1.0.0+b');
  assert.equal(pick('1.3.0-rc.1'), '1.3.0-rc.1');
  assert.equal(pick('^3'), undefined);
});
