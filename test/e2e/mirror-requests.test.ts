/**
 * What a mirror between registries asks of them, counted between it and them: at most so much of each kind, so that a request more for
 * each chart is noticed and one less is not; and what comes of it when the first writes fail.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { type Fault, type Met, startFaultProxy } from '../helpers/fault-proxy.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';

/** Versions of each: with few, a target may be asked for each, and with many for a list. */
const VERSIONS: Readonly<Record<string, number>> = { one: 1, other: 1, third: 1, two: 2, five: 5, seven: 7 };
const REPOSITORIES = Object.keys(VERSIONS).length;
const CHARTS = Object.values(VERSIONS).reduce((sum, count) => sum + count);

let home: string;
let source: string;

before(async (t) => {
  const context = t as unknown as TestContext;
  home = temporaryDirectory(context);
  const directories = Object.entries(VERSIONS).flatMap(([name, count]) =>
    Array.from({ length: count }, (_, minor) => {
      const directory = join(home, `${name}-${minor}`);
      mkdirSync(directory);
      writeFileSync(join(directory, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.${minor}.0\n`);
      return directory;
    }),
  );
  const served = join(home, 'source');
  const saved = await runChart(['save', ...directories, '--to', 'team', '--cache-dir', served, '-q'], { home });
  assert.equal(saved.exit, 0, saved.stderr);
  source = await startServer(context, served);
});

/** Faults that the first requests of each kind of writing meet, one after another: each chart has its own. */
const TROUBLE: readonly { readonly chart: string; readonly write: RegExp }[] = [
  { chart: 'one', write: /^POST .*\/blobs\/uploads\// },
  { chart: 'other', write: /^(?:PUT|PATCH) .*\/blobs\/uploads\// },
  { chart: 'third', write: /^PUT .*\/manifests\// },
];

describe('a mirror between registries', () => {
  it('asks for each thing once, and for nothing that it need not know', async (t) => {
    const from = await startFaultProxy(t, source, { faults: {} });
    const to = await startFaultProxy(t, await startServer(t, join(home, 'target')), { faults: {} });
    const run = async (): Promise<Asked> => {
      const [first, second] = [from.met.length, to.met.length];
      const args = ['mirror', `oci://${from.host}/team/*`, `oci://${to.host}/c`, '-o', 'json'];
      const { exit, stdout, stderr } = await runChart(args, { home });
      assert.equal(exit, 0, stderr);
      return {
        summary: JSON.parse(stdout).summary,
        source: counts(from.met.slice(first)),
        target: counts(to.met.slice(second)),
      };
    };

    const cold = await run();
    assert.equal(cold.summary.copied, CHARTS);
    assertAtMost(cold.source, {
      'GET catalog': 1,
      'GET tags': REPOSITORIES,
      'GET manifest': CHARTS,
      'GET blob': 2 * CHARTS,
    });
    assertAtMost(cold.target, {
      'HEAD manifest': CHARTS,
      'GET tags': REPOSITORIES,
      'HEAD blob': 2 * CHARTS,
      'POST upload': 2 * CHARTS,
      'PUT upload': 2 * CHARTS,
      'PUT manifest': CHARTS,
    });
    assert.equal(cold.target['PUT manifest'], CHARTS);

    const again = await run();

    assert.equal(again.summary.present, CHARTS);
    assertAtMost(again.source, {
      'GET catalog': 1,
      'GET tags': REPOSITORIES,
      'HEAD manifest': CHARTS,
    });
    assertAtMost(again.target, { 'HEAD manifest': CHARTS, 'GET tags': REPOSITORIES });
  });

  for (const faults of [
    ['500', 'cut'],
    ['cut', 'cut-answer'],
  ] as const) {
    it(`ends complete where the first writes meet ${faults.join(', then ')}`, async (t) => {
      const { exit, stderr, charts, storage, met } = await mirrorThrough(t, () => [...faults]);
      assert.deepEqual([exit, charts.filter(({ status }) => status === 'copied').length], [0, CHARTS], stderr);
      for (const { chart, write } of TROUBLE) {
        const own = met.filter(({ method, path }) => path.includes(`/c/${chart}/`) && write.test(`${method} ${path}`));
        assert.deepEqual(own.flatMap(({ fault }) => fault ?? []).sort(), [...faults].sort(), chart);
      }
      await assertValidLayout(storage);
    });
  }

  it('names what it could not write, names nothing of it at the target, and writes all else', async (t) => {
    const { exit, stderr, charts, storage, again } = await mirrorThrough(t, () => Array(100).fill('503'));
    const failed = charts.filter(({ status }) => status === 'failed');
    assert.equal(exit, 1);
    assert.deepEqual(failed.map(({ name }) => name).sort(), TROUBLE.map(({ chart }) => chart).sort(), stderr);
    for (const { name, error } of failed) {
      assert.ok(error?.message.includes('503') && stderr.includes(error.message.split('\n', 1)[0] as string), name);
    }
    assert.equal(charts.filter(({ status }) => status === 'copied').length, CHARTS - TROUBLE.length);
    const { stdout } = await runChart(['list', '--cache-dir', storage, '-o', 'json'], { home });
    const named = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    assert.equal(named.length, CHARTS - TROUBLE.length);
    for (const { chart } of TROUBLE) assert.ok(!named.includes(chart), chart);
    await assertValidLayout(storage);
    const completed = await again();
    assert.deepEqual([completed.exit, completed.summary.copied], [0, TROUBLE.length], completed.stderr);
    await assertValidLayout(storage);
  });
});

/** @param faultsOf what the writes of each chart in trouble meet, in order; what goes on after them is well */
async function mirrorThrough(t: TestContext, faultsOf: () => Fault[]) {
  const storage = temporaryDirectory(t);
  let waiting = new Map<string, Fault[]>(TROUBLE.map(({ chart }) => [chart, faultsOf()]));
  const choose = (method: string, path: string): Fault | undefined => {
    const met = TROUBLE.find(({ chart, write }) => path.includes(`/c/${chart}/`) && write.test(`${method} ${path}`));
    return waiting.get(met?.chart ?? '')?.shift();
  };
  const { host, met } = await startFaultProxy(t, await startServer(t, storage), { choose });
  const run = async () => {
    const args = ['mirror', `oci://${new URL(source).host}/team/*`, `oci://${host}/c`, '-o', 'json'];
    const { exit, stdout, stderr } = await runChart(args, { home });
    return { exit, stderr, ...(JSON.parse(stdout) as Report) };
  };
  const first = await run();
  return {
    ...first,
    storage,
    met,
    again: () => {
      waiting = new Map();
      return run();
    },
  };
}

interface Report {
  readonly summary: Readonly<Record<string, number>>;
  readonly charts: readonly {
    readonly name: string;
    readonly status: string;
    readonly error?: { readonly message: string };
  }[];
}

interface Asked {
  readonly summary: Readonly<Record<string, number>>;
  readonly source: Readonly<Record<string, number>>;
  readonly target: Readonly<Record<string, number>>;
}

function assertAtMost(asked: Readonly<Record<string, number>>, bounds: Readonly<Record<string, number>>): void {
  const over = Object.entries(asked).filter(([kind, count]) => count > (bounds[kind] ?? 0));
  assert.deepEqual(Object.fromEntries(over), {}, JSON.stringify({ asked, bounds }));
}

/** A tag that was free may be asked for again where so many milliseconds have passed. */
const LATER = 1000;

/** `METHOD KIND` */
function counts(met: readonly Met[]): Record<string, number> {
  const found: Record<string, number> = {};
  const asked = new Map<string, number>();
  for (const { method, path, at } of met) {
    const kind = `${method} ${kindOf(path)}`;
    const last = asked.get(`${method} ${path}`);
    asked.set(`${method} ${path}`, at);
    if (kind === 'HEAD manifest' && last !== undefined && at - last > LATER) continue;
    found[kind] = (found[kind] ?? 0) + 1;
  }
  return found;
}

function kindOf(path: string): string {
  if (path.startsWith('/v2/_catalog')) return 'catalog';
  if (path.includes('/blobs/uploads/')) return 'upload';
  return /\/(tag|manifest|blob)s\//.exec(path)?.[1]?.replace('tag', 'tags') ?? path;
}

async function startServer(t: TestContext, directory: string): Promise<string> {
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', directory]);
  t.after(() => server.stop());
  const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
  return url;
}
