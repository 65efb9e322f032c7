import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { openLayout, type PrunePlan } from '../../src/layout/layout.js';
import { currentHost } from '../../src/layout/owners.js';
import type { Descriptor } from '../../src/oci/descriptor.js';
import { digestHex } from '../../src/oci/digest.js';
import { OCI_INDEX } from '../../src/oci/media-types.js';
import { storeArtifact, storeNamed } from '../helpers/layout.js';
import { looseCache, type TestCache, tidyCache, withCode } from './cache.js';
import { deadPid, killedWriter } from './workers.js';

function digests({ blobs }: Pick<PrunePlan, 'blobs'>): string[] {
  return blobs.map(({ digest }) => digest).sort();
}

function digestsOf(...stored: { manifest: Descriptor; config: Descriptor; layers: readonly Descriptor[] }[]): string[] {
  const all = stored.flatMap(({ manifest, config, layers }) => [manifest, config, ...layers]);
  return all.map(({ digest }) => digest).sort();
}

/** Makes what a process of another machine would have in ingest/. */
function workspaceOf(cache: TestCache, host: string, pid: number, lines: string, age = 0): string {
  const name = `w-${host}-${pid}-0000000a`;
  const path = join(cache.dir, 'ingest', name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'leases'), lines);
  writeFileSync(join(path, '1'), 'half of a blob');
  const then = (Date.now() - age) / 1000;
  for (const file of [join(path, 'leases'), join(path, '1'), path]) utimesSync(file, then, then);
  return name;
}

test('a plan deletes nothing, and carrying it out deletes exactly what it says', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const kept = await storeNamed(layout, 'c:1');
  const gone = await storeNamed(layout, 'c:2');
  await layout.untag('c:2');
  const plan = await layout.planPrune();
  assert.deepEqual(digests(plan), digestsOf(gone));
  assert.equal(
    plan.bytes,
    [gone.manifest, gone.config, ...gone.layers].reduce((sum, { size }) => sum + size, 0),
  );
  assert.equal(existsSync(pathOf(gone.manifest.digest)), true);
  const result = await layout.applyPrune(plan);
  assert.deepEqual([digests(result), result.bytes], [digestsOf(gone), plan.bytes]);
  for (const { digest } of [gone.manifest, gone.config]) assert.equal(existsSync(pathOf(digest)), false);
  for (const { digest } of [kept.manifest, kept.config]) assert.equal(existsSync(pathOf(digest)), true);
  assert.deepEqual((await layout.planPrune()).blobs, []);
  assert.deepEqual((await layout.applyPrune(plan)).blobs, [], 'nothing is left of the plan');
});

test('blobs that two references share stay until both are gone', async (t) => {
  const { layout } = tidyCache(t);
  const { manifest } = await storeNamed(layout, 'c:1');
  await layout.tag('c:2', manifest);
  await layout.untag('c:1');
  assert.deepEqual((await layout.planPrune()).blobs, []);
  await layout.untag('c:2');
  assert.equal((await layout.planPrune()).blobs.length, 3);
});

test('a plan can say what the removal of names would free, and remove them', async (t) => {
  const { layout } = tidyCache(t);
  const one = await storeNamed(layout, 'c:1');
  const two = await storeNamed(layout, 'c:2');
  const plan = await layout.planPrune({ names: ['c:1', 'c:none'] });
  assert.deepEqual(digests(plan), digestsOf(one));
  assert.equal((await layout.readIndex()).length, 2);
  assert.deepEqual(digests(await layout.applyPrune(plan)), digestsOf(one));
  assert.deepEqual(
    (await layout.readIndex()).map(({ descriptor }) => descriptor?.digest),
    [two.manifest.digest],
  );
});

test('what an index reaches stays, through other indexes too', async (t) => {
  const { layout } = tidyCache(t);
  const inner = await storeArtifact(layout, { content: 'inner' });
  const wrap = async (manifest: Descriptor): Promise<Descriptor> =>
    layout.putBytes(
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [manifest] })),
      OCI_INDEX,
    );
  await layout.tag('c:1', await wrap(await wrap(inner.manifest)));
  await layout.close();
  assert.deepEqual((await layout.planPrune()).blobs, []);
});

test('signatures stay as long as what they are about, signatures of signatures too', async (t) => {
  const { layout } = tidyCache(t);
  const subject = await storeNamed(layout, 'c:1');
  const signature = await storeArtifact(layout, { content: 'signature', subject: subject.manifest });
  const countersignature = await storeArtifact(layout, { content: 'counter', subject: signature.manifest });
  await layout.close();
  assert.deepEqual((await layout.planPrune()).blobs, []);
  await layout.untag('c:1');
  assert.deepEqual(digests(await layout.planPrune()), digestsOf(subject, signature, countersignature));
});

test('GHSA-298f-872v-2rcx: manifests that are about each other end', async (t) => {
  const { layout, pathOf } = looseCache(t);
  const a = await storeArtifact(layout, { content: 'a' });
  const b = await storeArtifact(layout, { content: 'b', subject: a.manifest });
  const list = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [b.manifest] }));
  const index = await layout.putBytes(list, OCI_INDEX);
  await layout.tag('c:1', index);
  // The index lists itself: with a hash of its own content in it that is nothing that anybody could make but by damage.
  const circle = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [index, b.manifest],
    subject: index,
  });
  const { default: fs } = await import('node:fs');
  fs.rmSync(pathOf(index.digest));
  writeFileSync(pathOf(index.digest), circle);
  await layout.close();
  assert.deepEqual(digests(await layout.planPrune()), digestsOf(a));
});

test('what a damaged manifest seems to refer to stays', async (t) => {
  const { layout, pathOf } = looseCache(t);
  const { manifest, bytes } = await storeNamed(layout, 'c:1');
  const { default: fs } = await import('node:fs');
  fs.rmSync(pathOf(manifest.digest));
  writeFileSync(pathOf(manifest.digest), bytes.toString().replace('"layers":[', '"layers":[,'));
  assert.deepEqual((await layout.planPrune()).blobs, []);
  fs.rmSync(pathOf(manifest.digest));
  assert.equal((await layout.planPrune()).blobs.length, 2, 'one that is missing leads nowhere');
});

test('what a running process relies on stays, from when it is stored until it is named or given up', async (t) => {
  const { dir, layout } = tidyCache(t);
  const pruner = openLayout(dir);
  const prune = async () => pruner.applyPrune(await pruner.planPrune());
  const { manifest } = await storeArtifact(layout, { content: 'new' });
  assert.deepEqual((await prune()).blobs, []);
  assert.equal((await pruner.planPrune()).inUse, 3);
  await layout.tag('c:1', manifest);
  await layout.untag('c:1');
  assert.equal((await prune()).blobs.length, 3, 'it was named, and the name is gone');

  await storeArtifact(layout, { content: 'given up' });
  await layout.close();
  assert.equal((await prune()).blobs.length, 3);
});

test('a blob that was there already stays when a running process comes to rely on it', async (t) => {
  const { dir, layout } = tidyCache(t);
  const old = await storeNamed(layout, 'c:1');
  await layout.untag('c:1');
  const writer = openLayout(dir);
  const plan = await layout.planPrune();
  assert.equal(plan.blobs.length, 3);
  const never = (): never => assert.fail('it is here');
  await writer.writeBlob(old.config, never);
  await writer.ingestBlob(Readable.from(['c:1 0']), { mediaType: 'application/tar+gzip' });
  assert.deepEqual(digests(await layout.applyPrune(plan)), [old.manifest.digest]);
  await writer.putBytes(old.bytes, old.manifest.mediaType);
  await writer.tag('c:1', old.manifest);
});

test('a blob that somebody asked about may be named next, and stays for a while', async (t) => {
  const { dir, layout } = tidyCache(t);
  const old = await storeNamed(layout, 'c:1');
  await layout.untag('c:1');
  const server = openLayout(dir);
  await server.repository('c').statBlob(old.config.digest);
  const result = await layout.applyPrune(await layout.planPrune());
  assert.deepEqual(
    digests(result),
    digestsOf(old).filter((digest) => digest !== old.config.digest),
  );
  await server.close();
});

test('what is named between plan and deletion stays', async (t) => {
  const { dir, layout } = tidyCache(t);
  const { manifest } = await storeNamed(layout, 'c:1');
  await layout.untag('c:1');
  const plan = await layout.planPrune();
  await openLayout(dir).tag('c:2', manifest);
  assert.deepEqual((await layout.applyPrune(plan)).blobs, []);
});

test('what a killed process left behind is swept at once', async (t) => {
  const cache = tidyCache(t);
  const { manifest } = await storeNamed(cache.layout, 'c:1');
  await killedWriter(cache.dir);
  assert.equal(readdirSync(join(cache.dir, 'ingest')).length, 1);
  const plan = await cache.layout.planPrune();
  assert.equal(plan.ingest.length, 1);
  assert.equal(plan.blobs.length, 1);
  const result = await cache.layout.applyPrune(plan);
  assert.deepEqual([result.ingest.length, result.blobs.length, result.bytes], [1, 1, plan.bytes]);
  assert.equal((await cache.layout.readManifest(manifest)).descriptor.digest, manifest.digest);
});

/** Moves blobs to where a prune that was killed would have left them. */
function killedPrune(cache: TestCache, moved: readonly Descriptor[]): void {
  const trash = join(cache.dir, 'ingest', workspaceOf(cache, currentHost(), deadPid(), ''), 'trash-1');
  mkdirSync(trash);
  for (const { digest } of moved) renameSync(cache.pathOf(digest), join(trash, digestHex(digest)));
}

test('what a killed prune had taken is put back by who relies on it', async (t) => {
  const cache = tidyCache(t);
  const { layout } = cache;
  const { manifest, config, layers, bytes } = await storeArtifact(layout);
  killedPrune(cache, [manifest, config, ...layers]);
  assert.ok(Buffer.from((await layout.readManifest(manifest)).bytes).equals(bytes));
  await layout.verifyBlob(config);
  await layout.tag('c:1', manifest);
  await layout.applyPrune(await layout.planPrune());
  for (const part of [manifest, config, ...layers]) await layout.verifyBlob(part);
});

test('a killed prune is finished by the next one, which keeps what is needed', async (t) => {
  const cache = tidyCache(t);
  const { layout } = cache;
  const kept = await storeNamed(layout, 'c:1');
  const gone = await storeNamed(layout, 'c:2');
  await layout.untag('c:2');
  killedPrune(cache, [kept.config, gone.config]);
  const result = await layout.applyPrune(await layout.planPrune());
  assert.deepEqual(digests(result), digestsOf(gone));
  await layout.verifyBlob(kept.config);
});

test('a process of another machine is believed to live for an hour after its last sign of life', async (t) => {
  const cache = looseCache(t);
  const { config } = await storeNamed(cache.layout, 'c:1');
  await cache.layout.untag('c:1');
  const lines = `+${config.digest}\n+sha256:../../index.json\n-${`sha256:${'0'.repeat(64)}`}\n+sha2`;
  const name = workspaceOf(cache, '000000000000', 1, lines, 50 * 60_000);
  const plan = await cache.layout.planPrune();
  assert.deepEqual([plan.ingest, plan.inUse, plan.blobs.length], [[], 1, 2]);
  assert.equal(existsSync(cache.pathOf(config.digest)), true);

  workspaceOf(cache, '000000000000', 1, lines, 70 * 60_000);
  const later = await cache.layout.planPrune();
  assert.deepEqual([later.ingest.map((item) => item.name), later.inUse, later.blobs.length], [[name], 0, 3]);
  await cache.layout.applyPrune(later);
  assert.deepEqual(readdirSync(join(cache.dir, 'ingest')), []);
});

test('a process that is no longer relied on by its own log is not either', async (t) => {
  const cache = looseCache(t);
  const { config, manifest } = await storeNamed(cache.layout, 'c:1');
  await cache.layout.untag('c:1');
  workspaceOf(cache, currentHost(), process.pid, `+${config.digest}\n+${manifest.digest}\n-${config.digest}\n`);
  assert.equal((await cache.layout.planPrune()).inUse, 1);
});

test('an upload under way stays for a day, and what other programs have in ingest/ for an hour', async (t) => {
  const cache = tidyCache(t);
  const upload = await cache.layout.startUpload();
  await upload.append(Readable.from(['begun']));
  const paths = [join(cache.dir, 'ingest', `upload-${upload.id}`), join(cache.dir, 'ingest/abc')];
  mkdirSync(join(cache.dir, 'ingest/abc'));
  writeFileSync(join(cache.dir, 'ingest/abc/data'), 'half');
  const age = (path: string, hours: number): void => {
    const then = Date.now() / 1000 - hours * 3600;
    utimesSync(path, then, then);
  };
  assert.deepEqual((await cache.layout.planPrune()).ingest, []);
  age(paths[0] ?? '', 23);
  age(paths[1] ?? '', 2);
  assert.deepEqual((await cache.layout.planPrune()).ingest, [], 'a file in it is young');
  age(join(cache.dir, 'ingest/abc/data'), 2);
  assert.deepEqual((await cache.layout.planPrune()).ingest, [{ name: 'abc', size: 4 }]);
  age(paths[0] ?? '', 25);
  const plan = await cache.layout.planPrune();
  assert.equal(plan.ingest.length, 2);
  await upload.append(Readable.from(['goes on']));
  assert.deepEqual((await cache.layout.applyPrune(plan)).ingest, [{ name: 'abc', size: 4 }]);
  await upload.abort();
});

test('files that are no blobs are left alone', async (t) => {
  const { dir, layout } = looseCache(t);
  await storeNamed(layout, 'c:1');
  for (const name of ['.DS_Store', 'x', `${'a'.repeat(64)}.bak`, 'A'.repeat(64)]) {
    writeFileSync(join(dir, 'blobs/sha256', name), '');
  }
  assert.deepEqual((await layout.planPrune()).blobs, []);
});

test('a sha512 blob that nothing needs goes too', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const { digest } = await layout.putBytes(Buffer.from('wide'), 'text/plain', 'sha512');
  await layout.close();
  assert.deepEqual(digests(await layout.applyPrune(await layout.planPrune())), [digest]);
  assert.equal(existsSync(pathOf(digest)), false);
});

test('an index.json that cannot be read deletes nothing', async (t) => {
  const { dir, layout } = looseCache(t);
  const { manifest } = await storeNamed(layout, 'c:1');
  await storeNamed(layout, 'c:2');
  await layout.untag('c:2');
  const plan = await layout.planPrune();
  writeFileSync(join(dir, 'index.json'), readFileSync(join(dir, 'index.json')).subarray(0, 50));
  await assert.rejects(layout.planPrune(), withCode('LAYOUT_INVALID'));
  await assert.rejects(layout.applyPrune(plan), withCode('LAYOUT_INVALID'));
  assert.ok(readdirSync(join(dir, 'blobs/sha256')).includes(digestHex(manifest.digest)));
  assert.equal(readdirSync(join(dir, 'blobs/sha256')).length, 6);
});

test('thousands of blobs are deleted in one go', async (t) => {
  const { dir } = tidyCache(t);
  const layout = openLayout(dir, { fsync: false });
  await storeNamed(layout, 'c:1');
  for (let turn = 0; turn < 1000; turn++) await layout.putBytes(Buffer.from(`${turn}`), 'text/plain');
  await layout.close();
  const plan = await layout.planPrune();
  assert.equal(plan.blobs.length, 1000);
  assert.equal((await layout.applyPrune(plan)).blobs.length, 1000);
});

test('a name that stands for something else by the time the plan is carried out stays', async (t) => {
  const { layout } = tidyCache(t);
  await storeNamed(layout, 'c:1');
  const other = await storeArtifact(layout, { content: 'other' });
  const plan = await layout.planPrune({ names: ['c:1'] });
  await layout.tag('c:1', other.manifest);
  const { names, blobs } = await layout.applyPrune(plan);
  assert.deepEqual(names, []);
  assert.equal(blobs.length, 3, 'what it stood for has gone');
  assert.equal((await layout.readIndex())[0]?.descriptor?.digest, other.manifest.digest);
});

test('a rule for names is asked again when the plan is carried out', async (t) => {
  const { layout } = tidyCache(t);
  await storeNamed(layout, 'c:1');
  await storeNamed(layout, 'c:2');
  // All but the last.
  const plan = await layout.planPrune({ choose: (entries) => entries.slice(0, -1).flatMap(({ name }) => name ?? []) });
  assert.deepEqual(
    plan.names.map(({ name }) => name),
    ['c:1'],
  );
  assert.equal(plan.blobs.length, 3);
  await layout.untag('c:2');
  const { names, blobs } = await layout.applyPrune(plan);
  assert.deepEqual([names, blobs], [[], []]);
  assert.deepEqual(
    (await layout.readIndex()).map(({ name }) => name),
    ['c:1'],
  );
});
