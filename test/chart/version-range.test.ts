import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseVersion } from '../../src/chart/version.js';
import { parseVersionRange } from '../../src/chart/version-range.js';
import { ChartError } from '../../src/errors.js';
import { FIXTURES } from '../helpers/fixtures.js';

interface Recorded {
  readonly versions: readonly string[];
  readonly ranges: readonly { range: string; error?: true; fits: string; fitsWithPrereleases: string }[];
}

const recorded: Recorded = JSON.parse(readFileSync(join(FIXTURES, 'version-ranges.json'), 'utf8'));
const versions = recorded.versions.map((text) => {
  const version = parseVersion(text);
  assert.ok(version, text);
  return version;
});

for (const { range, error, fits, fitsWithPrereleases } of recorded.ranges) {
  test(`${JSON.stringify(range)} ${error ? 'is refused' : 'fits what it fits'}, as by Helm`, () => {
    if (error) {
      assert.throws(() => parseVersionRange(range), { code: 'USAGE' });
      return;
    }
    const verdicts = (prerelease: boolean): string => {
      const { matches } = parseVersionRange(range, { prerelease });
      return versions.map((version) => (matches(version) ? '1' : '0')).join('');
    };
    assert.equal(verdicts(false), fits);
    assert.equal(verdicts(true), fitsWithPrereleases);
  });
}

test('reads || without blanks beside a hyphen range as it is written', () => {
  const { matches } = parseVersionRange('1.0.0||2.0 - 3.0');
  assert.deepEqual(['1.0.0', '1.5.0', '2.5.0', '3.0.9', '3.1.0'].map(matches), [true, false, true, true, false]);
});

test('says whether prereleases can fit', () => {
  const includes = (text: string, prerelease = false): boolean =>
    parseVersionRange(text, { prerelease }).includesPrereleases;
  assert.deepEqual(
    [includes('^1'), includes('^1', true), includes('^1 || >=2.0.0-0'), includes('1.0.0+x-y')],
    [false, true, true, false],
  );
});

test('what is no version fits nothing', () => {
  assert.equal(parseVersionRange('*').matches('latest'), false);
});

test('names the part that it cannot read', () => {
  const message = (text: string): string => {
    try {
      parseVersionRange(text);
    } catch (error) {
      assert.ok(error instanceof ChartError && error.hint);
      return error.message;
    }
    return '';
  };
  assert.equal(message('>=1 <two'), 'invalid version range ">=1 <two": "<two" cannot be read');
  assert.equal(message('>=1,'), 'invalid version range ">=1,": a version is missing');
  assert.equal(message(''), 'invalid version range "": a version is missing');
  assert.equal(message('1.2.3-01'), 'invalid version range "1.2.3-01": "1.2.3-01" is no version');
  assert.equal(message('\u001b[31m'), 'invalid version range "\\u001b[31m": "\\u001b[31m" cannot be read');
});

test('a range of hostile length is refused before it is looked at', () => {
  assert.throws(() => parseVersionRange('1 '.repeat(300)), /more than 512 characters/);
  assert.throws(() => parseVersionRange(Array(33).fill('1').join('||')), /more than 32 parts/);
  assert.throws(() => parseVersionRange(`${`1${' '.repeat(24)}`.repeat(20)}!`), { code: 'USAGE' });
});
