import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { openLayout } from '../../src/layout/layout.js';
import { digestOf } from '../../src/oci/digest.js';
import { tidyCache, withCode } from './cache.js';

const CONTENT = Buffer.alloc(700_000, 'uploaded, ');
const DIGEST = digestOf(CONTENT);

function part(from: number, to?: number): Readable {
  return Readable.from([CONTENT.subarray(from, to)]);
}

test('an upload in pieces becomes a blob', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const upload = await layout.startUpload();
  assert.equal(upload.size, 0);
  await upload.append(part(0, 100_000));
  await upload.append(part(100_000, 100_000));
  assert.equal(upload.size, 100_000);
  await upload.append(part(100_000));
  assert.equal(upload.size, CONTENT.length);
  assert.equal(existsSync(pathOf(DIGEST)), false);
  assert.deepEqual(await upload.commit(DIGEST), {
    mediaType: 'application/octet-stream',
    digest: DIGEST,
    size: CONTENT.length,
  });
  assert.ok(readFileSync(pathOf(DIGEST)).equals(CONTENT));
  assert.equal(await layout.findUpload(upload.id), undefined);
  await assert.rejects(upload.append(part(0, 1)), withCode('BLOB_NOT_FOUND'));
  await assert.rejects(upload.commit(DIGEST), withCode('BLOB_NOT_FOUND'));
});

test('an upload goes on after a restart', async (t) => {
  const { dir, layout, pathOf } = tidyCache(t);
  const { id, ...first } = await start(layout.startUpload());
  await first.append(part(0, 300_000));
  await layout.close();

  const restarted = openLayout(dir);
  const upload = await restarted.findUpload(id);
  assert.equal(upload?.size, 300_000);
  await upload?.append(part(300_000));
  const again = await openLayout(dir).findUpload(id);
  assert.equal(again?.size, CONTENT.length);
  await upload?.commit(DIGEST);
  assert.ok(readFileSync(pathOf(DIGEST)).equals(CONTENT));
  await restarted.close();
});

async function start(upload: ReturnType<ReturnType<typeof openLayout>['startUpload']>) {
  const started = await upload;
  return { id: started.id, append: started.append.bind(started) };
}

test('an upload that turns out to be something else makes no blob, and can still be right', async (t) => {
  const { dir, layout, pathOf } = tidyCache(t);
  const upload = await layout.startUpload();
  await upload.append(part(0, 300_000));
  await assert.rejects(upload.commit(DIGEST), withCode('BLOB_DIGEST_MISMATCH'));
  assert.deepEqual(readdirSync(join(dir, 'blobs/sha256')), []);
  await upload.append(part(300_000));
  await upload.commit(DIGEST);
  assert.ok(readFileSync(pathOf(DIGEST)).equals(CONTENT));
});

test('an upload can be committed under sha512, announced or not', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const digest = digestOf(CONTENT, 'sha512');
  for (const options of [{ algorithm: 'sha512' as const }, {}]) {
    const upload = await layout.startUpload(options);
    await upload.append(part(0));
    await upload.commit(digest);
    assert.ok(readFileSync(pathOf(digest)).equals(CONTENT));
  }
});

test('a piece that breaks off leaves what had arrived, and the upload usable', async (t) => {
  const { layout, pathOf } = tidyCache(t);
  const upload = await layout.startUpload();
  const fault = new Error('connection reset');
  const breaking = Readable.from(
    (function* () {
      yield CONTENT.subarray(0, 200_000);
      throw fault;
    })(),
  );
  await assert.rejects(upload.append(breaking), fault);
  assert.equal(upload.size, 200_000);
  const abort = new AbortController();
  const stalled = new Readable({ read: () => abort.abort() });
  await assert.rejects(upload.append(stalled, { signal: abort.signal }), withCode('CANCELLED'));
  assert.equal(upload.size, 200_000);
  await upload.append(part(200_000));
  await upload.commit(DIGEST);
  assert.ok(readFileSync(pathOf(DIGEST)).equals(CONTENT));
});

test('pieces that come at the same time are appended one after the other', async (t) => {
  const { layout } = tidyCache(t);
  const upload = await layout.startUpload();
  await Promise.all([
    upload.append(part(0, 250_000)),
    upload.append(part(250_000, 500_000)),
    upload.append(part(500_000)),
    upload.commit(DIGEST),
  ]);
});

test('an upload that is given up leaves nothing, however often', async (t) => {
  const { dir, layout } = tidyCache(t);
  const upload = await layout.startUpload();
  await upload.append(part(0));
  assert.equal(readdirSync(join(dir, 'ingest')).length, 1);
  await upload.abort();
  await upload.abort();
  assert.equal(await layout.findUpload(upload.id), undefined);
});

test('ids cannot be guessed, and what is no id is never looked for', async (t) => {
  const { dir, layout } = tidyCache(t);
  const uploads = await Promise.all(Array.from({ length: 5 }, () => layout.startUpload()));
  assert.equal(new Set(uploads.map(({ id }) => id)).size, 5);
  for (const { id } of uploads) assert.match(id, /^[0-9a-f]{32}$/);
  writeFileSync(join(dir, 'secret'), 'secret');
  for (const id of [
    '../secret',
    '../../secret',
    '',
    '.',
    `${'a'.repeat(32)}/..`,
    'A'.repeat(32),
    `${'a'.repeat(31)}\0`,
  ]) {
    assert.equal(await layout.findUpload(id), undefined, id);
  }
  assert.equal(await layout.findUpload('a'.repeat(32)), undefined);
  for (const upload of uploads) await upload.abort();
});

test('thousands of uploads can be open, and each goes on', async (t) => {
  const { layout } = tidyCache(t);
  const uploads = [];
  for (let turn = 0; turn < 1500; turn++) uploads.push(await layout.startUpload());
  const [first, last] = [uploads[0], uploads.at(-1)];
  for (const upload of [first, last]) {
    const found = await layout.findUpload(upload?.id ?? '');
    await found?.append(part(0));
    await found?.commit(DIGEST);
  }
  for (const upload of uploads) await upload.abort();
});

test('an upload that nobody has open is given up after its time', async (t) => {
  const { dir, layout } = tidyCache(t);
  const { id } = await layout.startUpload();
  const file = join(dir, 'ingest', `upload-${id}`);
  const hourAgo = Date.now() / 1000 - 3600;
  const age = (): void => utimesSync(file, hourAgo, hourAgo);
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const other = openLayout(dir);
  const sweep = (idle: number) => other.sweepUploads?.(idle);
  assert.equal(await sweep(0), 0, 'a process may be late with its sign of life');
  age();
  assert.equal(await sweep(2 * 3600_000), 0);
  assert.equal(await sweep(1800_000), 0, 'a clock may have been set');
  now += 60_000;
  assert.equal(await sweep(1800_000), 0);
  assert.equal(await layout.sweepUploads?.(1800_000), 0, 'its own process has it open, and shows that again');
  assert.ok(Date.now() - statSync(file).mtimeMs < 60_000);
  age();
  now += 60_000;
  assert.equal(await sweep(1800_000), 0);
  now += 200_000;
  await layout.sweepUploads?.(1800_000);
  assert.equal(await sweep(1800_000), 0, 'somebody touched it in between');
  age();
  assert.equal(await sweep(1800_000), 0);
  now += 200_000;
  assert.equal(await sweep(1800_000), 1);
  assert.equal(await layout.findUpload(id), undefined);
});

test('an upload that a process has open shows it, and one that is taken up again does so at once', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { dir, layout } = tidyCache(t);
  const upload = await layout.startUpload();
  const file = join(dir, 'ingest', `upload-${upload.id}`);
  const age = (): number => Date.now() - statSync(file).mtimeMs;
  utimesSync(file, 1000, 1000);
  t.mock.timers.tick(60_000);
  assert.ok(age() < 60_000);
  await layout.close();
  utimesSync(file, 1000, 1000);
  t.mock.timers.tick(60_000);
  assert.ok(age() > 60_000, 'it is open to whoever comes next');
  const other = openLayout(dir);
  await other.findUpload(upload.id);
  assert.ok(age() < 60_000);
  await upload.abort();
  await other.close();
});
