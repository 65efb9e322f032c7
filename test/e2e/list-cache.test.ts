/** `list` of many charts, with what it knows from the time before: the truth is on the disk, whatever list-cache says. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { openLayout } from '../../src/layout/layout.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout, type StoredArtifact, storeArtifact } from '../helpers/layout.js';
import { runChart } from '../helpers/run.js';
import { withoutPrivileges } from '../layout/privileges.js';

const COUNT = 260;
const cleanups: (() => Promise<void> | void)[] = [];
const cache = join(temporaryDirectory({ after: (fn) => void cleanups.push(fn as () => void) }), 'cache');
const file = join(cache, 'list-cache');
let stored: StoredArtifact[] = [];

before(async () => {
  const layout = openLayout(cache, { fsync: false });
  stored = await Promise.all(Array.from({ length: COUNT }, (_, i) => storeArtifact(layout, { content: `chart${i}` })));
  await layout.tagAll(
    stored.map(({ manifest }, i) => ({ name: `registry.example.com/c${i}:1.0.0`, descriptor: manifest })),
  );
  await layout.close();
});
after(async () => {
  assertValidLayout(cache);
  for (const cleanup of cleanups) await cleanup();
});

interface Listed {
  readonly refs: ReadonlyMap<string, { readonly name: string; readonly size: number }>;
  readonly warnings: string;
}

async function list(...args: string[]): Promise<Listed> {
  const { exit, stdout, stderr } = await runChart(['list', '-o', 'json', '--cache-dir', cache, ...args]);
  assert.equal(exit, 0, stderr);
  const charts = JSON.parse(stdout) as { ref: string; name: string; size: number; created: string }[];
  return { refs: new Map(charts.map((chart) => [chart.ref, chart])), warnings: stderr };
}

function blobPath(digest: string): string {
  return join(cache, 'blobs', ...digest.split(':'));
}

/** Content of list-cache with the checksum that belongs to it. */
function sealed(content: string): string {
  return `chart-list-3 ${crc32(Buffer.from(content))}\n${content}`;
}

test('what was listed once is listed again from list-cache, and is the same', async () => {
  const first = await list();
  assert.equal(first.refs.size, COUNT);
  assert.ok(existsSync(file));
  assert.deepEqual(readdirSync(join(cache, 'ingest')), []);
  assert.deepEqual(await list(), first);
  // It is indeed used: what it calls the charts is believed as long as their files are unchanged.
  const lines = readFileSync(file, 'utf8').split('\n').slice(1).join('\n');
  writeFileSync(file, sealed(lines.replaceAll('"chart7"', '"known"')));
  assert.equal((await list()).refs.get('registry.example.com/c7:1.0.0')?.name, 'known');
  rmSync(file);
  assert.deepEqual(await list(), first, 'it may be deleted at any time');
});

test('what has changed on the disk since is told as it is now', async () => {
  const { refs } = await list();
  const [one, two, three] = stored as [StoredArtifact, StoredArtifact, StoredArtifact];
  const damaged = blobPath(one.manifest.digest);
  const good = readFileSync(damaged);
  const { atime, mtime } = statSync(damaged);
  rmSync(damaged);
  writeFileSync(damaged, good.toString().replace('"schemaVersion":2', '"schemaVersion":3'));
  utimesSync(damaged, atime, mtime);
  const layer = blobPath((two.layers[0] as { digest: string }).digest);
  const content = readFileSync(layer);
  unlinkSync(layer);
  const longer = blobPath((three.layers[0] as { digest: string }).digest);
  const whole = readFileSync(longer);
  chmodSync(longer, 0o644);
  writeFileSync(longer, `${whole}!`);
  const after = await list();
  assert.equal(after.refs.size, COUNT - 3);
  for (const i of [0, 1, 2])
    assert.match(after.warnings, new RegExp(`left out registry\\.example\\.com/c${i}:1\\.0\\.0`));
  rmSync(damaged);
  writeFileSync(damaged, good);
  writeFileSync(layer, content);
  writeFileSync(longer, whole);
  assert.deepEqual(await list(), { refs: (await list()).refs, warnings: '' });
  assert.deepEqual([...(await list()).refs.keys()], [...refs.keys()]);
});

test('whatever lies in its place, the list is right', async () => {
  rmSync(file, { force: true });
  const { refs } = await list();
  const good = readFileSync(file, 'utf8');
  const content = JSON.parse(good.slice(good.indexOf('\n') + 1));
  const [digest, stamp] = content.charts[0] as string[];
  const withCharts = (...charts: unknown[]): string => sealed(JSON.stringify({ ...content, charts }));
  const bad = [
    '',
    'x',
    good.slice(0, -1),
    good.replace('chart-list-3', 'chart-list-9'),
    good.replace('"1.0.0"', '"9.0.0"'),
    Buffer.alloc(100_000),
    sealed(''),
    sealed('no JSON'),
    sealed('null'),
    sealed('{"charts":7}'),
    withCharts(),
    withCharts(digest, null, 7, []),
    withCharts([digest, stamp, 'sha256:../../../etc/passwd', 5, 'a', 'b']),
    withCharts([digest, stamp, digest, 1e99, 'a', 'b']),
    withCharts([digest, stamp, digest, 5, { a: 1 }, ['b']]),
    withCharts([digest, stamp, digest]),
    withCharts(['__proto__', stamp, '__proto__', 5, 'a', 'b']),
    sealed(JSON.stringify({ ...content, refs: content.refs.slice(1) })),
    sealed(JSON.stringify({ ...content, refs: content.refs.map(() => 1) })),
    ...[-1, 0.5, COUNT, 'length', '__proto__', 'at', null].map((position) =>
      sealed(JSON.stringify({ ...content, of: content.of.map(() => position) })),
    ),
    sealed(JSON.stringify({ ...content, of: 'x' })),
    sealed(JSON.stringify({ ...content, index: 7 })),
  ];
  for (const content of bad) {
    rmSync(file, { force: true });
    writeFileSync(file, content);
    assert.deepEqual(await list(), { refs, warnings: '' }, content.toString().slice(0, 100));
  }
  rmSync(file);
  mkdirSync(file);
  assert.deepEqual(await list(), { refs, warnings: '' }, 'a directory');
  rmSync(file, { recursive: true });
});

test('names that come, go, or name something else are seen, and so is what is no chart', async () => {
  const before = await list();
  await list();
  const layout = openLayout(cache, { fsync: false });
  const [one, two] = stored as [StoredArtifact, StoredArtifact];
  await layout.tag('registry.example.com/a:new', one.manifest);
  const config = await layout.putBytes(new TextEncoder().encode('{}'), 'application/vnd.oci.image.config.v1+json');
  const image = await layout.putBytes(
    new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, config, layers: [] })),
    'application/vnd.oci.image.manifest.v1+json',
  );
  await layout.tag('registry.example.com/image:1', image);
  for (let turn = 0; turn < 3; turn++) {
    const { refs, warnings } = await list();
    assert.deepEqual([...refs.keys()], ['registry.example.com/a:new', ...before.refs.keys()]);
    assert.equal(warnings, '');
    assert.deepEqual([...(await list('*/a:*')).refs.keys()], ['registry.example.com/a:new']);
  }
  const path = blobPath(image.digest);
  const good = readFileSync(path);
  unlinkSync(path);
  assert.match((await list()).warnings, /left out registry\.example\.com\/image:1/);
  writeFileSync(path, good);
  await layout.tag('registry.example.com/a:new', two.manifest);
  assert.equal((await list()).refs.get('registry.example.com/a:new')?.name, 'chart1');
  await layout.untagAll(['registry.example.com/a:new', 'registry.example.com/image:1']);
  await layout.close();
  assert.deepEqual(await list(), before);
});

test('a list of some charts does not forget the others', async () => {
  rmSync(file, { force: true });
  await list();
  const before = readFileSync(file, 'utf8');
  assert.equal((await list('registry.example.com/c1*')).refs.size, 111);
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('a cache that may only be read is listed, and nothing is written', async () => {
  rmSync(file, { force: true });
  const { listCharts } = await import('../../src/operations/list.js');
  await withoutPrivileges(cache, async () => {
    const { charts, broken } = await listCharts({ layout: openLayout(cache) });
    assert.deepEqual([charts.length, broken.length], [COUNT, 0]);
  });
  const readOnly = await listCharts({ layout: openLayout(cache, { readOnly: true }) });
  assert.equal(readOnly.charts.length, COUNT);
  assert.ok(!existsSync(file));
});

test('several that list at the same time, while charts come and go, all see whole lists', async () => {
  rmSync(file, { force: true });
  const layout = openLayout(cache, { fsync: false });
  const lists = Array.from({ length: 4 }, () => list());
  for (let i = 0; i < 20; i++) {
    await layout.tag('registry.example.com/passing:1', (stored[i] as StoredArtifact).manifest);
    await layout.untag('registry.example.com/passing:1');
  }
  for (const { refs, warnings } of await Promise.all(lists)) {
    assert.equal(warnings, '');
    assert.equal([...refs.keys()].filter((ref) => !ref.includes('passing')).length, COUNT);
  }
  await layout.close();
});
