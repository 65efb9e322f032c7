/** Which versions are taken, where they go, and who takes them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatReference } from '../../../src/oci/reference.js';
import { parseTarget, placeChart } from '../../../src/operations/mirror/placement.js';
import { shardOf } from '../../../src/operations/mirror/plan.js';
import { isWanted, selectTags } from '../../../src/operations/mirror/selection.js';

const TAGS = [
  '1.0.0',
  '1.1.0',
  '1',
  '1.1',
  'latest',
  '2.0.0-rc.1',
  '0.9.0_b.2',
  `sha256-${'a'.repeat(64)}.sig`,
  'v1.2.0',
];

function taken(rule: Parameters<typeof selectTags>[1]): string[] {
  return selectTags(TAGS, rule).versions.map(({ version }) => version);
}

describe('versions', () => {
  it('are taken newest first, prereleases where they are asked for', () => {
    assert.deepEqual(taken({}), ['v1.2.0', '1.1.0', '1.0.0', '0.9.0+b.2']);
    assert.equal(selectTags(TAGS, {}).prereleases, 1);
    assert.deepEqual(taken({ prerelease: true, limit: 2 }), ['2.0.0-rc.1', 'v1.2.0']);
    assert.deepEqual(taken({ version: '>=1.1' }), ['v1.2.0', '1.1.0']);
    assert.deepEqual(taken({ version: '>=1.1-0' }), ['2.0.0-rc.1', 'v1.2.0', '1.1.0']);
    assert.deepEqual(taken({ version: '0.9.0+b.2' }), ['0.9.0+b.2']);
    assert.deepEqual(taken({ version: '2.0.0-rc.1' }), ['2.0.0-rc.1']);
  });

  it('keep the tag that the registry has', () => {
    assert.deepEqual(selectTags(TAGS, { version: '0.9' }).versions, [{ tag: '0.9.0_b.2', version: '0.9.0+b.2' }]);
  });
});

describe('names', () => {
  it('are wanted by name, include and exclude', () => {
    assert.ok(isWanted({ source: '' }, 'web'));
    assert.ok(!isWanted({ source: '', name: 'we' }, 'web'));
    assert.ok(isWanted({ source: '', include: ['db', 'w*'] }, 'web'));
    assert.ok(!isWanted({ source: '', include: ['w*'], exclude: ['*b'] }, 'web'));
    assert.ok(isWanted({ source: '', include: ['team/*'] }, 'team/web', 'web'));
  });
});

describe('places', () => {
  const chart = {
    name: 'web',
    path: 'acme/team/web',
    version: '1.0.0+b',
    relative: 'team/web',
    home: 'h.example.com/acme/team/web',
  };
  const place = (target: string, own?: string): string => formatReference(placeChart(parseTarget(target), own, chart));

  it('are below the prefix, or exactly where placeholders say', () => {
    assert.equal(place('oci://r.lan/charts'), 'r.lan/charts/team/web:1.0.0+b');
    assert.equal(place('oci://r.lan/charts/'), 'r.lan/charts/team/web:1.0.0+b');
    assert.equal(place('oci://r.lan:5000'), 'r.lan:5000/team/web:1.0.0+b');
    assert.equal(place('oci://r.lan/m/{path}'), 'r.lan/m/acme/team/web:1.0.0+b');
    assert.equal(place('oci://r.lan/charts', 'shop/{name}'), 'r.lan/charts/shop/web:1.0.0+b');
    assert.equal(place('oci://r.lan/charts', 'front'), 'r.lan/charts/front:1.0.0+b');
    assert.equal(place('oci://r.lan/charts', 'front:v{version}'), 'r.lan/charts/front:v1.0.0+b');
    assert.equal(place('oci://r.lan/charts', 'oci://other.lan/{name}'), 'other.lan/web:1.0.0+b');
    assert.equal(place('cache'), 'h.example.com/acme/team/web:1.0.0+b');
    assert.equal(place('cache:mine'), 'mine/team/web:1.0.0+b');
  });

  it('that cannot be are refused with what to do', () => {
    for (const target of ['https://charts.example.com', 'oci://r.lan/{nme}', 'oci://', 'r', 'oci://R L/x']) {
      assert.throws(() => parseTarget(target), { name: 'ChartError' }, target);
    }
    const upper = { ...chart, name: 'Web', relative: 'Web' };
    assert.throws(() => placeChart(parseTarget('oci://r.lan/c'), undefined, upper), /has no place at the target/);
  });
});

describe('shards', () => {
  it('have each chart in exactly one, and none is left empty', () => {
    const charts = Array.from({ length: 280 }, (_, i) => `r.lan/c/chart${i % 40}:1.${i}.0`);
    const counts = [0, 0, 0, 0, 0];
    for (const chart of charts) {
      const shard = shardOf(chart, 4);
      assert.equal(shard, shardOf(chart, 4));
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    assert.equal(counts[0], 0);
    assert.equal(
      counts.reduce((a, b) => a + b),
      280,
    );
    assert.ok(
      counts.slice(1).every((count) => count > 40),
      String(counts),
    );
  });
});
