/**
 * Many processes on one cache, killed at any moment or left to run. Short by default; CHART_TEST_SOAK=40 makes it 200 trials of kill -9
 * and 60 seconds of 16 processes.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunningProgram, runChart, startChart } from '../helpers/run.js';

const SCALE = Math.max(1, Number(process.env.CHART_TEST_SOAK) || 1);
const TRIALS = 5 * SCALE;
const SECONDS = 1.5 * SCALE;
const PROCESSES = SCALE === 1 ? 4 : 16;
/** Charts that differ in content, each saved under many names. */
const CHARTS = 6;

const cleanups: (() => unknown)[] = [];
const home = temporaryDirectory({ after: (fn) => void cleanups.push(fn as () => unknown) });
const charts = Array.from({ length: CHARTS }, (_, i) => join(home, `c${i}`));
const source = join(home, 'source');
const bundle = join(home, 'charts.tar');
let upstream: RunningProgram;
let host = '';

async function serve(cache: string, ...more: string[]): Promise<{ server: RunningProgram; host: string }> {
  const server = startChart(['serve', '--addr', '127.0.0.1:0', '--cache-dir', cache, ...more], { home });
  const [, address = ''] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
  return { server, host: address };
}

before(async () => {
  for (const [i, path] of charts.entries()) {
    mkdirSync(path);
    writeFileSync(join(path, 'Chart.yaml'), `apiVersion: v2\nname: c${i}\nversion: 1.0.0\n`);
    writeFileSync(join(path, 'values.yaml'), `content: ${`${i}`.repeat(40_000)}\n`);
  }
  assert.equal((await runChart(['save', ...charts, '--to', 'team', '--cache-dir', source], { home })).exit, 0);
  assert.equal((await runChart(['bundle', 'team/*', '-o', bundle, '--cache-dir', source], { home })).exit, 0);
  ({ server: upstream, host } = await serve(source));
});
after(async () => {
  await upstream.stop();
  for (const cleanup of cleanups) await cleanup();
});

/** Every name in index.json and the digest behind it. */
function namesIn(cache: string): Map<string, string> {
  const { manifests } = JSON.parse(readFileSync(join(cache, 'index.json'), 'utf8')) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  return new Map(
    manifests.map(({ digest, annotations }) => [
      (annotations['org.opencontainers.image.ref.name'] ?? annotations['io.helm-chart-cache.ref.name']) as string,
      digest,
    ]),
  );
}

async function assertVerified(cache: string): Promise<void> {
  const { exit, stdout, stderr } = await runChart(['verify', '--cache-dir', cache], { home });
  assert.equal(exit, 0, stdout + stderr);
}

test(`kill -9 at random moments, ${TRIALS} times: the cache is valid, and no name is lost`, {
  timeout: 3_600_000,
}, async () => {
  const cache = join(home, 'killed');
  const kept = ['k/a:1', 'k/b:1', 'k/c:1'];
  for (const [i, ref] of kept.entries()) {
    assert.equal((await runChart(['save', charts[i] as string, ref, '--cache-dir', cache], { home })).exit, 0);
  }
  const promised = new Set(kept);
  let killedAtWork = 0;
  // What the slowest of such commands takes on this machine, at this time.
  let patience = 1000;
  for (let trial = 0; trial < TRIALS; trial++) {
    const loads = [
      ['save', ...charts, '--to', `s${trial % 7}`, '-q'],
      ['pull', ...charts.map((_, i) => `${host}/team/c${i}:1.0.0`), '-q'],
      ['tag', 'k/a:1', `t/a:${trial % 7}`, '-q'],
      ['remove', `gone/*`, `s${(trial + 3) % 7}/none:1`, '-q'],
      ['save', charts[trial % CHARTS] as string, `gone/c:${trial}`, '-q'],
      ['prune', '-q'],
    ];
    const started = performance.now();
    const running = loads.map((args) => startChart([...args, '--cache-dir', cache], { home }));
    // From before the first has begun to after the last has ended, as long as that takes here.
    await Promise.race([delay(Math.random() * patience), Promise.all(running.map(({ ended }) => ended))]);
    if (running.every(({ child }) => child.exitCode !== null)) patience = performance.now() - started;
    else patience *= 1.1;
    const results = await Promise.all(running.map((program) => program.stop('SIGKILL')));
    killedAtWork += results.filter(({ signal }) => signal !== null).length;
    for (const { stdout } of results.slice(0, 3)) {
      // What was told is kept: a line that is whole.
      for (const ref of stdout.split('\n').slice(0, -1)) promised.add(ref);
    }
    assertValidLayout(cache);
    await assertVerified(cache);
    const names = namesIn(cache);
    assert.deepEqual(
      [...promised].filter((name) => !names.has(name)),
      [],
      `trial ${trial}`,
    );
    const own = ['blobs', 'index.json', 'index.json.lock', 'ingest', 'list-cache', 'oci-layout'];
    assert.deepEqual(
      readdirSync(cache).filter((name) => !own.includes(name)),
      [],
    );
  }
  assert.ok(killedAtWork > 0, 'some were killed before they had ended');
  const pruned = await runChart(['prune', '--cache-dir', cache], { home });
  assert.equal(pruned.exit, 0, pruned.stderr);
  assert.deepEqual(readdirSync(join(cache, 'ingest')), [], 'what was left is swept');
  assert.ok(!existsSync(join(cache, 'index.json.lock')));
  await assertVerified(cache);
});

/** One of those who work on the cache: does what comes next, and remembers what it was told had succeeded. */
class Worker {
  readonly expected = new Map<string, string>();
  readonly #cache: string;
  readonly #who: string;
  readonly #pushHost: string;
  readonly #digests: readonly string[];
  commands = 0;

  constructor(cache: string, who: string, pushHost: string, digests: readonly string[]) {
    this.#cache = cache;
    this.#who = who;
    this.#pushHost = pushHost;
    this.#digests = digests;
  }

  async work(until: number): Promise<void> {
    for (let turn = Number(this.#who.slice(1)); performance.now() < until; turn++) {
      const { save, tag, prune, push, remove, list, unbundle, export: write, verify } = this;
      const steps = [save, tag, prune, unbundle, push, remove, write, list, verify];
      await (steps[turn % steps.length] as (turn: number) => Promise<void>).call(this, turn);
      this.commands += 1;
    }
  }

  async save(turn: number): Promise<void> {
    const i = turn % CHARTS;
    const ref = `${this.#who}/app:${turn}`;
    await this.#chart('save', charts[i] as string, ref);
    this.expected.set(ref, this.#digests[i] as string);
  }

  async tag(turn: number): Promise<void> {
    const [from] = this.expected.keys();
    if (from === undefined) return;
    const ref = `${this.#who}/tagged:${turn % 4}`;
    await this.#chart('tag', from, ref);
    this.expected.set(ref, this.expected.get(from) as string);
  }

  async remove(): Promise<void> {
    const [ref] = this.expected.keys();
    if (ref === undefined) return;
    await this.#chart('remove', ref);
    this.expected.delete(ref);
  }

  async unbundle(turn: number): Promise<void> {
    const prefix = `${this.#who}/u${turn}`;
    await this.#chart('unbundle', bundle, '--to', prefix);
    for (const [i, digest] of this.#digests.entries()) this.expected.set(`${prefix}/c${i}:1.0.0`, digest);
  }

  /** What is named is there whole, whoever prunes. */
  async export(): Promise<void> {
    const [found] = this.expected;
    if (found === undefined) return;
    const [ref, digest] = found;
    const out = join(home, 'out', this.#who);
    await this.#chart('export', ref, '-d', out);
    const name = `c${this.#digests.indexOf(digest)}`;
    assert.deepEqual(
      readFileSync(join(out, name, 'values.yaml')),
      readFileSync(join(home, name, 'values.yaml')),
      `content of ${ref}`,
    );
  }

  /** Of the whole cache, and of what this one has, while others change it. */
  async verify(turn: number): Promise<void> {
    const own = [...this.expected.keys()].slice(0, 3);
    await this.#chart('verify', ...(turn % 2 === 0 ? own : []));
  }

  async prune(): Promise<void> {
    await this.#chart('prune');
  }

  /** Into the same cache, by way of a registry that serves it. */
  async push(turn: number): Promise<void> {
    const i = turn % CHARTS;
    const own = join(home, 'pushing', this.#who);
    const ref = `${this.#pushHost}/${this.#who}/c${i}:${turn}`;
    if (!existsSync(own)) cpSync(source, own, { recursive: true });
    await this.#chart('tag', `team/c${i}:1.0.0`, ref, '--cache-dir', own);
    await this.#chart('push', ref, '--cache-dir', own);
    this.expected.set(`${this.#who}/c${i}:${turn}`, this.#digests[i] as string);
  }

  /** Pulls, and looks whether all that is known is listed. */
  async list(turn: number): Promise<void> {
    const i = turn % CHARTS;
    await this.#chart('pull', `${host}/team/c${i}:1.0.0`);
    const listed = new Set((await this.#chart('list', '-q')).split('\n'));
    assert.deepEqual(
      [...this.expected.keys()].filter((ref) => !listed.has(ref)),
      [],
    );
  }

  async #chart(...args: string[]): Promise<string> {
    const where = args.includes('--cache-dir') ? [] : ['--cache-dir', this.#cache];
    const { exit, stdout, stderr } = await runChart([...args, ...where], { home, timeout: 240_000 });
    assert.equal(exit, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}

test(`${PROCESSES} processes, ${SECONDS} seconds of mixed commands: nothing that succeeded is lost`, {
  timeout: 3_600_000,
}, async () => {
  const cache = join(home, 'shared');
  const digests = charts.map((_, i) => namesIn(source).get(`team/c${i}:1.0.0`) as string);
  const { server, host: pushHost } = await serve(cache, '--writable');
  const workers = Array.from({ length: PROCESSES }, (_, i) => new Worker(cache, `w${i}`, pushHost, digests));
  const until = performance.now() + SECONDS * 1000;
  try {
    await Promise.all(workers.map((worker) => worker.work(until)));
  } finally {
    await server.stop();
  }
  const own = new Map([...namesIn(cache)].filter(([name]) => !name.startsWith(`${host}/`)));
  const expected = new Map(workers.flatMap(({ expected }) => [...expected]));
  const sorted = (names: ReadonlyMap<string, string>): string[] => [...names].map((entry) => entry.join(' ')).sort();
  assert.deepEqual(sorted(own), sorted(expected));
  assert.ok(workers.reduce((sum, { commands }) => sum + commands, 0) >= PROCESSES);
  await assertVerified(cache);
  const pruned = await runChart(['prune', '--cache-dir', cache], { home });
  assert.equal(pruned.exit, 0, pruned.stderr);
  assert.deepEqual(readdirSync(join(cache, 'ingest')), []);
  assertValidLayout(cache);
});
