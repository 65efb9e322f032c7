/** A cache in a place that is none, or that another user may only read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { requireTools } from '../helpers/docker-registry.js';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunningProgram, type RunResult, runChart, runProgram, startChart, startProgram } from '../helpers/run.js';

const cleanups: (() => unknown)[] = [];
const home = temporaryDirectory({ after: (fn) => void cleanups.push(fn as () => unknown) });
const cache = join(home, 'cache');
const source = join(home, 'app');
const REF = 'r.example.com/team/app:1.0.0';

before(async () => {
  mkdirSync(source);
  writeFileSync(join(source, 'Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 1.0.0\n');
  await done('save', source, REF, '--cache-dir', cache);
});
after(async () => {
  assertValidLayout(cache);
  for (const cleanup of cleanups) await cleanup();
});

async function done(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await runChart(args, { home });
  assert.equal(exit, 0, stdout + stderr);
  return stdout;
}

function assertTold({ exit, stdout, stderr }: RunResult, words: RegExp): void {
  assert.equal(exit, 1, stdout + stderr);
  assert.match(stderr, words);
  assert.doesNotMatch(stderr, /fault of chart itself|\n {4}at /);
}

test('a link that leads nowhere is named, with where it leads', async () => {
  const link = join(home, 'link');
  symlinkSync(join(home, 'nowhere'), link);
  const told = await runChart(['save', source, REF, '--cache-dir', link], { home });
  assertTold(
    told,
    /^Error: cannot write .*: \S+link is a link to \S+nowhere, which does not exist\nMake the directory/,
  );
});

test('below /proc nothing can be made, and that is said', { skip: process.platform !== 'linux' }, async () => {
  const cannot = /^Error: (?:cannot write|mkdir) \/proc\/x/m;
  assertTold(await runChart(['save', source, REF, '--cache-dir', '/proc/x/y'], { home }), cannot);
  for (const form of [[], ['--tgz']]) {
    const args = ['export', REF, '-d', '/proc/x/y', ...form, '--cache-dir', cache];
    assertTold(await runChart(args, { home }), cannot);
  }
});

test('serve does not start on what it cannot read', async () => {
  const broken = join(home, 'broken');
  cpSync(cache, broken, { recursive: true });
  writeFileSync(join(broken, 'index.json'), '{');
  const serve = (dir: string) =>
    runChart(['serve', '--addr', '127.0.0.1:0', '--cache-dir', dir], { home, timeout: 20_000 });
  const [damaged, file] = await Promise.all([serve(broken), serve(join(source, 'Chart.yaml'))]);
  assertTold(damaged, /^Error: .*index\.json cannot be used/);
  assertTold(file, /^Error: mkdir .*Chart\.yaml: not a directory/m);
});

test('a reference that is named twice is exported once', async () => {
  const out = await done('export', REF, REF, '-d', join(home, 'out'), '--cache-dir', cache, '-q');
  assert.equal(out, `${join(home, 'out', 'app')}\n`);
});

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

test('another user, who may only read the cache, can use it and changes nothing', {
  skip: isRoot ? requireTools('setpriv') : 'not root',
}, async (t) => {
  const theirs = join(home, 'theirs');
  mkdirSync(theirs);
  execFileSync('chown', ['65534', theirs]);
  chmodSync(home, 0o755);
  // The program, where that user can read it.
  const program = temporaryDirectory(t);
  chmodSync(program, 0o755);
  for (const name of ['bin', 'dist', 'docs', 'package.json']) {
    cpSync(join(PROJECT, name), join(program, name), { recursive: true });
  }
  const as = ['setpriv', '--reuid=65534', '--clear-groups', process.execPath, join(program, 'bin', 'chart.js')];
  const other = (...args: string[]): Promise<RunResult> =>
    runProgram([...as, ...args, '--cache-dir', cache], { home: theirs });
  const tree = (): string[] => (readdirSync(cache, { recursive: true }) as string[]).sort();
  const before = tree();

  const server: RunningProgram = startProgram([...as, 'serve', '--addr', '127.0.0.1:0', '--cache-dir', cache], {
    home: theirs,
  });
  t.after(() => server.stop());
  const [, host = ''] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
  const registry = startChart(['serve', '--addr', '127.0.0.1:0', '--writable', '--cache-dir', join(home, 'registry')], {
    home,
  });
  t.after(() => registry.stop());
  const [, target = ''] = await registry.waitFor(/^Listening on http:\/\/(\S+)$/m);
  await done('tag', REF, `${target}/team/app:1.0.0`, '--cache-dir', cache);
  assert.deepEqual(tree(), before);

  const works = [
    ['list'],
    ['show', 'chart', REF],
    ['export', REF, '-d', join(theirs, 'out')],
    ['export', REF, '-d', join(theirs, 'out'), '--tgz'],
    ['verify'],
    ['images', REF],
    ['bundle', REF, '-o', join(theirs, 'b.tar')],
    ['push', `${target}/team/app:1.0.0`],
  ];
  for (const args of works) {
    const { exit, stdout, stderr } = await other(...args);
    assert.equal(exit, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  }
  await done('pull', `${host}/r.example.com/team/app:1.0.0`, '--cache-dir', join(home, 'pulled'));

  writeFileSync(join(theirs, 'Chart.yaml'), 'apiVersion: v2\nname: mine\nversion: 1.0.0\n');
  const fails = [
    ['save', theirs, 'r.example.com/mine:1.0.0'],
    ['pull', `${host}/r.example.com/team/app:1.0.0`],
    ['tag', REF, 'r.example.com/team/app:2'],
    ['remove', REF],
    ['unbundle', join(theirs, 'b.tar'), '--to', 'r.example.com/other'],
  ];
  for (const args of fails) {
    const told = await other(...args);
    const about = `${args.join(' ')}: ${told.stdout}${told.stderr}`;
    assert.equal(told.exit, 1, about);
    assert.match(told.stderr, /^Error: .*cannot write \S+cache\S*: permission denied/m, about);
    assert.match(told.stderr, /^\S+ belongs to root\. Use a cache directory of your own/m, about);
  }
  assert.deepEqual(tree(), before);
  rmSync(theirs, { recursive: true });
});

test('an index.json that is too large to be read is a fault of the server, and no manifest that is missing', async () => {
  const large = join(home, 'large');
  cpSync(cache, large, { recursive: true });
  const server = startChart(['serve', '--addr', '127.0.0.1:0', '--writable', '--cache-dir', large], { home });
  try {
    const [, url] = await server.waitFor(/^Listening on (\S+)$/m);
    truncateSync(join(large, 'index.json'), 300 * 1024 * 1024);
    for (const path of ['/v2/_catalog', '/v2/t/app/tags/list', '/v2/t/app/manifests/1.0.0']) {
      const response = await fetch(`${url}${path}`);
      assert.deepEqual(
        [response.status, ((await response.json()) as { errors: { code: string }[] }).errors[0]?.code],
        [500, 'UNKNOWN'],
        path,
      );
    }
    await server.waitFor(/index\.json has 314572800 bytes; at most/, 'stderr');
  } finally {
    await server.stop();
  }
});
