/** A bundle as one end of a copy. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openBundle } from '../../src/bundle/open.js';
import { copyArtifact } from '../../src/copy.js';
import { openLayout } from '../../src/layout/layout.js';
import { openBundleTarget } from '../../src/operations/bundle-target.js';
import { saveCharts } from '../../src/operations/save.js';
import { foreignEntries, LAYOUT, rawTar } from '../helpers/bundles.js';
import { REAL_CHARTS, temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';

const PREFIX = 'registry.example.com/team';

async function cacheWithCharts(t: TestContext) {
  const layout = openLayout(join(temporaryDirectory(t), 'cache'), { fsync: false });
  t.after(() => layout.close());
  const items = REAL_CHARTS.map((path) => ({ path }));
  const saved = await saveCharts({ layout }, { items, prefix: PREFIX, flavour: 'legacy' }, () => {});
  return {
    layout,
    digests: new Map(
      saved.map(({ result }) => [(result as { ref: string }).ref, (result as { digest: string }).digest]),
    ),
  };
}

async function collect(items: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const item of items) found.push(item);
  return found.sort();
}

test('is copied to and from, compressed or not, with the same digests', async (t) => {
  const { layout, digests } = await cacheWithCharts(t);
  const directory = temporaryDirectory(t);
  for (const name of ['all.tar', 'all.tar.gz']) {
    const file = join(directory, name);
    const target = await openBundleTarget(file);
    for (const ref of digests.keys()) {
      const [, repository, tag] = /^(.*):(.*)$/.exec(ref) as unknown as [string, string, string];
      await copyArtifact(layout.repository(repository), target.layout.repository(repository), tag, { tag });
    }
    assert.ok(!existsSync(file));
    const { plan } = await target.finish();
    assert.equal(plan.items.length, 3);
    const bundle = await openBundle(file);
    t.after(() => bundle.close().catch(() => undefined));
    assert.deepEqual(
      await collect(bundle.listRepositories()),
      ['ledgerdb', 'mailroom', 'webshop'].map((chart) => `${PREFIX}/${chart}`),
    );
    const copy = openLayout(join(directory, `copy-of-${name}`), { fsync: false });
    for (const [ref, digest] of digests) {
      const [, repository, tag] = /^(.*):(.*)$/.exec(ref) as unknown as [string, string, string];
      const source = bundle.repository(repository);
      assert.deepEqual(await collect(source.listTags()), [tag]);
      assert.equal((await source.resolve(tag.replace('+', '_'))).digest, digest);
      await copyArtifact(source, copy.repository(repository), tag, { tag });
      assert.equal((await copy.repository(repository).resolve(tag)).digest, digest);
    }
    await copy.close();
    assertValidLayout(copy.dir);
    await assert.rejects(bundle.repository('x').resolve('1'), { code: 'MANIFEST_NOT_FOUND' });
    await assert.rejects(bundle.repository('x').deleteTag('1'), { code: 'BUNDLE_UNWRITABLE' });
    await bundle.close();
  }
  assert.deepEqual(readdirSync(directory).sort(), ['all.tar', 'all.tar.gz', 'copy-of-all.tar', 'copy-of-all.tar.gz']);
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith('chart-bundle-')),
    [],
  );
});

test('a target keeps what the file had, and what an interrupted copy has gathered', async (t) => {
  const { layout, digests } = await cacheWithCharts(t);
  const file = join(temporaryDirectory(t), 'all.tar');
  const refs = [...digests.keys()];
  for (const [index, ref] of refs.entries()) {
    const [, repository, tag] = /^(.*):(.*)$/.exec(ref) as unknown as [string, string, string];
    const target = await openBundleTarget(file);
    assert.equal((await target.layout.readIndex()).length, index);
    await copyArtifact(layout.repository(repository), target.layout.repository(repository), tag, { tag });
    await target.close();
    const again = await openBundleTarget(file);
    assert.equal((await again.layout.readIndex()).length, index + 1);
    const { plan } = await again.finish();
    assert.equal(plan.items.length, index + 1);
    assert.ok(!existsSync(`${file}.incoming`));
  }
  writeFileSync(file, readFileSync(file).subarray(0, 9000));
  await assert.rejects(openBundleTarget(file), { code: 'ARCHIVE_INVALID' });
  assert.ok(!existsSync(`${file}.incoming`));
});

test('damage is found where it is asked for', async (t) => {
  const { index, blobs, digest } = foreignEntries();
  const file = join(temporaryDirectory(t), 'x.tar');
  const [manifest, config, layer] = blobs as [(typeof blobs)[0], (typeof blobs)[0], (typeof blobs)[0]];
  writeFileSync(file, gzipSync(rawTar([LAYOUT, index, manifest, config, { ...layer, content: 'CONTENT' }])));
  const bundle = await openBundle(file);
  t.after(() => bundle.close());
  const source = bundle.repository('registry.example.com/team/tool');
  assert.equal((await source.readManifest('1')).descriptor.digest, digest);
  const cache = openLayout(join(temporaryDirectory(t), 'cache'), { fsync: false });
  await assert.rejects(copyArtifact(source, cache.repository('x'), '1', { tag: '1' }), { code: 'BLOB_NOT_FOUND' });
  await cache.close();
  assertValidLayout(cache.dir);
});

test('reading many blobs keeps none of them in mind', async (t) => {
  const { layout, digests } = await cacheWithCharts(t);
  const file = join(temporaryDirectory(t), 'all.tar');
  const target = await openBundleTarget(file);
  const [ref = ''] = digests.keys();
  const [, repository = '', tag = ''] = /^(.*):(.*)$/.exec(ref) ?? [];
  await copyArtifact(layout.repository(repository), target.layout.repository(repository), tag, { tag });
  await target.finish();
  await target.close();
  const bundle = await openBundle(file);
  const warnings: Error[] = [];
  const hear = (warning: Error): void => void warnings.push(warning);
  process.on('warning', hear);
  for (let time = 0; time < 20; time += 1) await bundle.repository(repository).readManifest(tag);
  await new Promise(setImmediate);
  process.removeListener('warning', hear);
  assert.deepEqual(warnings, []);
  await bundle.close();
});
