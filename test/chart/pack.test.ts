import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type PackedFile, packChart } from '../../src/chart/pack.js';
import { isChartError } from '../../src/errors.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { parseTar } from './archive/tar-builder.js';

type Tree = Readonly<Record<string, string | Uint8Array>>;

const TREE: Tree = {
  'Chart.yaml': 'apiVersion: v2\nname: golden\nversion: 0.1.0\n',
  'values.yaml': 'replicas: 1\n',
  '.helmignore': '*.bak\n',
  'templates/web.yaml': 'kind: Deployment\n'.repeat(50),
  'templates/日本.yaml': 'kind: Service\n',
  [`files/${'long/'.repeat(30)}name.txt`]: 'deep\n',
  'files/empty': '',
  'bin/run.sh': '#!/bin/sh\n',
  'files/key': incompressible(200_000),
};

function writeTree(root: string, tree: Tree): PackedFile[] {
  return Object.entries(tree).map(([name, content]) => {
    const source = path.join(root, name);
    mkdirSync(path.dirname(source), { recursive: true });
    writeFileSync(source, content);
    const executable = name.endsWith('.sh');
    if (executable) chmodSync(source, 0o755);
    return { path: name, size: Buffer.byteLength(content), executable, source };
  });
}

async function pack(files: readonly PackedFile[], emptyDirectories: readonly string[] = []): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of packChart({ name: 'golden', files, emptyDirectories })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('packs a tree to bytes that never change', async (t) => {
  const files = writeTree(temporaryDirectory(t), TREE);
  const packed = await pack(files, ['charts', 'files/void']);
  assert.equal(digest(gunzipSync(packed)), 'ce400e9507945338cd59d771e0df6d3ccbefab008ecbe4962316a6a192f70f42');
  assert.equal(digest(packed), 'c4dd12548fa7d2f4b298951a77edd346b79088f18486c6194a791d2895a2cfd9');
});

test('gives the same bytes for files in another order, made at another time, under another umask', async (t) => {
  const one = writeTree(temporaryDirectory(t), TREE);
  const other = writeTree(temporaryDirectory(t), Object.fromEntries(Object.entries(TREE).reverse()));
  for (const { source, executable } of other) {
    utimesSync(source, 12345, 67890);
    chmodSync(source, executable ? 0o700 : 0o600);
  }
  assert.deepEqual(await pack(other, ['b', 'a']), await pack(one, ['a', 'b']));
});

test('puts Chart.yaml first, then all in the order of their bytes, directories only where they are empty', async (t) => {
  const files = writeTree(temporaryDirectory(t), {
    'a/b': '',
    'a-b': '',
    'Chart.yaml': 'x',
    'charts/sub/Chart.yaml': 'y',
    é: '',
    '.z': '',
    A: '',
    'run.sh': '',
  });
  const entries = parseTar(gunzipSync(await pack(files, ['void', 'a/void'])));
  assert.deepEqual(
    entries.map(({ name, mode }) => `${name} ${mode.toString(8)}`),
    [
      'golden/Chart.yaml 644',
      'golden/.z 644',
      'golden/A 644',
      'golden/a-b 644',
      'golden/a/b 644',
      'golden/a/void/ 755',
      'golden/charts/sub/Chart.yaml 644',
      'golden/run.sh 755',
      'golden/void/ 755',
      'golden/é 644',
    ],
  );
});

test('ends with 1024 zeros and nothing more', async (t) => {
  const files = writeTree(temporaryDirectory(t), { 'Chart.yaml': 'x' });
  assert.equal(gunzipSync(await pack(files)).length, 512 + 512 + 1024);
});

test('holds files of every size as they are', async (t) => {
  const bytes = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => (i * i) >> 8));
  const sizes = [0, 1, 511, 512, 513, 65_023, 65_024, 65_536, 262_144, 262_145, 1_000_000];
  const tree = Object.fromEntries(sizes.map((size) => [`files/${size}`, bytes(size)]));
  const entries = parseTar(gunzipSync(await pack(writeTree(temporaryDirectory(t), tree))));
  assert.deepEqual(
    entries.map(({ name, body }) => [name, digest(body)]),
    sizes.map((size) => [`golden/files/${size}`, digest(bytes(size))]).sort(),
  );
});

test('GNU tar unpacks it without a word', {
  skip: spawnSync('tar', ['--version']).status !== 0 && 'needs tar',
}, async (t) => {
  const root = temporaryDirectory(t);
  const files = writeTree(root, TREE);
  const into = temporaryDirectory(t);
  const { stderr, status } = spawnSync('tar', ['-xzf', '-', '-C', into], { input: await pack(files, ['void']) });
  assert.deepEqual([stderr.toString(), status], ['', 0]);
  rmSync(path.join(into, 'golden', 'void'), { recursive: true });
  const { stdout } = spawnSync('diff', ['-r', root, path.join(into, 'golden')]);
  assert.equal(stdout.toString(), '');
});

test('fails rather than packing a file that grew, shrank or went away since it was found', async (t) => {
  const isUnreadable = (words: RegExp) => (error: unknown) =>
    isChartError(error, 'CHART_SOURCE_UNREADABLE') && words.test(error.message);
  for (const size of [10, 300_000]) {
    for (const [change, words] of [
      [(source: string) => appendFileSync(source, 'x'), /the file changed size while it was packed$/],
      [(source: string) => truncateSync(source, size - 1), /the file changed size while it was packed$/],
      [(source: string) => rmSync(source), /^open .*files\/a: no such file or directory$/],
      [becomeDirectory, /^read .*files\/a: is a directory$/],
    ] as const) {
      const files = writeTree(temporaryDirectory(t), { 'files/a': Buffer.alloc(size) });
      change(files[0]!.source);
      await assert.rejects(pack(files), isUnreadable(words));
    }
  }
});

test('does not wait for a FIFO that has taken the place of a file', {
  skip: process.platform === 'win32',
}, async (t) => {
  const files = writeTree(temporaryDirectory(t), { 'files/a': 'hello' });
  rmSync(files[0]!.source);
  assert.equal(spawnSync('mkfifo', [files[0]!.source]).status, 0);
  await assert.rejects(pack(files), (error: unknown) => isChartError(error, 'CHART_SOURCE_UNREADABLE'));
});

test('refuses a name that is no directory name (CVE-2024-25620, CVE-2026-35206)', () => {
  for (const name of ['', '.', '..', '../x', 'a/b', '/x', 'a\\b', 'c:x', 'a\nb', 'x'.repeat(300)]) {
    assert.throws(
      () => packChart({ name, files: [], emptyDirectories: [] }),
      (error: unknown) => isChartError(error, 'CHART_INVALID'),
      JSON.stringify(name),
    );
  }
});

test('stops when it is cancelled', async (t) => {
  const files = writeTree(temporaryDirectory(t), { 'files/a': Buffer.alloc(3_000_000), 'files/b': 'x' });
  const controller = new AbortController();
  const stream = packChart({ name: 'c', files, emptyDirectories: [], signal: controller.signal });
  await assert.rejects(
    async () => {
      for await (const _ of stream) controller.abort();
    },
    (error: unknown) => isChartError(error, 'CANCELLED'),
  );
});

test('reads no further than its reader asks, and closes the file when the reader goes', async (t) => {
  const files = writeTree(temporaryDirectory(t), { 'files/a': incompressible(4_000_000) });
  const stream = packChart({ name: 'c', files, emptyDirectories: [] });
  await once(stream, 'readable');
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  assert.ok(stream.readableLength < 1_000_000, String(stream.readableLength));
  if (process.platform === 'linux') assert.equal(openFiles(files[0]!.source), 1);
  stream.destroy();
  await once(stream, 'close');
  if (process.platform === 'linux') assert.equal(openFiles(files[0]!.source), 0);
});

test('lets other work go on while it packs', async (t) => {
  const files = writeTree(temporaryDirectory(t), { 'files/a': Buffer.alloc(8_000_000, 'some text ') });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await pack(files);
  clearInterval(timer);
  assert.ok(turns >= 5, String(turns));
});

function incompressible(size: number): Buffer {
  const blocks = Array.from({ length: size / 32 }, (_, i) => createHash('sha256').update(String(i)).digest());
  return Buffer.concat(blocks);
}

function becomeDirectory(source: string): void {
  rmSync(source);
  mkdirSync(source);
}

function openFiles(source: string): number {
  const links = readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)];
    } catch {
      return [];
    }
  });
  return links.filter((target) => target === source).length;
}
