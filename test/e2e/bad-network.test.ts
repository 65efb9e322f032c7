/**
 * Charts by the hundred over a network that cuts, delays, damages, refuses and redirects. CHART_TEST_SOAK=N goes through it with
 * N seeds.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ALL_FAULTS, type Fault, startFaultProxy } from '../helpers/fault-proxy.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';
import { writeCharts } from './charts.js';

const CHARTS = 200;
const SEEDS = Number(process.env.CHART_TEST_SOAK ?? '1');
/** Charts of one command: after each the cache is looked at. */
const ROUND = 50;
/** Twice what the helper has by itself: a third of all requests. */
const FAULTS = Object.fromEntries(Object.entries(ALL_FAULTS).map(([fault, share]) => [fault, share * 2]));

interface Item {
  readonly item: string;
  readonly ref?: string;
  readonly digest?: string;
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string };
}

for (let seed = 1; seed <= SEEDS; seed += 1) {
  test(`${CHARTS} charts arrive over a bad network or are named as failed, and the cache is in order all along (seed ${seed})`, (t) =>
    soak(t, seed));
}

async function soak(t: TestContext, seed: number): Promise<void> {
  const home = temporaryDirectory(t);
  const [source, served, sink] = ['source', 'served', 'sink'].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ];
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', served]);
  t.after(() => server.stop());
  const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
  const network = await startFaultProxy(t, url, { seed, faults: FAULTS, pause: 20 });
  const run = async (cache: string, command: string, refs: readonly string[]): Promise<Item[]> => {
    const args = [command, '-f', '-', '-o', 'json', '--cache-dir', cache];
    const { exit, stdout, stderr } = await runChart(args, { home, stdin: refs.join('\n'), timeout: 300_000 });
    const items = JSON.parse(stdout) as Item[];
    assertValidLayout(cache);
    assert.deepEqual(items.map(({ item }) => item).sort(), [...refs].sort());
    const failed = items.filter(({ status }) => status === 'failed');
    assert.equal(exit, failed.length > 0 ? 1 : 0, stderr);
    for (const { item, error } of failed) {
      assert.ok(error?.code && stderr.includes(error.message.split('\n', 1)[0] as string), `${item}: ${stderr}`);
      assert.notEqual(error.code, 'CANCELLED');
    }
    return items;
  };
  const throughRounds = async (cache: string, command: string, refs: readonly string[]): Promise<string[]> => {
    const items: Item[] = [];
    for (let at = 0; at < refs.length; at += ROUND)
      items.push(...(await run(cache, command, refs.slice(at, at + ROUND))));
    return items.flatMap(({ item, status }) => (status === 'failed' ? [item] : []));
  };
  const digests = async (cache: string): Promise<Record<string, string>> => {
    const { stdout } = await runChart(['list', '-o', 'json', '--cache-dir', cache], { home });
    return Object.fromEntries((JSON.parse(stdout) as Item[]).map(({ ref, digest }) => [ref, digest]));
  };

  const names = Array.from({ length: CHARTS }, (_, position) => `chart${position}`);
  const charts = join(home, 'charts');
  writeCharts(charts, names, 3000);
  const saving = ['save', ...names, '--to', `${network.host}/soak`, '-q', '--cache-dir', source];
  const saved = await runChart(saving, { home, cwd: charts, timeout: 300_000 });
  assert.equal(saved.exit, 0, saved.stderr);
  const refs = saved.stdout.trim().split('\n');
  assert.equal(refs.length, CHARTS);

  const unpushed = await throughRounds(source, 'push', refs);
  assertValidLayout(served);
  const there = new Set(Object.keys(await digests(served)).map((ref) => ref.replace(/^.*?(?=soak\/)/, '')));
  const claimed = refs.filter((ref) => !unpushed.includes(ref));
  assert.deepEqual(
    claimed.filter((ref) => !there.has(ref.replace(/^.*?(?=soak\/)/, ''))),
    [],
    'charts that were said to be pushed',
  );
  const unpulled = await throughRounds(sink, 'pull', claimed);
  const sent = await digests(source);
  const arrived = await digests(sink);
  assert.deepEqual(
    Object.keys(arrived).sort(),
    claimed.filter((ref) => !unpulled.includes(ref)).sort(),
    'charts that have a name are those that were said to be pulled',
  );
  const seen = new Set(network.met.map(({ fault }) => fault));
  assert.deepEqual(
    (Object.keys(FAULTS) as Fault[]).filter((fault) => !seen.has(fault)),
    [],
    'faults that nothing met',
  );
  for (const { headers } of network.elsewhere) assert.equal(headers.authorization, undefined);
  t.diagnostic(`${network.met.length} requests, ${network.met.filter(({ fault }) => fault).length} faults`);
  t.diagnostic(`not pushed at first: ${unpushed.length}, not pulled at first: ${unpulled.length}`);

  network.setFaults({});
  assert.deepEqual(await throughRounds(source, 'push', unpushed), []);
  assert.deepEqual(await throughRounds(sink, 'pull', [...unpulled, ...unpushed]), []);
  assert.deepEqual(await digests(sink), sent);
}
