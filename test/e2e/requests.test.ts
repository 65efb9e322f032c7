/** How many requests a command takes, counted between it and the registry. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startFaultProxy } from '../helpers/fault-proxy.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { type ExpectedRequest, startExchange } from '../helpers/http-exchange.js';
import { type RunResult, runChart, startChart } from '../helpers/run.js';
import { writeCharts } from './charts.js';

interface Stage {
  readonly home: string;
  /** Of a registry that holds nothing yet. */
  readonly host: string;
  chart(...args: string[]): Promise<RunResult>;
  /** What the program asks while it runs, `METHOD PATH`, in order. */
  asked(...args: string[]): Promise<string[]>;
}

async function stage(t: TestContext): Promise<Stage> {
  const home = temporaryDirectory(t);
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', join(home, 'served')]);
  t.after(() => server.stop());
  const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
  const network = await startFaultProxy(t, url, { faults: {} });
  const chart = (...args: string[]): Promise<RunResult> => runChart(args, { home });
  writeCharts(home, ['web', 'api']);
  return {
    home,
    host: network.host,
    chart,
    async asked(...args) {
      const before = network.met.length;
      const { exit, stderr } = await chart(...args);
      assert.equal(exit, 0, stderr);
      return network.met.slice(before).map(({ method, path }) => `${method} ${path}`);
    },
  };
}

test('a chart whose blobs the registry has is pushed without any blob, and one of another repository mounted', async (t) => {
  const { host, chart, asked } = await stage(t);
  const ref = `${host}/team/web:1.0.0`;
  await chart('save', 'web', ref);
  const first = await asked('push', ref);
  assert.deepEqual(counts(first), { HEAD: 2, POST: 2, PUT: 3 });
  const again = await asked('push', ref);
  assert.deepEqual(
    again.filter((request) => /^(?:PUT|PATCH) \S*\/blobs\//.test(request)),
    [],
  );
  await chart('tag', ref, `${host}/other/web:2`);
  const mounted = await asked('push', `${host}/other/web:2`);
  assert.deepEqual(counts(mounted), { HEAD: 2, POST: 2, PUT: 1 });
  assert.equal(mounted.filter((request) => request.includes('&from=team%2Fweb')).length, 2);
});

test('what is up to date is pulled with one HEAD, and nothing else is asked', async (t) => {
  const { host, chart, asked } = await stage(t);
  const ref = `${host}/team/web:1.0.0`;
  await chart('save', 'web', ref);
  await asked('push', ref);
  assert.deepEqual(await asked('pull', ref), ['HEAD /v2/team/web/manifests/1.0.0']);
  await chart('remove', ref);
  await chart('prune');
  // The config is made of the Chart.yaml that came.
  assert.deepEqual(counts(await asked('pull', ref)), { GET: 2 });
});

test('a config that is not the one of the chart is asked for, and that of the next chart at once', async (t) => {
  const { home, host, chart, asked } = await stage(t);
  const refs = ['a', 'b'].map((name) => `${host}/team/${name}:1.0.0`);
  for (const [position, name] of ['web', 'api'].entries()) {
    const { stdout } = await chart('save', name, refs[position] as string, '-o', 'json');
    const blobs = join(home, '.cache', 'helm', 'registry', 'cache', 'blobs', 'sha256');
    const read = (digest: string): Buffer => readFileSync(join(blobs, digest.replace(/^sha256:/, '')));
    const manifest = JSON.parse(read(JSON.parse(stdout)[0].digest).toString());
    const config = Buffer.from(`${read(manifest.config.digest)}\n`);
    const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`;
    const base = `http://${host}/v2/team/${'ab'[position]}`;
    for (const blob of [config, read(manifest.layers[0].digest)]) {
      const named = createHash('sha256').update(blob).digest('hex');
      const posted = await fetch(`${base}/blobs/uploads/?digest=sha256:${named}`, { method: 'POST', body: blob });
      assert.equal(posted.status, 201);
    }
    const body = JSON.stringify({ ...manifest, config: { ...manifest.config, digest, size: config.length } });
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
    assert.equal((await fetch(`${base}/manifests/1.0.0`, { method: 'PUT', headers, body })).status, 201);
  }
  await chart('remove', '*');
  await chart('prune');
  assert.deepEqual(counts(await asked('pull', ...refs)), { GET: 6 });
  assert.equal((await chart('verify')).exit, 0);
});

test('a new chart of one layer is pushed in three round trips, one after another', async (t) => {
  const home = temporaryDirectory(t);
  writeCharts(home, ['web']);
  const { stdout } = await runChart(['save', 'web', 'localhost/team/web:1.0.0', '-o', 'json'], { home });
  const [{ digest }] = JSON.parse(stdout);
  const blobs = join(home, '.cache', 'helm', 'registry', 'cache', 'blobs', 'sha256');
  const manifest = readFileSync(join(blobs, digest.replace(/^sha256:/, '')));
  const { config, layers } = JSON.parse(manifest.toString());
  const parts: string[] = [config.digest, layers[0].digest];
  const base = '/v2/team/web';
  const steps: (ExpectedRequest | ExpectedRequest[])[] = [
    parts.flatMap((part, position): ExpectedRequest[] => [
      { method: 'HEAD', path: `${base}/blobs/${part}`, answer: { status: 404 } },
      {
        method: 'POST',
        path: `${base}/blobs/uploads/`,
        answer: { status: 202, headers: { location: `${base}/blobs/uploads/${position}` } },
      },
    ]),
    parts.map((part) => ({
      method: 'PUT',
      path: new RegExp(`^${base}/blobs/uploads/[01]\\?digest=${encodeURIComponent(part)}$`),
      answer: ({ body }) => ({
        status: `sha256:${createHash('sha256').update(body).digest('hex')}` === part ? 201 : 400,
      }),
    })),
    { method: 'PUT', path: `${base}/manifests/1.0.0`, body: manifest, answer: { status: 201 } },
  ];
  const server = await startExchange(t, steps, { together: true });
  const ref = `${server.host}/team/web:1.0.0`;
  await runChart(['tag', 'localhost/team/web:1.0.0', ref], { home });
  const { exit, stderr } = await runChart(['push', ref], { home, timeout: 30_000 });
  assert.equal(exit, 0, stderr);
});

function counts(requests: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const request of requests) {
    const method = request.split(' ', 1)[0] as string;
    found[method] = (found[method] ?? 0) + 1;
  }
  return found;
}
