/** Artifacts whose parts name each other in ways that no tool writes: pulled, or refused in words, and never left half done. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { listen } from '../helpers/listen.js';
import { type RunResult, runChart } from '../helpers/run.js';
import { writeCharts } from './charts.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.cncf.helm.config.v1+json';
const LAYER = 'application/tar+gzip';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Stage {
  /** A packed chart, and a config that is not the one of it. */
  readonly layer: Descriptor;
  readonly config: Descriptor;
  put(content: Buffer | string | object, mediaType: string): Descriptor;
  /** Puts it under the tag, and pulls that into an empty cache. */
  pull(manifest: object, mediaType: string): Promise<RunResult>;
  chart(...args: string[]): Promise<RunResult>;
  readonly cache: string;
}

async function stage(t: TestContext): Promise<Stage> {
  const home = temporaryDirectory(t);
  const cache = join(home, 'cache');
  const chart = (...args: string[]): Promise<RunResult> =>
    runChart([...args, '--cache-dir', cache], { home, timeout: 60_000 });
  writeCharts(home, ['web']);
  await runChart(['save', 'web', 'localhost/a/web:1', '--cache-dir', join(home, 'made')], { home });
  await runChart(['export', 'localhost/a/web:1', '--tgz', '--cache-dir', join(home, 'made')], { home });
  const packed = readdirSync(home).find((name) => name.endsWith('.tgz')) as string;
  const contents = new Map<string, { readonly bytes: Buffer; readonly mediaType: string }>();
  const put: Stage['put'] = (content, mediaType) => {
    const plain = Buffer.isBuffer(content) || typeof content === 'string';
    const bytes = Buffer.from(plain ? content : JSON.stringify(content));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    contents.set(digest, { bytes, mediaType });
    return { mediaType, digest, size: bytes.length };
  };
  let tagged = '';
  const host = await listen(t, ({ url = '', method }, response) => {
    const name = url.slice(url.lastIndexOf('/') + 1);
    const found = contents.get(name === '1' ? tagged : name);
    if (found === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': found.mediaType, 'content-length': found.bytes.length });
    response.end(method === 'HEAD' ? undefined : found.bytes);
  });
  return {
    cache,
    chart,
    put,
    layer: put(readFileSync(join(home, packed)), LAYER),
    config: put('{"name":"x","version":"1.0.0","apiVersion":"v2"}', CONFIG),
    pull(manifest, mediaType) {
      tagged = put(manifest, mediaType).digest;
      return chart('pull', `${host}/odd/web:1`);
    },
  };
}

async function assertPulled({ chart, cache }: Stage, { exit, stderr }: RunResult): Promise<void> {
  assert.equal(exit, 0, stderr);
  assert.match((await chart('list', '-q')).stdout, /odd\/web:1/);
  assert.deepEqual(readdirSync(join(cache, 'ingest')), []);
}

test('a config that is among the layers as often as blobs are copied at once', async (t) => {
  const scene = await stage(t);
  const { layer, config } = scene;
  const again = { ...config, mediaType: 'application/json' };
  await assertPulled(
    scene,
    await scene.pull({ schemaVersion: 2, config, layers: [again, again, again, layer] }, MANIFEST),
  );
});

test('attestations that hold the config of the chart, before the chart in the index', async (t) => {
  const scene = await stage(t);
  const { layer, config, put } = scene;
  const empty = put('{}', 'application/vnd.oci.empty.v1+json');
  const about = ['a', 'b', 'c', 'd'].map((note) =>
    put(
      {
        schemaVersion: 2,
        artifactType: 'application/vnd.example.note',
        config: empty,
        layers: [{ ...config, mediaType: 'application/json' }],
        annotations: { note },
      },
      MANIFEST,
    ),
  );
  const chart = put({ schemaVersion: 2, config, layers: [layer] }, MANIFEST);
  await assertPulled(scene, await scene.pull({ schemaVersion: 2, manifests: [...about, chart] }, INDEX));
});

test('an index that lists the layer as a manifest is refused, with the config in the cache and without', async (t) => {
  const scene = await stage(t);
  const { layer, config, put } = scene;
  const whole = { schemaVersion: 2, config, layers: [layer] };
  const odd = { schemaVersion: 2, manifests: [{ ...layer, mediaType: MANIFEST }, put(whole, MANIFEST)] };
  for (const before of [undefined, whole]) {
    if (before !== undefined) await assertPulled(scene, await scene.pull(before, MANIFEST));
    const names = (await scene.chart('list', '-o', 'json')).stdout;
    const { exit, stderr } = await scene.pull(odd, INDEX);
    assert.equal(exit, 1);
    assert.match(stderr, /^Error: /m);
    assert.equal((await scene.chart('list', '-o', 'json')).stdout, names);
  }
});

test('a layer that is no archive gets no name, though the config is in the cache', async (t) => {
  const scene = await stage(t);
  const { layer, config, put } = scene;
  await assertPulled(scene, await scene.pull({ schemaVersion: 2, config, layers: [layer] }, MANIFEST));
  await scene.chart('remove', '*');
  const text = put('no archive', LAYER);
  for (const layers of [[text], [{ ...config, mediaType: LAYER }]]) {
    const { exit, stderr } = await scene.pull({ schemaVersion: 2, config, layers }, MANIFEST);
    assert.equal(exit, 1);
    assert.match(stderr, /gzip: invalid header/);
    assert.equal((await scene.chart('list', '-q')).stdout, '');
  }
});
