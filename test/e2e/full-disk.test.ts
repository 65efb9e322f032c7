/** A disk that is full: the error says so, the cache is as before, and the same command works once there is space. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemErrorCode } from '../../src/errors.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';

const KIB = 1024;
const SIZE = 12 * 1024 * KIB;
const skip = canMount() ? false : 'not root, or mount is not allowed';

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const cleanups: (() => unknown)[] = [];
  const dir = temporaryDirectory({ after: (fn) => void cleanups.push(fn as () => unknown) });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]).status === 0;
  if (mounted) execFileSync('umount', [dir]);
  for (const cleanup of cleanups) cleanup();
  return mounted;
}

interface Disk {
  readonly dir: string;
  /** Leaves so many bytes free. */
  fill(free: number): void;
  empty(): void;
}

function smallDisk(t: TestContext): Disk {
  // Before the directory is asked for, or else it is to be removed while it is mounted.
  t.after(() => execFileSync('umount', ['-l', dir]));
  const dir = temporaryDirectory(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', dir]);
  const filler = join(dir, 'filler');
  const empty = (): void => rmSync(filler, { force: true });
  const fill = (free: number): void => {
    empty();
    const fd = openSync(filler, 'w');
    const { bavail, bsize } = statfsSync(dir);
    let left = bavail * bsize - free;
    try {
      for (; left > 0; left -= 64 * KIB) writeSync(fd, Buffer.alloc(Math.min(left, 64 * KIB)));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOSPC') throw error;
    }
    closeSync(fd);
  };
  return { dir, fill, empty };
}

/** A chart that does not get smaller when it is packed. */
function writeChart(dir: string, name: string, bytes: number): string {
  const path = join(dir, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
  writeFileSync(join(path, 'data.bin'), randomFillSync(Buffer.alloc(bytes)));
  return path;
}

/** Everything under a directory, as text. */
function snapshot(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'filler')
    .map((entry) => `${join(entry.parentPath, entry.name)} ${readFileSync(join(entry.parentPath, entry.name)).length}`)
    .sort();
}

async function assertFull(args: readonly string[], home: string, cache: string): Promise<void> {
  const before = snapshot(cache);
  const { exit, stdout, stderr } = await runChart(args, { home });
  assert.equal(exit, 1, `${args[0]}: ${stdout}${stderr}`);
  assert.match(stderr, /^Error: [^\n]*no space left on device\n[^\n]*(?:space|room)[^\n]*\n$/, args[0]);
  // Whole content that nothing names may be there besides: prune takes it, and the next attempt need not fetch it again.
  const after = snapshot(cache);
  assert.deepEqual(
    before.filter((file) => !after.includes(file)),
    [],
    'all that was there is there',
  );
  assert.deepEqual(
    after.filter((file) => !before.includes(file) && !file.includes('/blobs/')),
    [],
  );
  assert.deepEqual(readdirSync(join(cache, 'ingest')), []);
  const verified = await runChart(['verify', '--cache-dir', cache], { home });
  assert.equal(verified.exit, 0, verified.stdout + verified.stderr);
}

async function assertDone(args: readonly string[], home: string): Promise<void> {
  const { exit, stdout, stderr } = await runChart(args, { home });
  assert.equal(exit, 0, stdout + stderr);
}

test('save, tag, remove and pull on a full disk', { skip }, async (t) => {
  const home = temporaryDirectory(t);
  const disk = smallDisk(t);
  const cache = join(disk.dir, 'cache');
  const small = writeChart(home, 'small', 1 * KIB);
  const big = writeChart(home, 'big', 2 * 1024 * KIB);
  const source = join(home, 'source');
  await assertDone(['save', big, 'r.example.com/team/big', '--cache-dir', source], home);
  const server = startChart(['serve', '--addr', '127.0.0.1:0', '--cache-dir', source], { home });
  t.after(() => server.stop());
  const [, host] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
  const pulled = `${host}/team/big:1.0.0`;
  await assertDone(['save', small, 'r.example.com/team/small', '--cache-dir', cache], home);
  const commands = [
    ['save', big, 'r.example.com/team/big', '--cache-dir', cache],
    ['pull', pulled, '--cache-dir', cache],
  ];
  for (const args of commands) {
    for (const free of [0, 700 * KIB]) {
      disk.fill(free);
      await assertFull(args, home, cache);
    }
    disk.empty();
    await assertDone(args, home);
    assertValidLayout(cache);
    await assertDone(['remove', '*big*', '--cache-dir', cache], home);
    await assertDone(['prune', '--cache-dir', cache], home);
  }
  disk.fill(0);
  await assertFull(
    ['tag', 'r.example.com/team/small:1.0.0', 'r.example.com/team/small:2', '--cache-dir', cache],
    home,
    cache,
  );
  disk.empty();
  await assertDone(['tag', 'r.example.com/team/small:1.0.0', 'r.example.com/team/small:2', '--cache-dir', cache], home);
  assert.deepEqual(readdirSync(join(cache, 'ingest')), []);
  assertValidLayout(cache);
});

test('export to a full disk', { skip }, async (t) => {
  const home = temporaryDirectory(t);
  const disk = smallDisk(t);
  const cache = join(home, 'cache');
  const big = writeChart(home, 'big', 2 * 1024 * KIB);
  const ref = 'r.example.com/team/big:1.0.0';
  await assertDone(['save', big, ref, '--cache-dir', cache], home);
  for (const form of [['--tgz'], []]) {
    rmSync(join(disk.dir, 'out'), { recursive: true, force: true });
    const args = ['export', ref, '-d', join(disk.dir, 'out'), ...form, '--cache-dir', cache];
    for (const free of [0, 700 * KIB]) {
      disk.fill(free);
      await assertFull(args, home, cache);
      const partial = readdirSync(disk.dir, { recursive: true }).filter((name) => /partial|\.bin|tgz/.test(`${name}`));
      assert.deepEqual(partial, [], 'no half of a file is left');
    }
    disk.empty();
    await assertDone(args, home);
  }
  assert.deepEqual(readFileSync(join(disk.dir, 'out', 'big', 'data.bin')), readFileSync(join(big, 'data.bin')));
});

test('a push to serve on a full disk', { skip }, async (t) => {
  const home = temporaryDirectory(t);
  const disk = smallDisk(t);
  const cache = join(disk.dir, 'cache');
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', cache], { home });
  t.after(() => server.stop());
  const [, url] = await server.waitFor(/^Listening on (\S+)$/m);
  const push = async (bytes: number): Promise<{ status: number; body: string }> => {
    const body = randomFillSync(Buffer.alloc(bytes));
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    const begun = await fetch(`${url}/v2/team/app/blobs/uploads/`, { method: 'POST' });
    if (begun.status !== 202) return { status: begun.status, body: await begun.text() };
    const place = new URL(begun.headers.get('location') as string, url);
    place.searchParams.set('digest', digest);
    const answer = await fetch(place, { method: 'PUT', body });
    return { status: answer.status, body: await answer.text() };
  };
  assert.equal((await push(KIB)).status, 201);
  disk.fill(700 * KIB);
  const { status, body } = await push(2 * 1024 * KIB);
  assert.equal(status, 507, body);
  assert.equal(JSON.parse(body).errors[0].code, 'UNAVAILABLE');
  assert.equal((await push(100 * KIB)).status, 201, 'what fits goes in: the half that came takes no room');
  disk.empty();
  assert.equal((await push(2 * 1024 * KIB)).status, 201);
  assertValidLayout(cache);
});
