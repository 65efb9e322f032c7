/** Bundles that no honest tool writes, and honest ones that arrived damaged: nothing incomplete gets a name, and nothing else is touched. */
import assert from 'node:assert/strict';
import { createWriteStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import * as zlib from 'node:zlib';
import { createGzip, deflateRawSync, gzipSync } from 'node:zlib';
import { fileInput } from '../../src/bundle/input.js';
import { isChartError } from '../../src/errors.js';
import { openLayout } from '../../src/layout/layout.js';
import { planBundles, writeBundles } from '../../src/operations/bundle.js';
import { checkBundle, listBundle } from '../../src/operations/bundle-check.js';
import { saveCharts as save } from '../../src/operations/save.js';
import { unbundle } from '../../src/operations/unbundle.js';
import { blobEntry, foreignEntries, LAYOUT, noise, type RawEntry, rawTar, sha256 } from '../helpers/bundles.js';
import { REAL_CHARTS, temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';

interface Loaded {
  /** What was named, and the codes of what was not. */
  readonly named: readonly string[];
  readonly codes: readonly string[];
  readonly message: string;
}

/** Loads bytes into a fresh cache, and looks that nothing is wrong with that afterwards. */
async function load(t: TestContext, bytes: Uint8Array, cache = join(temporaryDirectory(t), 'cache')): Promise<Loaded> {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'some.tar');
  writeFileSync(file, bytes);
  const layout = openLayout(cache, { fsync: false });
  const codes: string[] = [];
  let message = '';
  try {
    const { outcomes, fault } = await unbundle({ layout }, { input: fileInput(file) }, ({ error }) => {
      if (!error) return;
      codes.push(error.code);
      message ||= error.message;
    });
    assert.ok(outcomes.length > 0 || fault === undefined || codes.length === 0);
    if (fault) {
      codes.push(fault.code);
      message = fault.message;
    }
  } catch (error) {
    if (!isChartError(error)) throw error;
    codes.push(error.code);
    message = error.message;
  }
  const named = (await layout.readIndex()).flatMap(({ name }) => name ?? []);
  await layout.close();
  assertValidLayout(cache);
  assert.deepEqual(readdirSync(directory), ['some.tar']);
  return { named, codes, message };
}

/** The bytes of a bundle of the three realistic charts. */
async function realBundle(t: TestContext, name = 'real.tar'): Promise<{ bytes: Buffer; refs: string[] }> {
  const home = temporaryDirectory(t);
  const layout = openLayout(join(home, 'cache'), { fsync: false });
  const saved = await save(
    { layout },
    { items: REAL_CHARTS.map((path) => ({ path })), prefix: 'registry.example.com/team', flavour: 'legacy' },
    () => {},
  );
  const refs = saved.map(({ result }) => (result as { ref: string }).ref).sort();
  const { plans } = await planBundles({ layout }, { refs });
  await writeBundles({ layout }, plans, join(home, name));
  await layout.close();
  return { bytes: readFileSync(join(home, name)), refs };
}

const foreign = foreignEntries();
const REF = 'registry.example.com/team/tool:1';

test('takes what other tools write: blobs before the index, ./ before names, directories, files of their own', async (t) => {
  const entries: RawEntry[] = [
    { name: './', type: '5' },
    { name: './blobs/', type: '5' },
    ...foreign.blobs.map((entry) => ({ ...entry, name: `./${entry.name}` })),
    { name: './._index.json', content: 'a resource fork' },
    { name: './manifest.json', content: '[]' },
    { name: './repositories', content: '{}' },
    { ...foreign.index, name: './index.json' },
    { ...LAYOUT, name: './oci-layout' },
  ];
  assert.deepEqual(await load(t, rawTar(entries)), { named: [REF], codes: [], message: '' });
});

test('takes pax headers with attributes, global comments and GNU long names', async (t) => {
  const record = (key: string, value: string): string => {
    const rest = ` ${key}=${value}\n`;
    return `${rest.length + 2}${rest}`;
  };
  const pax = record('mtime', '1750000000.123456') + record('SCHILY.xattr.user.a', 'b');
  const [first, ...others] = foreign.blobs as [RawEntry, ...RawEntry[]];
  const entries: RawEntry[] = [
    { name: 'pax_global_header', type: 'g', content: record('comment', 'a commit') },
    { name: 'PaxHeaders/oci-layout', type: 'x', content: pax },
    LAYOUT,
    foreign.index,
    { name: '././@LongLink', type: 'L', content: `${first.name}\0` },
    { ...first, name: first.name.slice(0, 60) },
    ...others,
  ];
  assert.deepEqual((await load(t, rawTar(entries))).named, [REF]);
});

for (const [what, entry] of [
  ['CVE-2026-23745: a hard link in place of content', { name: 'index.json', type: '1', link: '/etc/passwd' }],
  [
    'CVE-2026-24842: a symbolic link in place of a blob',
    { name: foreign.blobs[0]?.name as string, type: '2', link: '../../x' },
  ],
  ['a device in place of content', { name: 'oci-layout', type: '3' }],
  ['a name that climbs', { name: 'blobs/sha256/../../../escaped', content: 'x' }],
  ['an absolute name', { name: '/tmp/escaped', content: 'x' }],
  ['a name with a backslash', { name: 'blobs\\..\\escaped', content: 'x' }],
] as const satisfies readonly (readonly [string, RawEntry])[]) {
  test(`refuses ${what}`, async (t) => {
    for (const entries of [
      [entry, LAYOUT, foreign.index, ...foreign.blobs],
      [LAYOUT, foreign.index, ...foreign.blobs, entry],
    ]) {
      const { named, codes } = await load(t, rawTar(entries));
      assert.deepEqual({ named, codes }, { named: [], codes: ['ARCHIVE_UNSAFE'] });
    }
  });
}

for (const [what, entries, code] of [
  [
    'two index.json',
    [LAYOUT, foreign.index, ...foreign.blobs, { ...foreign.index, name: './index.json' }],
    'BUNDLE_INVALID',
  ],
  ['no index.json', [LAYOUT, ...foreign.blobs], 'BUNDLE_INVALID'],
  ['no oci-layout', [foreign.index, ...foreign.blobs], 'BUNDLE_INVALID'],
  [
    'an oci-layout of another version',
    [{ ...LAYOUT, content: '{"imageLayoutVersion":"2.0.0"}' }, foreign.index, ...foreign.blobs],
    'BUNDLE_INVALID',
  ],
  [
    'an index.json that is not JSON',
    [LAYOUT, { name: 'index.json', content: '{"schemaVersion":2,' }, ...foreign.blobs],
    'BUNDLE_INVALID',
  ],
  [
    'a digest that is a path (CVE-2024-3727)',
    [
      LAYOUT,
      {
        name: 'index.json',
        content: JSON.stringify({
          schemaVersion: 2,
          manifests: [{ mediaType: 'a/b', digest: 'sha256:../../x', size: 1 }],
        }),
      },
    ],
    'BUNDLE_INVALID',
  ],
  [
    'a GNU sparse file',
    [LAYOUT, foreign.index, { name: 'blobs/sha256/x', type: 'S', content: 'x' }],
    'ARCHIVE_INVALID',
  ],
  [
    'a pax sparse file',
    [LAYOUT, { name: 'p', type: 'x', content: '22 GNU.sparse.major=1\n' }, foreign.index],
    'ARCHIVE_INVALID',
  ],
  ['a huge index.json', [LAYOUT, { name: 'index.json', size: 80 * 1024 ** 2 }], 'LIMIT_EXCEEDED'],
  [
    'an index.json that tells of a bundle.json',
    [
      LAYOUT,
      {
        name: 'index.json',
        content: JSON.stringify({
          schemaVersion: 2,
          manifests: [],
          annotations: { 'io.helm-chart-cache.bundle.digest': sha256('') },
        }),
      },
    ],
    'BUNDLE_INVALID',
  ],
  [
    'a bundle.json that index.json does not know of',
    [
      LAYOUT,
      foreign.index,
      { name: 'bundle.json', content: '{"schemaVersion":1,"items":[],"blobs":[]}\n' },
      ...foreign.blobs,
    ],
    'BUNDLE_INVALID',
  ],
] as const satisfies readonly (readonly [string, readonly RawEntry[], string])[]) {
  test(`refuses ${what}`, async (t) => {
    const { named, codes } = await load(t, rawTar(entries));
    assert.deepEqual({ named, codes }, { named: [], codes: [code] });
  });
}

test('refuses what is no archive at all, and names the program for what is packed otherwise', async (t) => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /it is empty$/],
    ['a few bytes', Buffer.from('abc'), /it is cut off$/],
    ['text', Buffer.from('<html>404</html>'.repeat(100)), /it is not a tar archive/],
    ['random bytes', noise('x', 5000), /it is not a tar archive/],
    ['xz', Buffer.from('fd377a585a000004', 'hex'), /it is packed with xz/],
    ['zip', Buffer.concat([Buffer.from('504b030414000000', 'hex'), deflateRawSync('x')]), /it is packed with zip/],
  ];
  for (const [what, bytes, words] of cases) {
    const { named, message } = await load(t, bytes);
    assert.deepEqual(named, [], what);
    assert.match(message, words, what);
  }
});

test('tells where a blob has another content, or size, than its name and the manifest say', async (t) => {
  const [manifest, config, layer] = foreign.blobs as [RawEntry, RawEntry, RawEntry];
  const digest = sha256('content');
  for (const bad of [blobEntry('CONTENT', digest), blobEntry('content and more', digest), blobEntry('', digest)]) {
    const { named, codes, message } = await load(t, rawTar([LAYOUT, foreign.index, manifest, config, bad]));
    assert.deepEqual({ named, codes }, { named: [], codes: ['BLOB_DIGEST_MISMATCH'] });
    assert.match(message, /^registry\.example\.com\/team\/tool:1 is not whole: /);
  }
  const missing = await load(t, rawTar([LAYOUT, foreign.index, manifest, config]));
  assert.deepEqual(missing, {
    named: [],
    codes: ['BUNDLE_INCOMPLETE'],
    message: `${REF} is not whole: 1 of its blobs is not in the bundle (${digest})`,
  });
  // The second of two entries under one name is whole: that is enough.
  assert.deepEqual(
    (await load(t, rawTar([LAYOUT, foreign.index, blobEntry('CONTENT', digest), manifest, config, layer]))).named,
    [REF],
  );
});

test('refuses names that are no references', async (t) => {
  for (const label of [
    'registry.example.com/UPPER:1',
    'a/../b:1',
    '../../x:1',
    'registry.example.com/a:\u001b[31m',
    'a b:c',
    `a/${'b'.repeat(300)}:1`,
  ]) {
    const { index, blobs } = foreignEntries(label);
    const { named, codes } = await load(t, rawTar([LAYOUT, index, ...blobs]));
    assert.deepEqual({ named, codes }, { named: [], codes: ['REFERENCE_INVALID'] }, label);
  }
});

test('refuses bytes after the end, and a second archive there', async (t) => {
  const whole = rawTar([LAYOUT, foreign.index, ...foreign.blobs]);
  assert.deepEqual((await load(t, Buffer.concat([whole, Buffer.alloc(20 * 512)]))).named, [REF]);
  for (const more of [Buffer.from('x'), Buffer.concat([Buffer.alloc(512), Buffer.from('x')]), whole]) {
    const { codes, message } = await load(t, Buffer.concat([whole, more]));
    assert.deepEqual(codes, ['ARCHIVE_INVALID']);
    assert.match(message, /there are bytes after the end of the archive/);
  }
  const packers = [gzipSync, ...('zstdCompressSync' in zlib ? [zlib.zstdCompressSync as typeof gzipSync] : [])];
  for (const pack of packers) {
    for (const more of [Buffer.from('x'), pack(whole)]) {
      assert.deepEqual((await load(t, Buffer.concat([pack(whole), more]))).codes, ['ARCHIVE_INVALID']);
    }
    // What pzstd and pigz -i make.
    const pieces = [whole.subarray(0, 1000), Buffer.alloc(0), whole.subarray(1000)].map((piece) => pack(piece));
    assert.deepEqual(await load(t, Buffer.concat(pieces)).then(({ named, codes }) => [named, codes]), [[REF], []]);
    const cut = await load(t, pack(whole).subarray(0, 100));
    assert.match(cut.message, /: it is cut off$/);
  }
});

test('a real bundle that is cut off anywhere never ends well, and what is named is whole', async (t) => {
  for (const name of ['real.tar', 'real.tar.gz']) {
    const { bytes, refs } = await realBundle(t, name);
    const cache = join(temporaryDirectory(t), 'cache');
    // Around every block, and at odd places; the cache goes on from one to the next.
    const cuts =
      name === 'real.tar'
        ? [0, 1, 511, 512, 513, ...Array.from({ length: 22 }, (_, index) => (index + 1) * 1024 + (index % 3) - 1)]
        : [1, 9, 10, 100, 5000, bytes.length - 8, bytes.length - 1];
    let before = 0;
    for (const cut of cuts.filter((at) => at < bytes.length - 512 || name !== 'real.tar')) {
      const { named, codes } = await load(t, bytes.subarray(0, cut), cache);
      assert.ok(codes.length > 0, `cut at ${cut}`);
      assert.ok(named.length >= before, `cut at ${cut}`);
      assert.ok(named.every((ref) => refs.includes(ref)));
      before = named.length;
    }
    assert.deepEqual([...(await load(t, bytes, cache)).named].sort(), refs);
  }
});

test('a real bundle with one changed byte anywhere is noticed', async (t) => {
  const { bytes, refs } = await realBundle(t);
  const file = join(temporaryDirectory(t), 'x.tar');
  for (let at = 3; at < bytes.length - 1024; at += 499) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 1;
    writeFileSync(file, changed);
    // Padding, and what of a header nobody reads, does not matter; a header's checksum sees to the rest of it.
    let noticed = false;
    try {
      const { outcomes, problems } = await checkBundle(fileInput(file));
      noticed = problems.length > 0 || outcomes.some(({ error }) => error);
    } catch (error) {
      assert.ok(isChartError(error), String(error));
      noticed = true;
    }
    const { named } = await load(t, changed);
    assert.ok(named.every((ref) => refs.includes(ref)));
    if (!noticed) assert.ok(isPadding(bytes, at), `byte ${at}`);
  }
});

/** True for a byte of zeros between content and the next header. */
function isPadding(bytes: Buffer, at: number): boolean {
  return bytes.subarray(at, (Math.floor(at / 512) + 1) * 512).every((byte) => byte === 0);
}

test('refuses a small file that unpacks to a thousand times its size', async (t) => {
  // 400 MiB of zeros in 400 KiB, as a blob that nothing asks for.
  const size = 400 * 1024 ** 2;
  const file = join(temporaryDirectory(t), 'bomb.tar.gz');
  const head = rawTar([LAYOUT, foreign.index, { name: `blobs/sha256/${'0'.repeat(64)}`, size }], { end: 0 });
  const zeros = Buffer.alloc(1024 ** 2);
  const content = async function* () {
    yield head;
    for (let done = 0; done < size; done += zeros.length) yield zeros;
  };
  await pipeline(content, createGzip(), createWriteStream(file));

  const cache = join(temporaryDirectory(t), 'cache');
  const layout = openLayout(cache, { fsync: false });
  await assert.rejects(
    unbundle({ layout }, { input: fileInput(file) }, () => {}),
    { code: 'LIMIT_EXCEEDED' },
  );
  await layout.close();
  assertValidLayout(cache);
});

test('lists and checks the same kinds of damage without a cache', async (t) => {
  const { bytes } = await realBundle(t);
  const file = join(temporaryDirectory(t), 'x.tar');
  writeFileSync(file, bytes);
  const { items } = await listBundle(fileInput(file));
  assert.equal(items.length, 3);
  // The last blob is a chart's layer.
  const changed = Buffer.from(bytes);
  changed.write('x', bytes.length - 1024 - 512 - 4);
  writeFileSync(file, changed);
  const { outcomes } = await checkBundle(fileInput(file));
  assert.deepEqual(
    outcomes.map(({ error }) => error?.code),
    [undefined, undefined, 'BLOB_DIGEST_MISMATCH'],
  );
  writeFileSync(file, bytes.subarray(0, 9000));
  await assert.rejects(checkBundle(fileInput(file)), { code: 'ARCHIVE_INVALID', message: `${file}: it is cut off` });
  assert.equal((await listBundle(fileInput(file))).items.length, 3);
  await assert.rejects(listBundle(fileInput(join(file, 'nothing'))), { code: 'BUNDLE_UNREADABLE' });
});
