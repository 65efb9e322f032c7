/**
 * A mirror between registries that is killed again and again ends complete; the target never names what is not whole, and nothing
 * that it holds is sent again. CHART_TEST_SOAK=N kills it 4 + N times during mirrors of 28 * (N + 1) charts, 280 at most.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { indexOf, packCharts, startClassicServer } from '../helpers/classic-repository.js';
import { startFaultProxy } from '../helpers/fault-proxy.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';

const SOAK = Number(process.env.CHART_TEST_SOAK ?? 0);
const KILLS = 4 + SOAK;
const CHARTS = Math.min(28 * (SOAK + 1), 280);
/** Requests to the target that a new mirror takes a chart: a manifest, and three for each of two blobs. */
const REQUESTS = 7 * CHARTS;

it(`goes on where it was killed, ${KILLS} times`, { timeout: 3_600_000 }, async (t) => {
  const home = temporaryDirectory(t);
  const source = await startFilled(t, home);
  let killed = 0;
  for (let round = 1; killed < KILLS; round += 1) {
    const storage = join(home, `target${round}`);
    const server = await startServer(t, storage);
    const { host, met } = await startFaultProxy(t, `http://${server.host}`, { faults: {} });
    const args = ['mirror', `oci://${source}/team/*`, `oci://${host}/c`, '-o', 'json'];
    const everSent = new Set<string>();
    let complete = false;
    while (!complete) {
      const [held, named] = [blobsIn(storage), namesIn(storage)];
      const first = met.length;
      const run = startChart(args, { home });
      let running = true;
      void run.ended.finally(() => {
        running = false;
      });
      const patience = killed < KILLS ? 1 + Math.floor((Math.random() * REQUESTS) / 4) : Number.POSITIVE_INFINITY;
      while (running && met.length - first < patience) await pause(2);
      if (running) run.child.kill('SIGKILL');
      const { signal, exit, stdout, stderr } = await run.ended;
      const requests = met.slice(first);
      const sent = requests.flatMap(({ method, path }) => (method === 'PUT' ? (digestOf(path) ?? []) : []));
      assert.deepEqual(
        sent.filter((digest) => held.has(digest)),
        [],
        'what was there was sent again',
      );
      assert.equal(new Set(sent).size, sent.length, 'a blob was sent twice');
      for (const digest of sent) everSent.add(digest);
      const again = requests.filter(({ method, path }) => method === 'PUT' && named.has(tagOf(path)));
      assert.deepEqual(again, [], 'what had a name was named again');
      await assertWhole(storage);
      if (signal === 'SIGKILL') {
        killed += 1;
        continue;
      }
      assert.equal(exit, 0, stderr);
      const { summary } = JSON.parse(stdout);
      assert.deepEqual([summary.present, summary.copied], [named.size, CHARTS - named.size]);
      complete = true;
    }
    assert.equal(namesIn(storage).size, CHARTS);
    assert.equal(everSent.size, 2 * CHARTS);
    await server.stop();
    await assertValidLayout(storage);
  }
});

async function startServer(t: TestContext, storage: string) {
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', storage]);
  t.after(() => server.stop());
  const [, host = ''] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
  return { host, stop: () => server.stop() };
}

/** A registry with all charts. */
async function startFilled(t: TestContext, home: string): Promise<string> {
  const names = Array.from({ length: CHARTS }, (_, i) => ({
    name: `c${i % 40}`,
    version: `1.${Math.floor(i / 40)}.0`,
  }));
  const charts = await packCharts(home, names);
  const classic = await startClassicServer(t);
  classic.put('/index.yaml', indexOf(charts));
  for (const { file, bytes } of charts) classic.put(`/${file}`, bytes);
  const { host } = await startServer(t, join(home, 'source'));
  const filled = await runChart(['mirror', classic.url, `oci://${host}/team`, '-q'], { home, timeout: 600_000 });
  assert.equal(filled.exit, 0, filled.stderr);
  return host;
}

function blobsIn(storage: string): ReadonlySet<string> {
  const directory = join(storage, 'blobs', 'sha256');
  return new Set(existsSync(directory) ? readdirSync(directory).map((hex) => `sha256:${hex}`) : []);
}

interface Named {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function indexIn(storage: string): readonly Named[] {
  const file = join(storage, 'index.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).manifests : [];
}

/** `REPOSITORY:TAG`, without the host. */
function namesIn(storage: string): ReadonlySet<string> {
  const names = indexIn(storage).map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] ?? '');
  return new Set(names.map((name) => name.slice(name.indexOf('c/c'))));
}

/** Of what a request ends the upload of. */
function digestOf(path: string): string | undefined {
  return new URL(path, 'http://x').searchParams.get('digest') ?? undefined;
}

/** `REPOSITORY:TAG` of a manifest. */
function tagOf(path: string): string {
  const [, repository, tag] = /^\/v2\/(.+)\/manifests\/([^?]+)/.exec(path) ?? [];
  return `${repository}:${tag}`;
}

/** All that a name leads to is there, in its size. */
async function assertWhole(storage: string): Promise<void> {
  const sizeOf = (digest: string): number =>
    statSync(join(storage, 'blobs', 'sha256', digest.replace('sha256:', '')), { throwIfNoEntry: false })?.size ?? -1;
  for (const { digest } of indexIn(storage)) {
    const manifest = JSON.parse(readFileSync(join(storage, 'blobs', 'sha256', digest.replace('sha256:', '')), 'utf8'));
    for (const part of [manifest.config, ...manifest.layers]) assert.equal(sizeOf(part.digest), part.size, digest);
  }
}
