/** `chart mirror` over a bad network: complete, or each failure named. CHART_TEST_SOAK=N goes through it with N seeds. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { indexOf, packCharts, startClassicServer } from '../helpers/classic-repository.js';
import { ALL_FAULTS, startFaultProxy } from '../helpers/fault-proxy.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';

const SEEDS = Number(process.env.CHART_TEST_SOAK ?? '1');
/** Four times what the helper has by itself: two thirds of all requests. */
const FAULTS = Object.fromEntries(Object.entries(ALL_FAULTS).map(([fault, share]) => [fault, share * 4]));

interface Chart {
  readonly item: string;
  readonly status: string;
  readonly target?: string;
  readonly digest?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

for (let seed = 1; seed <= SEEDS; seed += 1) {
  test(`a mirror over a bad network is complete, or each failure is named, and a run on a good one completes it (seed ${seed})`, (t) =>
    soak(t, seed));
}

async function soak(t: TestContext, seed: number): Promise<void> {
  const home = temporaryDirectory(t);
  const network = async (url: string) => startFaultProxy(t, url, { seed, faults: {}, pause: 20 });
  const names = Array.from({ length: 12 }, (_, i) => ({ name: `c${i % 4}`, version: `1.${Math.floor(i / 4)}.0` }));
  const charts = await packCharts(home, names);
  const classic = await startClassicServer(t);
  classic.put('/index.yaml', indexOf(charts));
  for (const { file, bytes } of charts) classic.put(`/${file}`, bytes);
  const served = join(home, 'target');
  const [web, source, target] = [
    await network(classic.url),
    await network(await startServer(t, join(home, 'source'))),
    await network(await startServer(t, served)),
  ];
  const run = async (...args: string[]) => {
    const { exit, stdout, stderr } = await runChart(['mirror', ...args, '-o', 'json'], { home, timeout: 300_000 });
    return { exit, stderr, charts: JSON.parse(stdout).charts as Chart[] };
  };
  const filled = await run(classic.url, `oci://${source.host}/team`);
  assert.equal(filled.exit, 0, filled.stderr);
  const file = join(home, 'mirror.yaml');
  const entries = [`{source: "oci://${source.host}/team/*"}`, `{source: "${web.url}", target: "web/{name}"}`];
  writeFileSync(file, `version: 1\ntarget: oci://${target.host}/all\ncharts:\n  - ${entries.join('\n  - ')}\n`);
  const wanted = charts.flatMap(({ name, version }) =>
    ['', 'web/'].map((path) => `${target.host}/all/${path}${name}:${version}`),
  );

  for (const each of [web, source, target]) each.setFaults(FAULTS);
  const met = target.met.length;
  const bad = await run('-f', file);
  const failed = bad.charts.filter(({ status }) => status === 'failed');
  assert.equal(bad.exit, failed.length > 0 ? 1 : 0, bad.stderr);
  for (const { item, error } of failed) {
    assert.ok(error?.code && error.code !== 'CANCELLED', item);
    assert.ok(bad.stderr.includes(error.message.split('\n', 1)[0] as string), `${item}: ${bad.stderr}`);
  }
  assert.ok(bad.charts.every(({ status }) => status === 'copied' || status === 'failed'));
  // What no chart is told of is in a source that could not be listed, which is named.
  const lost = failed.filter((chart) => chart.target === undefined).map(({ item }) => item);
  const told = new Set(bad.charts.map((chart) => chart.target));
  const silent = wanted.filter((place) => !told.has(place));
  const hosts = [source.host, new URL(web.url).host];
  assert.ok(silent.length === 0 || lost.some((item) => hosts.some((host) => item.includes(host))), bad.stderr);
  t.diagnostic(
    `${failed.length} failed, ${target.met.slice(met).filter(({ fault }) => fault).length} faults at the target`,
  );
  assert.ok(target.met.slice(met).some(({ fault }) => fault));
  await assertValidLayout(served);

  for (const each of [web, source, target]) each.setFaults({});
  const good = await run('-f', file);
  assert.equal(good.exit, 0, good.stderr);
  assert.deepEqual(good.charts.map((chart) => chart.target).sort(), wanted.sort());
  const digests = new Map(filled.charts.map((chart) => [chart.target?.replace(/^.*\//, ''), chart.digest]));
  for (const chart of good.charts) assert.equal(chart.digest, digests.get(chart.target?.replace(/^.*\//, '')));
  // What was told to be copied is there.
  const copied = bad.charts.filter(({ status }) => status === 'copied').map((chart) => chart.target);
  const present = good.charts.filter(({ status }) => status === 'present').map((chart) => chart.target);
  assert.deepEqual(
    copied.filter((place) => !present.includes(place)),
    [],
  );
  await assertValidLayout(served);
}

async function startServer(t: TestContext, directory: string): Promise<string> {
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', directory]);
  t.after(() => server.stop());
  const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
  return url;
}
