/**
 * A disk that fails in the middle of a command: strace has one system call on the cache fail, at each step in turn. Of these some are tried;
 * CHART_TEST_SOAK=40 tries all.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import { requireTools } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { chartCommand, type RunningProgram, runChart, runProgram, startChart, startProgram } from '../helpers/run.js';

const skip = process.platform === 'linux' ? requireTools('strace') || cannotTrace() : 'not Linux';
const SCALE = Math.max(1, Number(process.env.CHART_TEST_SOAK) || 1);

/** Containers may forbid it. */
function cannotTrace(): string | false {
  return spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0 ? false : 'strace may not trace here';
}

/** What a system call can fail with, and what is to be said then. */
const FAULTS: Readonly<Record<string, readonly string[]>> = {
  openat: ['EMFILE', 'EIO'],
  create: ['EDQUOT', 'EROFS', 'ENOSPC', 'EMFILE'],
  mkdir: ['EROFS', 'EDQUOT', 'EIO'],
  rename: ['EIO', 'ENOSPC', 'EROFS'],
  write: ['EDQUOT', 'EIO', 'ENOSPC'],
  read: ['EIO'],
  pread64: ['EIO'],
  statx: ['EIO'],
  getdents64: ['EIO'],
  unlink: ['EROFS', 'EIO'],
  rmdir: ['EIO'],
  fsync: ['EIO', 'EDQUOT', 'ENOSPC'],
};
const WORDS: Readonly<Record<string, RegExp>> = {
  EMFILE: /too many open files/,
  EIO: /input\/output error/,
  EDQUOT: /disk quota exceeded/,
  EROFS: /read-only file system/,
  ENOSPC: /no space left on device/,
};

const cleanups: (() => unknown)[] = [];
const home = temporaryDirectory({ after: (fn) => void cleanups.push(fn as () => unknown) });
const base = join(home, 'base');
const charts = ['a', 'b'].map((name) => join(home, name));
let upstream: RunningProgram;
let host = '';

async function chart(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await runChart(args, { home });
  assert.equal(exit, 0, stdout + stderr);
  return stdout;
}

before(async () => {
  if (skip) return;
  for (const path of charts) {
    mkdirSync(path);
    writeFileSync(join(path, 'Chart.yaml'), `apiVersion: v2\nname: ${path.slice(-1)}\nversion: 1.0.0\n`);
    writeFileSync(join(path, 'values.yaml'), `of: ${path.slice(-1)}\n`);
  }
  const source = join(home, 'source');
  await chart('save', charts[1] as string, 'team/b', '--cache-dir', source);
  await chart('bundle', 'team/b:1.0.0', '-o', join(home, 'b.tar'), '--cache-dir', source);
  await chart('save', charts[0] as string, 'k/a', '--cache-dir', base);
  await chart('save', charts[1] as string, 'k/gone', '--cache-dir', base);
  await chart('tag', 'k/a:1.0.0', 'k/old:1', '--cache-dir', base);
  await chart('remove', 'k/gone:1.0.0', '--cache-dir', base);
  upstream = startChart(['serve', '--addr', '127.0.0.1:0', '--cache-dir', source], { home });
  [, host = ''] = await upstream.waitFor(/^Listening on http:\/\/(\S+)$/m);
});
after(async () => {
  await upstream?.stop();
  for (const cleanup of cleanups) await cleanup();
});

/** A system call on the cache: the so-manieth of its kind on its thread. */
interface Step {
  readonly call: string;
  readonly number: number;
  /** Of which kind the path is, without what differs from run to run. */
  readonly what: string;
}

function stepsIn(log: string, dir: string): Step[] {
  const counts = new Map<string, number>();
  const found = new Map<string, Step>();
  for (const line of log.split('\n')) {
    const [, call = ''] = /^(?:\d+ +)?(\w+)\(/.exec(line) ?? [];
    const number = (counts.get(call) ?? 0) + 1;
    counts.set(call, number);
    const path = pathIn(line, dir);
    if (path === undefined) continue;
    const plain = path
      .replace(/w-[0-9a-f]+-\d+-[0-9a-f]+/, 'w')
      .replace(/[0-9a-f]{64}/, 'HEX')
      .replace(/\d+$/, 'N');
    const what = `${call}${line.includes('O_CREAT') ? ' create' : ''} ${plain}`;
    if (!found.has(what)) found.set(what, { call, number, what });
  }
  return [...found.values()];
}

/** The path in or below `dir` that a call is about, by name or by its open file; undefined for another call. */
function pathIn(line: string, dir: string): string | undefined {
  return new RegExp(`^(?:\\d+ +)?\\w+\\((?:AT_FDCWD<[^>]*>, )?(?:"|\\d+<)${dir}(/[^">]*)?[">]`)
    .exec(line)?.[0]
    ?.split(dir)[1];
}

/** Runs a command with strace around it; `inject` as strace has it. */
async function traced(args: readonly string[], calls: string, inject: string | undefined, all: boolean) {
  const file = join(home, 'trace');
  const strace = ['strace', '-y', '-s', '4096', ...(all ? ['-f'] : []), '-o', file, '-e', `trace=${calls}`];
  const command = [...strace, ...(inject === undefined ? [] : ['-e', `inject=${inject}`]), ...chartCommand(), ...args];
  const result = await runProgram(command, { home });
  return { ...result, log: readFileSync(file, 'utf8') };
}

function namesIn(cache: string): string[] {
  const { manifests } = JSON.parse(readFileSync(join(cache, 'index.json'), 'utf8'));
  return manifests
    .map((entry: { annotations: Record<string, string> }) => Object.values(entry.annotations)[0] as string)
    .sort();
}

const COMMANDS: readonly {
  readonly name: string;
  readonly args: () => string[];
  readonly loses?: readonly string[];
}[] = [
  { name: 'save', args: () => ['save', charts[1] as string, 'n/b'] },
  { name: 'pull', args: () => ['pull', `${host}/team/b:1.0.0`] },
  { name: 'tag', args: () => ['tag', 'k/a:1.0.0', 'n/a:2'] },
  { name: 'remove', args: () => ['remove', 'k/old:1'], loses: ['k/old:1'] },
  { name: 'prune', args: () => ['prune'] },
  { name: 'unbundle', args: () => ['unbundle', join(home, 'b.tar')] },
  { name: 'verify --repair', args: () => ['verify', '--repair'] },
  { name: 'list', args: () => ['list'] },
  { name: 'export', args: () => ['export', 'k/a:1.0.0', '-d', join(home, 'cache', 'out')] },
  { name: 'bundle', args: () => ['bundle', 'k/a:1.0.0', '-o', join(home, 'cache', 'out.tar')] },
];

for (const [row, { name, args, loses = [] }] of COMMANDS.entries()) {
  test(`${name}: a fault of the disk at any step is told, and loses nothing`, {
    skip,
    timeout: 1_800_000,
  }, async () => {
    const cache = join(home, 'cache');
    const fresh = (): void => {
      rmSync(cache, { recursive: true, force: true });
      cpSync(base, cache, { recursive: true });
    };
    const command = [...args(), '--cache-dir', cache];
    const before = namesIn(base);
    const calls = Object.keys(FAULTS).filter((call) => call !== 'create' && call !== 'fsync');
    fresh();
    const good = await traced(command, calls.join(), undefined, false);
    assert.equal(good.exit, 0, good.stderr);
    const after = namesIn(cache);
    const trials = stepsIn(good.log, cache).flatMap(({ call, number, what }) =>
      (FAULTS[what.includes(' create') ? 'create' : call] ?? []).map((fault) => {
        return { fault, call, inject: `${call}:error=${fault}:when=${number}`, what, all: false };
      }),
    );
    for (const fault of FAULTS.fsync as string[]) {
      trials.push({ fault, call: 'fsync', inject: `fsync:error=${fault}:when=1+`, what: 'fsync', all: true });
    }
    const problems: string[] = [];
    const every = SCALE >= 40 ? 1 : Math.ceil(trials.length / (2 * SCALE));
    for (const { fault, call, inject, what, all } of trials.filter((_, i) => (i + row) % every === 0)) {
      fresh();
      const { exit, stdout, stderr, log, signal } = await traced(command, call, inject, all);
      const about = `${name}, ${fault} at ${what}: exit ${exit}${signal ?? ''}\n${stdout}${stderr}`;
      const hit = log.split('\n').some((line) => line.includes('(INJECTED)') && pathIn(line, cache) !== undefined);
      // Node does not always do as many of its own.
      if (!hit) continue;
      try {
        assert.ok(exit === 0 || exit === 1, 'ends by itself');
        assert.doesNotMatch(stderr, /\n {4}at |\bE[A-Z]{2,}\b|node:internal|fault of chart itself|Unknown/);
        if (exit === 1) {
          assert.match(stderr, WORDS[fault] as RegExp);
          assert.match(stderr, /^Error: .+\n.+/m, 'says what to do');
          assert.ok(stderr.includes(cache), 'names the path');
        }
        const names = namesIn(cache);
        const lost = (exit === 0 ? after : before).filter((one) => !names.includes(one));
        assert.deepEqual(exit === 0 ? lost : lost.filter((one) => !loses.includes(one)), []);
        assertValidLayout(cache);
      } catch (error) {
        problems.push(`${(error as Error).message}\n${about}`);
      }
    }
    assert.deepEqual(problems, []);
    const verified = await runChart(['verify', '--cache-dir', cache], { home });
    assert.equal(verified.exit, 0, verified.stdout + verified.stderr);
  });
}

test('an upload of which the disk lost something is not stored by the next try', { skip }, async (t) => {
  const cache = join(home, 'served');
  const content = new Uint8Array(2_000_000).fill(7);
  const digest = digestOf(content);
  const strace = ['strace', '-f', '-o', join(home, 'trace'), '-e', 'trace=fsync'];
  const inject = ['-e', 'inject=fsync:error=EIO:when=1'];
  const args = ['serve', '--addr', '127.0.0.1:0', '--writable', '--cache-dir', cache];
  const server = startProgram([...chartCommand(), ...args], { home });
  t.after(() => server.stop());
  const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
  const post = await fetch(`${url}/v2/t/x/blobs/uploads/`, { method: 'POST' });
  const location = new URL(post.headers.get('location') ?? '', url);
  assert.equal((await fetch(location, { method: 'PATCH', body: content })).status, 202);
  const tracer = startProgram([...strace, ...inject, '-p', `${server.child.pid}`], { home });
  await tracer.waitFor(/attached/, 'stderr');
  const put = () => fetch(`${location}?digest=${digest}`, { method: 'PUT' });
  const failed = await put();
  assert.equal(failed.status, 503);
  const again = await put();
  assert.equal(again.status, 404);
  assert.match(await again.text(), /BLOB_UPLOAD_UNKNOWN/);
  assert.equal((await fetch(`${url}/v2/t/x/blobs/${digest}`, { method: 'HEAD' })).status, 404);
  await tracer.stop('SIGINT');
  const whole = await fetch(`${url}/v2/t/x/blobs/uploads/?digest=${digest}`, { method: 'POST', body: content });
  assert.equal(whole.status, 201);
  assertValidLayout(cache);
});
