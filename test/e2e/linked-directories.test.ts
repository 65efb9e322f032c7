/** A cache of which a part is a symbolic link: it is read, and nothing behind the link is written or deleted. */
import assert from 'node:assert/strict';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunResult, runChart } from '../helpers/run.js';

const REF = 'r.example.com/t/app:1.0.0';
// A file link takes a privilege there.
const skip = process.platform === 'win32' ? 'links are another matter here' : false;
const cleanups: (() => unknown)[] = [];
const home = temporaryDirectory({ after: (fn) => void cleanups.push(fn as () => unknown) });
const base = join(home, 'base');

before(async () => {
  for (const name of ['app', 'gone']) {
    mkdirSync(join(home, name));
    writeFileSync(join(home, name, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
  }
  assert.equal((await chart(base, 'save', 'app', 'gone', '--to', 'r.example.com/t')).exit, 0);
  assert.equal((await chart(base, 'remove', 'r.example.com/t/gone:1.0.0')).exit, 0);
});
after(async () => {
  for (const cleanup of cleanups) await cleanup();
});

function chart(cache: string, ...args: string[]): Promise<RunResult> {
  return runChart([...args, '--cache-dir', cache], { home });
}

/** A copy of the cache in which a part lies in `NAME-elsewhere`, with a link to it in its place. */
function linked(name: string, part: string): { cache: string; elsewhere: string } {
  const cache = join(home, name);
  const elsewhere = join(home, `${name}-elsewhere`);
  cpSync(base, cache, { recursive: true });
  if (part !== '.') renameSync(join(cache, part), elsewhere);
  else renameSync(cache, elsewhere);
  symlinkSync(elsewhere, join(cache, part).replace(/\/\.?$/, ''));
  return { cache, elsewhere };
}

/** Every file, with what it holds. */
function contents(path: string): Record<string, string> {
  if (!lstatSync(path).isDirectory()) return { '': readFileSync(path, 'latin1') };
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(
    files
      .filter((file) => lstatSync(join(path, file)).isFile())
      .map((file) => [file, readFileSync(join(path, file), 'latin1')]),
  );
}

for (const part of ['ingest', 'blobs', 'blobs/sha256', 'index.json']) {
  test(`${part} is a link: reading works, writing and deleting refuse and say why`, { skip }, async () => {
    const { cache, elsewhere } = linked(`cache-${part.replace('/', '-')}`, part);
    if (part === 'ingest') {
      const thesis = join(elsewhere, 'docs', 'thesis');
      mkdirSync(join(elsewhere, 'docs'));
      writeFileSync(thesis, 'years of work');
      const old = Date.now() / 1000 - 7200;
      for (const path of [thesis, join(elsewhere, 'docs')]) utimesSync(path, old, old);
    }
    const before = contents(elsewhere);
    const list = await chart(cache, 'list', '-q');
    assert.equal(list.stdout, `${REF}\n`, list.stderr);
    assert.equal((await chart(cache, 'show', 'chart', REF)).exit, 0);
    const writers = [
      ['prune'],
      ['save', 'gone', 'r.example.com/t/new'],
      ['remove', REF],
      ['tag', REF, 'r.example.com/t/app:2'],
    ];
    for (const args of part === 'index.json' ? writers.slice(1) : [['prune', '--dry-run'], ...writers]) {
      const { exit, stdout, stderr } = await chart(cache, ...args);
      assert.equal(exit, 1, `${args} ${stdout}`);
      assert.ok(stderr.startsWith(`Error: ${join(cache, part)} is a symbolic link to ${elsewhere}\nNothing`), stderr);
    }
    for (const args of [[], ['--repair']]) {
      const verify = await chart(cache, 'verify', '-o', 'json', ...args);
      assert.notEqual(verify.exit, 0);
      const faults = JSON.parse(verify.stdout).faults as { kind: string; path: string; hint: string }[];
      assert.deepEqual(
        faults.map(({ kind, path }) => [kind, path]),
        [[part === 'index.json' ? 'index' : 'misplaced', part]],
      );
      assert.match(faults[0]?.hint ?? '', /Put a copy of it in the place of the link/);
    }
    assert.deepEqual(contents(elsewhere), before);
    assert.ok(lstatSync(join(cache, part)).isSymbolicLink());
  });
}

test('a cache that is reached through a link is as good as any', { skip }, async () => {
  const { cache, elsewhere } = linked('whole', '.');
  assert.ok(lstatSync(cache).isSymbolicLink());
  for (const args of [['save', 'gone', 'r.example.com/t/new'], ['remove', REF], ['prune'], ['verify']]) {
    const { exit, stdout, stderr } = await chart(cache, ...args);
    assert.equal(exit, 0, stdout + stderr);
  }
  assertValidLayout(elsewhere);
  assert.deepEqual(readdirSync(join(elsewhere, 'ingest')), []);
});

test('a link within ingest/ is swept as a link', { skip }, async () => {
  const cache = join(home, 'within');
  cpSync(base, cache, { recursive: true });
  const precious = join(home, 'precious');
  mkdirSync(join(precious, 'trash-1'), { recursive: true });
  writeFileSync(join(precious, 'trash-1', 'a'.repeat(64)), 'mine');
  symlinkSync(precious, join(cache, 'ingest', 'w-000000000000-1-00000000'));
  symlinkSync(precious, join(cache, 'ingest', 'upload-00000000-0000-0000-0000-000000000000'));
  const before = contents(precious);
  assert.equal((await chart(cache, 'prune')).exit, 0);
  assert.deepEqual(contents(precious), before);
  rmSync(precious, { recursive: true });
  assertValidLayout(cache);
});
