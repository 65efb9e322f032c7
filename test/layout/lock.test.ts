import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { type LockWait, openLayout } from '../../src/layout/layout.js';
import { acquireLock } from '../../src/layout/lock.js';
import { currentHost } from '../../src/layout/owners.js';
import { Workspace } from '../../src/layout/workspace.js';
import { storeNamed } from '../helpers/layout.js';
import { type TestCache, tidyCache, withCode } from './cache.js';
import { deadPid } from './workers.js';

const NAME = 'c:1';

function paths({ dir }: TestCache) {
  return { index: join(dir, 'index.json'), lock: join(dir, 'index.json.lock') };
}

/** Leaves a lock as another process would. */
function lockFor(cache: TestCache, owner?: { pid: number; host?: string }): void {
  const { lock } = paths(cache);
  mkdirSync(lock);
  const { pid, host = currentHost() } = owner ?? {};
  writeFileSync(join(lock, pid ? `${host}-${pid}-0123456789abcdef-build-7` : 'unknown'), '');
}

function unlock(cache: TestCache): void {
  rmSync(paths(cache).lock, { recursive: true });
}

function assertUnlocked(cache: TestCache): void {
  assert.deepEqual(
    readdirSync(cache.dir).filter((name) => name.startsWith('index.json')),
    ['index.json'],
  );
}

test('a lock is held for the change alone, and nothing of it stays', async (t) => {
  const cache = tidyCache(t);
  await storeNamed(cache.layout, NAME);
  assertUnlocked(cache);
});

test('the lock of a dead process of this machine is broken at once', async (t) => {
  const cache = tidyCache(t);
  const { manifest } = await storeNamed(cache.layout, NAME);
  lockFor(cache, { pid: deadPid() });
  const notices: LockWait[] = [];
  const layout = openLayout(cache.dir, { onLockWait: (wait) => notices.push(wait), lockTimeout: 900 });
  await layout.tag('c:2', manifest);
  assert.deepEqual(notices, []);
  assertUnlocked(cache);
});

test('a lock that was left long ago is broken at once, whoever had it', async (t) => {
  const cache = tidyCache(t);
  const { manifest } = await storeNamed(cache.layout, NAME);
  lockFor(cache, { pid: 1, host: '000000000000' });
  const before = Date.now() / 1000 - 2 * 86_400;
  utimesSync(paths(cache).lock, before, before);
  await openLayout(cache.dir, { lockTimeout: 900 }).tag('c:2', manifest);
  assertUnlocked(cache);
});

test("an empty lock is nobody's", async (t) => {
  const cache = tidyCache(t);
  const { manifest } = await storeNamed(cache.layout, NAME);
  mkdirSync(paths(cache).lock);
  await openLayout(cache.dir, { lockTimeout: 900 }).tag('c:2', manifest);
  assertUnlocked(cache);
});

test('a lock that nobody touches is broken, and one that is touched is not', async (t) => {
  const cache = tidyCache(t);
  await storeNamed(cache.layout, NAME);
  const workspace = new Workspace(join(cache.dir, 'ingest'));
  const options = { dir: cache.dir, workspace, timeout: 400, silence: 60 };
  for (const owner of [undefined, { pid: process.pid }, { pid: 1, host: '000000000000' }]) {
    lockFor(cache, owner);
    await (await acquireLock(options)).release();
    assertUnlocked(cache);
  }
  lockFor(cache, { pid: 1, host: '000000000000' });
  let touches = 0;
  const touch = (): boolean => {
    touches += 1;
    const now = Date.now() / 1000 + touches;
    utimesSync(paths(cache).lock, now, now);
    return false;
  };
  await assert.rejects(acquireLock({ ...options, isCancelled: touch }), withCode('LAYOUT_LOCKED'));
  unlock(cache);
});

test('a live process is waited for until the time is up, and named', async (t) => {
  const cache = tidyCache(t);
  const { manifest } = await storeNamed(cache.layout, NAME);
  lockFor(cache, { pid: process.pid });
  const layout = openLayout(cache.dir, { lockTimeout: 80 });
  const started = performance.now();
  await assert.rejects(layout.tag('c:2', manifest), withCode('LAYOUT_LOCKED', /locked by process \d+ on build-7/));
  assert.ok(performance.now() - started >= 80);
  await assert.rejects(layout.untag(NAME), withCode('LAYOUT_LOCKED'));
  assert.ok(existsSync(paths(cache).lock), 'it was left alone');
  assert.deepEqual(
    (await layout.readIndex()).map(({ name }) => name),
    [NAME],
    'reading needs no lock',
  );
  unlock(cache);
  await layout.tag('c:2', manifest);
});

test('a wait of more than a second is announced, once, and ends when the lock is free', async (t) => {
  const cache = tidyCache(t);
  const { manifest } = await storeNamed(cache.layout, NAME);
  lockFor(cache, { pid: process.pid });
  const notices: LockWait[] = [];
  const onLockWait = (wait: LockWait): void => {
    notices.push(wait);
    unlock(cache);
  };
  await openLayout(cache.dir, { onLockWait }).tag('c:2', manifest);
  assert.equal(notices.length, 1);
  assert.equal(notices[0]?.owner, `process ${process.pid} on build-7`);
  assert.ok((notices[0]?.waited ?? 0) >= 1000);
});

test('a wait ends when it is cancelled', async (t) => {
  const cache = tidyCache(t);
  const { manifest } = await storeNamed(cache.layout, NAME);
  lockFor(cache, { pid: process.pid });
  const abort = new AbortController();
  const tagging = cache.layout.tag('c:2', manifest, { signal: abort.signal });
  setImmediate(() => abort.abort());
  await assert.rejects(tagging, withCode('CANCELLED'));
  unlock(cache);
  await cache.layout.tag('c:3', manifest);
  assert.deepEqual(
    (await cache.layout.readIndex()).map(({ name }) => name),
    [NAME, 'c:3'],
  );
});

/** Has `interfere` run once in the middle of a change that adds an entry, and returns the names after it. */
async function tagWith(cache: TestCache, interfere: () => void): Promise<(string | undefined)[]> {
  const { manifest } = await storeNamed(cache.layout, NAME);
  const { createContext } = await import('../../src/layout/context.js');
  const { ManifestFacts } = await import('../../src/layout/manifest-facts.js');
  const context = createContext(cache.dir, {}, new ManifestFacts(cache.dir));
  let runs = 0;
  await context.updates.update((edit) => {
    runs += 1;
    edit.put('c:ours', manifest, true);
    if (runs === 1) interfere();
  });
  assert.equal(runs, 2);
  assertUnlocked(cache);
  return (await cache.layout.readIndex()).map(({ name }) => name);
}

test('a process whose lock was broken in the meantime does not write, and makes its change anew', async (t) => {
  const cache = tidyCache(t);
  const names = await tagWith(cache, () => {
    const { index } = paths(cache);
    unlock(cache);
    writeFileSync(`${index}.new`, readFileSync(index, 'utf8').replace('"c:1"', '"c:theirs"'));
    rmSync(index);
    writeFileSync(index, readFileSync(`${index}.new`));
    rmSync(`${index}.new`);
  });
  assert.deepEqual(names, ['c:theirs', 'c:ours']);
});

test('what Helm 3.6.3 writes in the meantime, without a lock, is not lost', async (t) => {
  const cache = tidyCache(t);
  const names = await tagWith(cache, () => {
    const { index } = paths(cache);
    writeFileSync(index, readFileSync(index, 'utf8').replace('"c:1"', '"c:helm"'));
  });
  assert.deepEqual(names, ['c:helm', 'c:ours']);
});

test('a lock that somebody else took over is not given back', async (t) => {
  const cache = tidyCache(t);
  await storeNamed(cache.layout, NAME);
  const workspace = new Workspace(join(cache.dir, 'ingest'));
  const held = await acquireLock({ dir: cache.dir, workspace, timeout: 1000 });
  unlock(cache);
  lockFor(cache, { pid: process.pid });
  assert.throws(() => held.assertHeld());
  await held.release();
  assert.ok(existsSync(paths(cache).lock));
  unlock(cache);
});
