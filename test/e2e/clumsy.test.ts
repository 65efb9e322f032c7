/** What scripts and shells get wrong: variables that are not set, lists from other systems, directories that went away. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { chartCommand, type RunOptions, type RunResult, runChart } from '../helpers/run.js';

const REF = 'r.example.com/t/app:1.0.0';

async function stage(t: TestContext) {
  const dir = temporaryDirectory(t);
  const cache = join(dir, 'cache');
  const chart = (args: string[], options: RunOptions = {}): Promise<RunResult> =>
    runChart(['--cache-dir', cache, ...args], { cwd: dir, ...options });
  mkdirSync(join(dir, 'app'));
  writeFileSync(join(dir, 'app', 'Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 1.0.0\n');
  assert.equal((await chart(['save', 'app', REF])).exit, 0);
  return { dir, cache, chart };
}

test('an empty --cache-dir or --file is not the default', async (t) => {
  const { dir, cache, chart } = await stage(t);
  const env = { HELM_CACHE_HOME: join(dir, 'home') };
  const home = join(dir, 'home', 'registry', 'cache');
  assert.equal((await runChart(['save', 'app', REF, '--cache-dir', home], { cwd: dir })).exit, 0);
  for (const [flag, ...args] of [
    ['--cache-dir', '--cache-dir', '', 'remove', '*'],
    ['--cache-dir', 'list', '--cache-dir='],
    ['--file', 'remove', '-f', ''],
  ]) {
    const { exit, stdout, stderr } = await runChart(args, { cwd: dir, env });
    assert.equal(exit, 1, args.join(' '));
    assert.equal(stdout, '');
    assert.ok(stderr.startsWith(`Error: ${flag} is empty\n`), stderr);
  }
  assert.equal((await chart(['list', '-q', '--cache-dir', home])).stdout, `${REF}\n`);
  await assertValidLayout(home);
  await assertValidLayout(cache);
});

for (const [encoding, mark] of [
  ['utf16le', 'little-endian'],
  ['utf16be', 'big-endian'],
] as const) {
  test(`a list in ${mark} UTF-16, as Windows PowerShell writes it, is read`, async (t) => {
    const { dir, chart } = await stage(t);
    const content = Buffer.from(`\uFEFF# charts\r\n${REF}\r\n`, 'utf16le');
    writeFileSync(join(dir, 'refs.txt'), encoding === 'utf16be' ? content.swap16() : content);
    const { exit, stderr } = await chart(['export', '-f', 'refs.txt', '-d', 'out']);
    assert.equal(stderr, '');
    assert.equal(exit, 0);
    assert.ok(existsSync(join(dir, 'out', 'app', 'Chart.yaml')));
  });
}

test('a list without an end is given up', {
  skip: process.platform === 'win32' && 'there is no /dev/zero',
}, async (t) => {
  const { chart } = await stage(t);
  const { exit, stderr } = await chart(['pull', '-f', '/dev/zero']);
  assert.equal(exit, 1);
  assert.match(stderr, /^Error: cannot read \/dev\/zero: it is longer than 64 MiB\n/);
});

test('a working directory that was deleted is named as what is wrong', {
  skip: process.platform === 'win32' && 'a directory in use cannot be deleted there',
}, async (t) => {
  const { dir, cache } = await stage(t);
  const gone = join(dir, 'gone');
  mkdirSync(gone);
  const command = [...chartCommand(), '--cache-dir', cache];
  const run = (...args: string[]): string =>
    execFileSync('sh', ['-c', 'rmdir "$PWD"; "$@" 2>&1 || echo "exit $?"', 'sh', ...command, ...args], {
      cwd: gone,
      encoding: 'utf8',
    });
  const output = run('save', 'app', REF);
  assert.match(output, /^Error: the working directory does not exist any more\n.*absolute paths\.\nexit 1\n$/);
});

test('a bundle below a file is refused as something that cannot be written, or read', async (t) => {
  const { dir, chart } = await stage(t);
  writeFileSync(join(dir, 'file'), '');
  const { exit, stderr } = await chart(['bundle', REF, '-o', 'file/charts.tar']);
  assert.equal(exit, 1);
  assert.match(
    stderr,
    /^Error: cannot write file\/charts\.tar: not a directory\nName a file in a directory that exists/,
  );
  const read = await chart(['unbundle', 'file/charts.tar']);
  assert.equal(read.exit, 1);
  assert.match(read.stderr, /^Error: cannot read file\/charts\.tar: not a directory\n/);
});
