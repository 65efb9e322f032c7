/** Every byte of a cache counts: damage is found wherever it is, and put right where that loses nothing. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Layout, openLayout } from '../../src/layout/layout.js';
import { parseReference } from '../../src/oci/reference.js';
import { saveCharts } from '../../src/operations/save.js';
import { repairCache } from '../../src/operations/verify/repair.js';
import { verifyCache } from '../../src/operations/verify/verify.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';

const REF = 'r.example.com/t/app:1.0.0';

interface Stage {
  readonly cache: string;
  open(): Layout;
  /** Files that hold something, relative to the cache. */
  files(): string[];
  /** What is wrong, as `KIND PATH`. */
  faults(): Promise<string[]>;
}

async function stage(t: TestContext): Promise<Stage> {
  const dir = temporaryDirectory(t);
  const cache = join(dir, 'cache');
  const open = (): Layout => openLayout(cache, { fsync: false });
  mkdirSync(join(dir, 'app'));
  writeFileSync(join(dir, 'app', 'Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 1.0.0\n');
  const layout = open();
  const outcomes = await saveCharts({ layout }, { items: [{ path: join(dir, 'app'), ref: REF }] }, () => undefined);
  assert.equal(outcomes[0]?.error, undefined);
  await layout.close();
  return {
    cache,
    open,
    files: () => [
      'oci-layout',
      'index.json',
      ...readdirSync(join(cache, 'blobs', 'sha256')).map((name) => `blobs/sha256/${name}`),
    ],
    async faults() {
      const { faults } = await verifyCache({ layout: open() });
      return faults.map(({ kind, path }) => `${kind} ${path}`);
    },
  };
}

function writeOver(path: string, bytes: Uint8Array): void {
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
}

test('a cache that was just written has no fault', async (t) => {
  const { open, faults } = await stage(t);
  assert.deepEqual(await faults(), []);
  const { references, blobs, notes } = await verifyCache({ layout: open() });
  assert.deepEqual([references, blobs, notes], [1, 3, []]);
});

test('a flipped bit is found in every byte of every blob and of oci-layout', async (t) => {
  const { cache, files, faults } = await stage(t);
  for (const file of files().filter((name) => name !== 'index.json')) {
    const path = join(cache, file);
    const whole = readFileSync(path);
    for (let position = 0; position < whole.length; position++) {
      const bytes = Buffer.from(whole);
      bytes[position] = (bytes[position] as number) ^ (1 << (position % 8));
      writeOver(path, bytes);
      const found = await faults();
      assert.ok(
        found.some((fault) => fault.endsWith(` ${file}`)),
        `byte ${position} of ${file}: ${found}`,
      );
    }
    writeOver(path, whole);
  }
  assert.deepEqual(await faults(), []);
});

test('a flipped bit is found in every byte of index.json that does not give another sound name', async (t) => {
  const { cache, faults } = await stage(t);
  const path = join(cache, 'index.json');
  const whole = readFileSync(path);
  const name = whole.indexOf(REF);
  for (let position = 0; position < whole.length; position++) {
    const bytes = Buffer.from(whole);
    bytes[position] = (bytes[position] as number) ^ (1 << ([0, 1, 5][position % 3] as number));
    // Another name of the same chart is as good as this one: nothing in the cache says which was meant.
    const other = bytes.toString('latin1').slice(name, name + REF.length);
    if (other !== REF && isReference(other)) continue;
    writeOver(path, bytes);
    assert.notDeepEqual(await faults(), [], `byte ${position}: ${bytes.toString('latin1')}`);
  }
});

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}

test('every file that is cut off anywhere is found, and every one that is gone', async (t) => {
  const { cache, files, faults } = await stage(t);
  for (const file of files()) {
    const path = join(cache, file);
    const whole = readFileSync(path);
    for (const length of [0, 1, whole.length - 1]) {
      writeOver(path, whole.subarray(0, length));
      assert.notDeepEqual(await faults(), [], `${length} bytes of ${file}`);
    }
    writeOver(path, Buffer.concat([whole, Buffer.from('x')]));
    assert.notDeepEqual(await faults(), [], `${file} and more`);
    writeOver(path, whole);
  }
});

test('what the cache has all that is needed for is put right: form, sizes, types, names, the config', async (t) => {
  const { cache, open, faults } = await stage(t);
  const path = join(cache, 'index.json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  const [entry] = index.manifests;
  const [config] = readdirSync(join(cache, 'blobs', 'sha256')).filter((name) =>
    readFileSync(join(cache, 'blobs', 'sha256', name), 'latin1').startsWith('{"name"'),
  );
  writeOver(join(cache, 'blobs', 'sha256', config as string), Buffer.from('{}'));
  writeOver(join(cache, 'oci-layout'), Buffer.from('nonsense'));
  const damaged = {
    manifests: [
      { ...entry, annotations: { ...entry.annotations, kept: 'yes' } },
      { ...entry, size: 1, mediaType: 'application/json', more: 1 },
    ],
  };
  writeOver(path, Buffer.from(JSON.stringify(damaged)));
  const kinds = (await faults()).map((fault) => fault.split(' ')[0]).sort();
  assert.deepEqual(kinds, ['content', 'duplicate', 'index', 'layout-file', 'media-type', 'size']);
  const connect = (): never => assert.fail('nothing has to be fetched');
  const layout = open();
  const report = await repairCache({ layout, connect });
  await layout.close();
  assert.deepEqual(report.faults, []);
  assert.deepEqual(report.dropped, []);
  assert.equal(report.repaired.length, 6);
  const { schemaVersion, manifests } = JSON.parse(readFileSync(path, 'utf8'));
  assert.equal(schemaVersion, 2);
  // The one that did not count leads where the other does.
  assert.deepEqual(manifests, [{ ...entry, more: 1 }]);
  assertValidLayout(cache);
});

test('an entry whose name another has keeps what it leads to, under its digest', async (t) => {
  const { cache, open } = await stage(t);
  const path = join(cache, 'index.json');
  const layout = open();
  const other = Buffer.from('{"schemaVersion":2,"manifests":[]}');
  const { digest, size, mediaType } = await layout.putBytes(other, 'application/vnd.oci.image.index.v1+json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  const [entry] = index.manifests;
  const shadowed = { mediaType, digest, size, annotations: { ...entry.annotations, kept: 'yes' } };
  writeOver(path, Buffer.from(JSON.stringify({ ...index, manifests: [shadowed, entry] })));
  const report = await repairCache({ layout, connect: () => assert.fail() });
  await layout.close();
  assert.deepEqual(report.faults, []);
  const { manifests } = JSON.parse(readFileSync(path, 'utf8'));
  assert.deepEqual(manifests[0].annotations, {
    kept: 'yes',
    'io.helm-chart-cache.ref.name': `r.example.com/t/app@${digest}`,
  });
  assert.deepEqual(manifests[1], entry);
  assertValidLayout(cache);
});

test('with an index.json that cannot be read, a repair deletes nothing', async (t) => {
  const { cache, open, files } = await stage(t);
  const before = files();
  writeOver(join(cache, 'index.json'), Buffer.from('{"schemaVersion":2,"manif'));
  const [config] = before.filter((file) => readFileSync(join(cache, file), 'latin1').startsWith('{"name"'));
  writeOver(join(cache, config as string), Buffer.from('{}'));
  const layout = open();
  const report = await repairCache({ layout, connect: () => assert.fail() }, { dropBroken: true });
  await layout.close();
  assert.deepEqual(report.faults.map(({ kind }) => kind).sort(), ['content', 'index']);
  assert.deepEqual(files(), before);
});
