/** Ctrl-C in the middle of a transfer: exit 130, nothing half-written, and the next run goes on. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type FaultProxy, startFaultProxy } from '../helpers/fault-proxy.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunResult, runChart, startChart } from '../helpers/run.js';
import { writeCharts } from './charts.js';

const POSIX = { skip: process.platform === 'win32' && 'there are no signals' };
const NAMES = Array.from({ length: 12 }, (_, position) => `chart${position}`);
/** Requests that never get an answer, the same each time. */
const HANGING = { seed: 3, faults: { delay: 0.15 }, pause: 3_600_000 };

interface Stage {
  readonly home: string;
  readonly network: FaultProxy;
  readonly refs: readonly string[];
  readonly cache: string;
  readonly served: string;
  run(...args: string[]): Promise<RunResult>;
  /** Runs until nothing goes on any more but what hangs, then sends SIGINT. */
  interrupted(...args: string[]): Promise<RunResult>;
}

async function stage(t: TestContext): Promise<Stage> {
  const home = temporaryDirectory(t);
  const [cache, served] = [join(home, 'cache'), join(home, 'served')];
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', served]);
  t.after(() => server.stop());
  const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
  const network = await startFaultProxy(t, url, HANGING);
  writeCharts(home, NAMES, 2000);
  const options = { home, env: { HELM_CACHE_HOME: home } };
  const run = (...args: string[]): Promise<RunResult> => runChart([...args, '--cache-dir', cache], options);
  const saved = await run('save', ...NAMES, '--to', `${network.host}/team`, '-q');
  return {
    home,
    network,
    cache,
    served,
    refs: saved.stdout.trim().split('\n'),
    run,
    async interrupted(...args) {
      const running = startChart([...args, '--cache-dir', cache], options);
      const before = network.met.length;
      let seen = -1;
      const hangs = (): boolean => network.met.slice(before).some(({ fault }) => fault === 'delay');
      const method = args[0] === 'pull' ? 'GET' : 'PUT';
      // Until nothing has been asked for a while, something hangs, and some blob is through.
      while (seen !== network.met.length || !hangs() || blobsAsked(network, method).length === 0) {
        seen = network.met.length;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      return running.stop('SIGINT');
    },
  };
}

function cancelled({ exit, signal, stderr }: RunResult): void {
  assert.match(stderr, /Cancelled\.\n$/);
  assert.deepEqual([exit, signal], [130, null]);
}

/** Files that were begun. */
function leftovers(cache: string): string[] {
  const ingest = join(cache, 'ingest');
  return existsSync(ingest) ? readdirSync(ingest, { recursive: true }).map(String) : [];
}

function blobsAsked(network: FaultProxy, method: string, fault?: string): string[] {
  return network.met
    .filter((each) => each.method === method && /\/blobs\/(?:sha256|uploads)/.test(each.path) && each.fault === fault)
    .map(({ path }) => /sha256(?::|%3A)[0-9a-f]{64}/.exec(path)?.[0] ?? '')
    .filter(Boolean);
}

test('a pull that is interrupted leaves nothing half-written, and the next one goes on', POSIX, async (t) => {
  const { network, cache, refs, run, interrupted } = await stage(t);
  network.setFaults({});
  assert.equal((await run('push', ...refs)).exit, 0);
  assert.equal((await run('remove', ...refs)).exit, 0);
  await run('prune');
  network.setFaults(HANGING.faults);
  cancelled(await interrupted('pull', ...refs));
  assertValidLayout(cache);
  assert.deepEqual(leftovers(cache), []);
  const first = blobsAsked(network, 'GET');
  const named = (await run('list', '-q')).stdout.trim().split('\n').filter(Boolean);
  network.setFaults({});
  const before = network.met.length;
  const again = await run('pull', ...refs);
  assert.equal(again.exit, 0, again.stderr);
  assertValidLayout(cache);
  assert.equal((again.stdout.match(/Chart is up to date/g) ?? []).length, named.length);
  const second = network.met.slice(before).flatMap(({ method, path }) => (method === 'GET' ? [path] : []));
  assert.ok(first.length > 0, 'blobs that came before the signal');
  assert.deepEqual(
    first.filter((digest) => second.some((path) => path.includes(digest))),
    [],
    'blobs that came twice',
  );
});

test('a push that is interrupted names nothing that is not whole, and the next one goes on', POSIX, async (t) => {
  const { network, cache, served, refs, run, interrupted } = await stage(t);
  cancelled(await interrupted('push', ...refs));
  assertValidLayout(cache);
  assertValidLayout(served);
  const sent = blobsAsked(network, 'PUT');
  assert.ok(sent.length > 0, 'blobs that were sent before the signal');
  network.setFaults({});
  const before = network.met.length;
  const again = await run('push', ...refs);
  assert.equal(again.exit, 0, again.stderr);
  const second = network.met.slice(before).flatMap(({ method, path }) => (method === 'PUT' ? [path] : []));
  assert.deepEqual(
    sent.filter((digest) => second.some((path) => path.includes('/blobs/') && path.includes(digest))),
    [],
    'blobs that were sent twice',
  );
  assertValidLayout(served);
});

test('a credential helper that hangs does not keep a command from ending', POSIX, async (t) => {
  const home = temporaryDirectory(t);
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const started = join(home, 'started');
  writeFileSync(
    join(bin, 'docker-credential-hanging'),
    `#!${process.execPath}\nrequire('node:fs').writeFileSync(${JSON.stringify(started)}, '');\nsetInterval(() => undefined, 1000);\n`,
    { mode: 0o755 },
  );
  writeFileSync(join(home, 'config.json'), '{"credsStore":"hanging"}');
  const args = ['registry', 'logout', 'registry.example.com', '--registry-config', join(home, 'config.json')];
  const running = startChart(args, { home, env: { PATH: `${bin}:${process.env.PATH}` } });
  while (!existsSync(started)) await new Promise((resolve) => setTimeout(resolve, 50));
  cancelled(await running.stop('SIGINT'));
});
