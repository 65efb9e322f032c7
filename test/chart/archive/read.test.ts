import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { indexArchive, readChartFile, readChartFiles } from '../../../src/chart/archive/read.js';
import { CHART_LIMITS, type ChartFile, type ChartLimits } from '../../../src/chart/files.js';
import { type ChartErrorCode, isChartError } from '../../../src/errors.js';
import { CHART_YAML, chartTgz, member, opening, pax, streamOf, tgz, zeros } from './tar-builder.js';

const index = (archive: Uint8Array, limits?: Partial<ChartLimits>, chunk?: number): Promise<readonly ChartFile[]> =>
  indexArchive(streamOf(archive, chunk), { limits: { ...CHART_LIMITS, ...limits } });

const pathsOf = (files: readonly ChartFile[]): string[] => files.map((file) => file.path);

function fault(code: ChartErrorCode, message: string | RegExp) {
  return (error: unknown): boolean => {
    assert.ok(isChartError(error, code), String(error));
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

/** An archive of one file of this name beside a Chart.yaml. */
const named = (name: string): Buffer =>
  tgz(member({ name: 'c/Chart.yaml', body: CHART_YAML }), pax({ path: name }), member({ name: 'x', body: 'evil' }));

test('lists files with their sizes, and keeps the content of those that decide whether a chart is valid', async () => {
  const files = await index(
    chartTgz({ 'values.yaml': 'a: 1\n', 'templates/t.yaml': 'kind: X\n', 'charts/kid/Chart.yaml': 'kid' }),
  );
  assert.deepEqual(
    files.map(({ path, size }) => [path, size]),
    [
      ['Chart.yaml', CHART_YAML.length],
      ['values.yaml', 5],
      ['templates/t.yaml', 8],
      ['charts/kid/Chart.yaml', 3],
    ],
  );
  assert.equal(Buffer.from(await files[0]!.read()).toString(), CHART_YAML);
  assert.equal(Buffer.from(await files[3]!.read()).toString(), 'kid');
  await assert.rejects(files[2]!.read(), /was not kept/);
});

test('takes the first segment for the prefix, whatever it is, and passes over the directories', async () => {
  for (const prefix of ['c', '.', './', 'other name', 'c//', 'c/.']) {
    const archive = tgz(
      member({ name: `${prefix.replace(/\/+$/, '')}/`, type: '5' }),
      member({ name: 'c/sub/', type: '5' }),
      ...['Chart.yaml', 'sub/./a', 'sub//b'].map((name) => member({ name: `${prefix.replace(/\/+$/, '')}/${name}` })),
    );
    assert.deepEqual(pathsOf(await index(archive)), ['Chart.yaml', 'sub/a', 'sub/b']);
  }
});

test('refuses what is no chart archive in the words of Helm', async () => {
  const cases: [archive: Buffer, code: ChartErrorCode, message: string][] = [
    [Buffer.alloc(0), 'ARCHIVE_INVALID', 'EOF'],
    [Buffer.from('not gzip'), 'ARCHIVE_INVALID', 'unexpected EOF'],
    [Buffer.from('not gzip at all, and long'), 'ARCHIVE_INVALID', 'gzip: invalid header'],
    [gzipSync(''), 'ARCHIVE_INVALID', 'no files in chart archive'],
    [gzipSync(zeros(1024)), 'ARCHIVE_INVALID', 'no files in chart archive'],
    [tgz(member({ name: 'c/', type: '5' })), 'ARCHIVE_INVALID', 'no files in chart archive'],
    [gzipSync('x'.repeat(100)), 'ARCHIVE_INVALID', 'unexpected EOF'],
    [gzipSync('x'.repeat(1024)), 'ARCHIVE_INVALID', 'archive/tar: invalid tar header: a field that is no number'],
    [
      tgz(member({ name: 'Chart.yaml' })),
      'ARCHIVE_UNSAFE',
      'chart illegally contains content outside the base directory: "Chart.yaml"',
    ],
    [tgz(member({ name: 'Chart.yaml/x' })), 'ARCHIVE_UNSAFE', 'chart yaml not in base directory: "Chart.yaml/x"'],
  ];
  for (const [archive, code, message] of cases) await assert.rejects(index(archive), fault(code, message));
});

test('an archive that is cut off anywhere is refused', async () => {
  const archive = chartTgz({ 'values.yaml': 'a: 1\n', 'templates/t.yaml': 'kind: X\n'.repeat(40) });
  await index(archive);
  for (let length = 0; length < archive.length; length++) {
    await assert.rejects(index(archive.subarray(0, length)), fault('ARCHIVE_INVALID', /^(?:unexpected )?EOF$/));
  }
});

test('names that lead out of the chart: absolute, with .., with a drive letter, with a backslash', async () => {
  for (const [name, words] of [
    ['/etc/passwd', 'chart illegally contains absolute paths'],
    ['//host/share/x', 'chart illegally contains absolute paths'],
    ['c//etc/passwd', 'chart illegally contains absolute paths'],
    ['../x', 'chart illegally references parent directory'],
    ['c/../x', 'chart illegally references parent directory'],
    ['c/a/../../x', 'chart illegally references parent directory'],
    ['c/a/..', 'chart illegally references parent directory'],
    ['c/C:/x', 'chart contains illegally named files (it begins with a drive letter)'],
    ['C:/x/y', 'chart contains illegally named files'],
    ['c/c:x', 'chart contains illegally named files (it begins with a drive letter)'],
    ['c\\..\\x', 'chart contains illegally named files'],
    ['c/a\\b', 'chart contains illegally named files'],
  ] as const) {
    await assert.rejects(index(named(name)), fault('ARCHIVE_UNSAFE', `${words}: ${JSON.stringify(name)}`));
  }
});

test('names with line breaks or escapes are refused, and quoted in the message (GHSA-c38g-469g-cmgx)', async () => {
  for (const name of ['c/a\nb', 'c/\u001b[2Jx', 'c/\u009b2Jx', 'c/x\u007f', '\u001b]0;t\u0007/x']) {
    await assert.rejects(index(named(name)), (error: unknown) => {
      assert.ok(isChartError(error, 'ARCHIVE_UNSAFE'));
      return /^[\x20-\x7e]+$/.test(error.message);
    });
  }
});

test('names with NUL are refused in pax and end the name in ustar', async () => {
  await assert.rejects(index(named('c/a\0b')), fault('ARCHIVE_INVALID', /a NUL in a name/));
  const cut = tgz(member({ name: 'c/Chart.yaml' }), member({ name: 'c/a\0/../../b' }));
  assert.deepEqual(pathsOf(await index(cut)), ['Chart.yaml', 'a']);
});

test('parts of 300 characters are refused, parts of 255 bytes are not', async () => {
  await assert.rejects(index(named(`c/${'x'.repeat(300)}`)), fault('ARCHIVE_UNSAFE', /longer than 255 bytes/));
  await assert.rejects(index(named(`c/${'é'.repeat(128)}/x`)), fault('ARCHIVE_UNSAFE', /longer than 255 bytes/));
  assert.deepEqual(pathsOf(await index(named(`c/${'x'.repeat(255)}`))), ['Chart.yaml', 'x'.repeat(255)]);
});

test('two entries of one name, or of names that differ only in case or Unicode form', async () => {
  const pair = (one: string, other: string): Buffer =>
    tgz(member({ name: `c/${one}`, body: '1' }), member({ name: `d/${other}`, body: '2' }));
  await assert.rejects(index(pair('Chart.yaml', 'Chart.yaml')), fault('ARCHIVE_UNSAFE', '"Chart.yaml" occurs twice'));
  await assert.rejects(index(pair('a/b', './a//b')), fault('ARCHIVE_UNSAFE', '"a/b" occurs twice'));
  await assert.rejects(index(pair('a', 'a/b')), fault('ARCHIVE_UNSAFE', '"a" is both a file and a directory'));
  await assert.rejects(index(pair('a/b', 'a')), fault('ARCHIVE_UNSAFE', '"a" is both a file and a directory'));
  for (const [one, other] of [
    ['README.md', 'readme.md'],
    ['templates/a', 'Templates/b'],
    ['\u00e9', 'e\u0301'],
    ['\u212a', 'k'],
    ['ſ', 's'],
    ['straße', 'STRASSE'],
  ] as const) {
    await assert.rejects(index(pair(one, other)), fault('ARCHIVE_UNSAFE', /differ only in case or Unicode form$/));
  }
  const twice = tgz(
    member({ name: 'c/a/', type: '5' }),
    member({ name: 'c/a/', type: '5' }),
    member({ name: 'c/a/b' }),
  );
  assert.deepEqual(pathsOf(await index(twice)), ['a/b']);
});

test('links and devices are refused by name (CVE-2026-23745, CVE-2026-24842, CVE-2026-26960, GHSA-8xwf-rjm4-xvhv)', async () => {
  for (const [type, what] of [
    ['1', 'a link'],
    ['2', 'a link'],
    ['3', 'a device or FIFO'],
    ['4', 'a device or FIFO'],
    ['6', 'a device or FIFO'],
  ] as const) {
    for (const link of ['../../etc/passwd', '/etc/passwd', 'Chart.yaml', 'c/Chart.yaml']) {
      const archive = tgz(
        member({ name: 'c/Chart.yaml' }),
        member({ name: 'c/evil', type, link }),
        member({ name: 'c/evil/x' }),
      );
      await assert.rejects(index(archive), fault('ARCHIVE_UNSAFE', `the archive holds ${what}: "c/evil"`));
    }
  }
});

test('a small archive that unpacks to gigabytes ends at the limit of bytes (CVE-2025-32386, CVE-2025-32387)', async () => {
  const bomb = gzipSync(Buffer.concat([member({ name: 'c/big', size: '77777777777\0' }), zeros(50_000_000)]));
  assert.ok(bomb.length < 60_000);
  await assert.rejects(
    index(bomb, { bytes: 1_000_000 }),
    fault('LIMIT_EXCEEDED', 'the chart has more than 1000000 unpacked bytes'),
  );
  const behindTheEnd = gzipSync(Buffer.concat([member({ name: 'c/a' }), zeros(5_000_000)]));
  await assert.rejects(index(behindTheEnd, { bytes: 1_000_000 }), fault('LIMIT_EXCEEDED', /unpacked bytes/));
});

test('limits of entries, of depth and of files that are read whole', async () => {
  const many = chartTgz(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, ''])));
  await assert.rejects(index(many, { entries: 50 }), fault('LIMIT_EXCEEDED', 'the chart has more than 50 entries'));
  assert.equal((await index(many, { entries: 51 })).length, 51);
  const deep = chartTgz({ [`${'d/'.repeat(40)}x`]: '' });
  await assert.rejects(
    index(deep, { depth: 40 }),
    fault('LIMIT_EXCEEDED', 'the chart has more than 40 directory levels'),
  );
  assert.equal((await index(deep, { depth: 41 })).length, 2);
  const large = chartTgz({ 'values.yaml': 'x'.repeat(1000), other: 'x'.repeat(1000) });
  await assert.rejects(
    index(large, { fileBytes: 999 }),
    fault('LIMIT_EXCEEDED', 'the chart has more than 999 bytes in values.yaml'),
  );
  assert.equal((await index(large, { fileBytes: 1000 })).length, 3);
});

test('opens the charts packed within a chart, at any level, in the same pass', async () => {
  const grandkid = chartTgz({ 'values.yaml': 'grand: kid\n' });
  const kid = chartTgz({ 'charts/grandkid-1.tgz': grandkid, 'values.yaml': 'kid: 1\n' });
  const archive = chartTgz({
    'charts/kid-1.tgz': kid,
    'charts/dir/charts/kid-2.tgz': kid,
    'charts/_off.tgz': 'not gzip',
  });
  for (const chunk of [archive.length, 100]) {
    const files = await index(archive, {}, chunk);
    for (const name of ['charts/kid-1.tgz', 'charts/dir/charts/kid-2.tgz']) {
      const inner = await files.find((file) => file.path === name)!.unpack();
      assert.deepEqual(pathsOf(inner), ['Chart.yaml', 'charts/grandkid-1.tgz', 'values.yaml']);
      const innermost = await inner[1]!.unpack();
      assert.equal(Buffer.from(await innermost[1]!.read()).toString(), 'grand: kid\n');
    }
  }
});

test('what is wrong with a chart within a chart is told when it is unpacked', async () => {
  const kids = {
    'charts/short.tgz': chartTgz().subarray(0, 50),
    'charts/text.tgz': 'not gzip',
    'charts/large-text.tgz': 'x'.repeat(200_000),
    'charts/links.tgz': tgz(member({ name: 'k/Chart.yaml' }), member({ name: 'k/link', type: '2', link: '/etc' })),
    'charts/out.tgz': named('k/../../x'),
  };
  const files = await index(chartTgz(kids));
  const kid = (name: string): Promise<readonly ChartFile[]> =>
    files.find((file) => file.path === `charts/${name}`)!.unpack();
  await assert.rejects(kid('short.tgz'), fault('ARCHIVE_INVALID', 'unexpected EOF'));
  await assert.rejects(kid('text.tgz'), fault('ARCHIVE_INVALID', 'unexpected EOF'));
  await assert.rejects(kid('large-text.tgz'), fault('ARCHIVE_INVALID', 'gzip: invalid header'));
  await assert.rejects(kid('out.tgz'), fault('ARCHIVE_UNSAFE', /references parent directory/));
  assert.deepEqual(
    (await kid('links.tgz')).map(({ path, size }) => [path, size]),
    [
      ['Chart.yaml', 0],
      ['link', 0],
    ],
  );
  await assert.rejects(files[0]!.unpack(), /was not opened/);
});

test('charts within charts count on one budget, and their number is limited', async () => {
  const bomb = gzipSync(Buffer.concat([member({ name: 'k/big', size: '77777777777\0' }), zeros(20_000_000)]));
  await assert.rejects(
    index(chartTgz({ 'charts/a.tgz': bomb }), { bytes: 5_000_000 }),
    fault('LIMIT_EXCEEDED', /unpacked bytes/),
  );
  const kid = chartTgz(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, ''])));
  const twins = chartTgz({ 'charts/a.tgz': kid, 'charts/b.tgz': kid });
  await assert.rejects(index(twins, { entries: 40 }), fault('LIMIT_EXCEEDED', /more than 40 entries/));
  let nested = chartTgz();
  for (let level = 0; level < 5; level++) nested = chartTgz({ 'charts/k.tgz': nested });
  await assert.rejects(
    index(nested, { depth: 4 }),
    fault('LIMIT_EXCEEDED', 'the chart has more than 4 levels of charts within charts'),
  );
  assert.equal((await index(nested, { depth: 5 })).length, 2);
});

test('reads single files and stops as soon as it has them', async () => {
  const archive = Buffer.concat([
    chartTgz({ 'values.yaml': 'a: 1\n', big: Buffer.alloc(3_000_000, 'abc') }),
    Buffer.from('garbage'),
  ]);
  const source = streamOf(archive, 500);
  const closed = once(source, 'close');
  assert.equal((await readChartFile(async () => source, 'Chart.yaml'))?.toString(), CHART_YAML);
  await closed;
  const both = await readChartFiles(opening(archive), new Set(['values.yaml', 'Chart.yaml']));
  assert.deepEqual(
    both.map(({ path, bytes }) => [path, bytes.toString()]),
    [
      ['Chart.yaml', CHART_YAML],
      ['values.yaml', 'a: 1\n'],
    ],
  );
  await assert.rejects(readChartFile(opening(archive), 'missing'), fault('ARCHIVE_INVALID', /gzip/));
});

test('reads files by a predicate to the end of the archive', async () => {
  const archive = chartTgz({
    'crds/a.yaml': 'a',
    'crds/b.yaml': 'b'.repeat(100_000),
    'x/crds/c.yaml': 'c',
    'crds/d/': '',
  });
  const found = await readChartFiles(opening(archive, 1000), (path) => path.startsWith('crds/'));
  assert.deepEqual(
    found.map(({ path, bytes }) => [path, bytes.length]),
    [
      ['crds/a.yaml', 1],
      ['crds/b.yaml', 100_000],
    ],
  );
  assert.equal(await readChartFile(opening(archive), 'nothing'), undefined);
  const limits = { ...CHART_LIMITS, fileBytes: 10 };
  await assert.rejects(
    readChartFile(opening(archive), 'crds/b.yaml', { limits }),
    fault('LIMIT_EXCEEDED', /crds\/b.yaml/),
  );
});

test('stops when it is cancelled, also within a chart in the chart', async () => {
  const archive = chartTgz({ 'charts/kid.tgz': chartTgz({ big: randomBytes(2_000_000) }) });
  await assert.rejects(
    indexArchive(streamOf(archive), { signal: AbortSignal.abort() }),
    fault('CANCELLED', 'cancelled'),
  );
  const controller = new AbortController();
  const indexing = indexArchive(streamOf(archive, 5000), { signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(indexing, fault('CANCELLED', 'cancelled'));
});
