/** Indexes: one that holds one chart is that chart, whatever else it lists; it keeps its digest on every way. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import { describeManifest, type RawManifest } from '../../src/oci/manifest.js';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.js';
import type { Repository } from '../../src/oci/target.js';
import { openRegistry } from '../../src/registry/registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunResult, runChart, startChart } from '../helpers/run.js';
import { blob } from '../registry/artifacts.js';
import { writeCharts } from './charts.js';

interface Stage {
  readonly host: string;
  readonly home: string;
  readonly cache: string;
  readonly repository: Repository;
  chart(...args: string[]): Promise<RunResult>;
  /** Pushes a chart under that tag, and returns its manifest. */
  pushed(name: string): Promise<RawManifest>;
  /** Writes an index of these under the tag `all`. */
  index(...manifests: RawManifest[]): Promise<RawManifest>;
}

async function stage(t: TestContext): Promise<Stage> {
  const home = temporaryDirectory(t);
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', join(home, 'served')]);
  t.after(() => server.stop());
  const host = (await server.waitFor(/^Listening on http:\/\/(\S+)$/m))[1] as string;
  const registry = openRegistry(host);
  t.after(() => registry.close());
  const repository = registry.repository('team/app');
  const chart = (...args: string[]): Promise<RunResult> => runChart(args, { home });
  return {
    host,
    home,
    repository,
    cache: join(home, '.cache', 'helm', 'registry', 'cache'),
    chart,
    async pushed(name) {
      writeCharts(home, [name]);
      const ref = `${host}/team/app:${name}`;
      const [save, push, remove] = [
        await chart('save', name, ref),
        await chart('push', ref),
        await chart('remove', ref),
      ];
      assert.deepEqual([save.exit, push.exit, remove.exit], [0, 0, 0], save.stderr + push.stderr + remove.stderr);
      return repository.readManifest(name);
    },
    async index(...manifests) {
      const document = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: manifests.map((each) => each.descriptor) };
      const index = describeManifest(Buffer.from(JSON.stringify(document)), OCI_INDEX);
      await repository.writeManifest(index, 'all');
      return index;
    },
  };
}

/** Something about a chart that is no chart. */
async function attestation(repository: Repository): Promise<RawManifest> {
  const [config, layer] = [
    blob('{}', 'application/vnd.oci.image.config.v1+json'),
    blob('{"proof":1}', 'application/json'),
  ];
  for (const part of [config, layer]) await repository.writeBlob(part.descriptor, part.open);
  const document = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: config.descriptor, layers: [layer.descriptor] };
  const manifest = describeManifest(Buffer.from(JSON.stringify(document)), OCI_MANIFEST);
  await repository.writeManifest(manifest);
  return manifest;
}

test('an index that holds exactly one chart is pulled, listed, shown, exported and pushed whole', async (t) => {
  const { host, home, cache, repository, chart, pushed, index } = await stage(t);
  const { descriptor } = await index(await attestation(repository), await pushed('web'));
  const ref = `${host}/team/app:all`;
  const pulled = await chart('pull', ref);
  assert.equal(pulled.exit, 0, pulled.stderr);
  assert.match(pulled.stdout, new RegExp(`digest: +${descriptor.digest.slice('sha256:'.length)}\n`));
  assertValidLayout(cache);
  assert.match((await chart('pull', ref)).stdout, /Chart is up to date/);
  const [listed, ...others] = JSON.parse((await chart('list', '-o', 'json')).stdout);
  assert.deepEqual([listed.ref, listed.name, listed.digest, others], [ref, 'web', descriptor.digest, []]);
  assert.match((await chart('show', 'chart', ref)).stdout, /^name: web$/m);
  assert.equal((await chart('export', ref, '-d', 'out')).exit, 0);
  assert.match(readFileSync(join(home, 'out', 'web', 'Chart.yaml'), 'utf8'), /^name: web$/m);
  await chart('tag', ref, `${host}/team/copy:1`);
  const push = await chart('push', `${host}/team/copy:1`);
  assert.equal(push.exit, 0, push.stderr);
  const copy = openRegistry(host);
  t.after(() => copy.close());
  assert.deepEqual(await copy.repository('team/copy').resolve('1'), descriptor);
  const digestRef = `${host}/team/app@${descriptor.digest}`;
  assert.equal((await chart('pull', digestRef)).exit, 0);
  assert.equal((await chart('remove', ref, digestRef, `${host}/team/copy:1`)).exit, 0);
  await chart('prune');
  assert.equal((await chart('list', '-q')).stdout, '');
  assertValidLayout(cache);
});

test('an index of two charts, and one of none, is refused, and leaves no entry', async (t) => {
  const { host, cache, repository, chart, pushed, index } = await stage(t);
  const [web, api] = [await pushed('web'), await pushed('api')];
  await index(web, api);
  const two = await chart('pull', `${host}/team/app:all`);
  assert.equal(two.exit, 1);
  assert.match(two.stderr, /an index of 2 manifests holds 2 charts/);
  assert.ok(two.stderr.includes(`@${web.descriptor.digest}, @${api.descriptor.digest}`), two.stderr);
  await index(await attestation(repository));
  const none = await chart('pull', `${host}/team/app:all`);
  assert.match(none.stderr, /an index of 1 manifests holds no chart/);
  assert.equal((await chart('list', '-q')).stdout, '');
  assertValidLayout(cache);
});

test('damage in what an index lists is noticed and mended by a pull', async (t) => {
  const { host, cache, repository, chart, pushed, index } = await stage(t);
  const other = await attestation(repository);
  await index(await pushed('web'), other);
  const ref = `${host}/team/app:all`;
  await chart('pull', ref);
  const file = join(cache, 'blobs', 'sha256', other.descriptor.digest.slice('sha256:'.length));
  assert.ok(existsSync(file));
  writeFileSync(file, Buffer.alloc(other.bytes.length));
  const again = await chart('pull', ref);
  assert.equal(again.exit, 0, again.stderr);
  assert.match(again.stdout, /Downloaded newer chart/);
  assert.equal(digestOf(readFileSync(file)), other.descriptor.digest);
  assertValidLayout(cache);
});
