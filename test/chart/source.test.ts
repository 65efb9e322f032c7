import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { extractChart } from '../../src/chart/extract.js';
import { type ChartSource, openChartSource } from '../../src/chart/source.js';
import { type ChartErrorCode, isChartError } from '../../src/errors.js';
import { SAMPLE_CHARTS, temporaryDirectory, unpackCharts } from '../helpers/fixtures.js';
import { CHART_YAML, chartTgz, member, tgz } from './archive/tar-builder.js';

const POSIX = { skip: process.platform === 'win32' && 'needs links and modes' };

async function bytesOf(source: ChartSource): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await source.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function fault(code: ChartErrorCode, message: string | RegExp) {
  return (error: unknown): boolean => {
    assert.ok(isChartError(error, code), String(error));
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

/** A directory with a chart `c` and the archive `c-0.1.0.tgz`, as the working directory. */
function workplace(t: TestContext): string {
  const root = temporaryDirectory(t);
  mkdirSync(path.join(root, 'c'));
  writeFileSync(path.join(root, 'c/Chart.yaml'), CHART_YAML);
  writeFileSync(
    path.join(root, 'c-0.1.0.tgz'),
    chartTgz({ 'a.txt': 'a', '.helmignore': '*.txt', 'templates/.dot': 'x' }),
  );
  const before = process.cwd();
  process.chdir(root);
  t.after(() => process.chdir(before));
  return root;
}

test('a directory has one digest, however it is named', POSIX, async (t) => {
  const root = workplace(t);
  symlinkSync('c', 'lnk');
  const digests = new Set<string>();
  for (const name of ['c', 'c/', './c', 'c//', path.join(root, 'c'), 'lnk', 'lnk/', 'c/../c/.']) {
    const source = await openChartSource(name);
    assert.deepEqual(
      [source.kind, source.metadata.name, source.warnings, source.size],
      ['directory', 'c', [], undefined],
    );
    digests.add(digest(await bytesOf(source)));
  }
  process.chdir('c');
  for (const name of ['', '.']) digests.add(digest(await bytesOf(await openChartSource(name))));
  process.chdir(root);
  assert.equal(digests.size, 1);
});

test('an archive is passed on byte for byte, and no .helmignore applies to it', async (t) => {
  const root = workplace(t);
  const archive = readFileSync('c-0.1.0.tgz');
  for (const name of ['c-0.1.0.tgz', './c-0.1.0.tgz', 'c-0.1.0.tgz/', path.join(root, 'c-0.1.0.tgz')]) {
    const source = await openChartSource(name);
    assert.deepEqual([source.kind, source.metadata.version, source.size], ['archive', '0.1.0', archive.length]);
    assert.deepEqual([await bytesOf(source), await bytesOf(source)], [archive, archive]);
    assert.deepEqual([source.provenance, source.readProvenance], [undefined, undefined]);
  }
});

test('the provenance file beside an archive comes with it', async (t) => {
  const root = workplace(t);
  writeFileSync('c-0.1.0.tgz.prov', 'signed\n');
  const source = await openChartSource('c-0.1.0.tgz');
  assert.equal(source.provenance, path.join(root, 'c-0.1.0.tgz.prov'));
  assert.equal(Buffer.from((await source.readProvenance?.()) ?? '').toString(), 'signed\n');
  rmSync('c-0.1.0.tgz.prov');
  await assert.rejects(
    source.readProvenance!(),
    fault('CHART_SOURCE_UNREADABLE', /^open .*prov: no such file or directory$/),
  );
  mkdirSync('c-0.1.0.tgz.prov');
  assert.equal((await openChartSource('c-0.1.0.tgz')).provenance, undefined);
});

test('says what is wrong with a path in the words of Helm', async (t) => {
  const root = workplace(t);
  writeFileSync('short.txt', 'hi\n');
  writeFileSync('long.txt', 'a'.repeat(3000));
  writeFileSync('empty.tgz', '');
  writeFileSync('page.tgz', '<!DOCTYPE html><title>404</title>');
  writeFileSync('c.zip', 'PK\u0003\u0004');
  writeFileSync('values.yaml', 'a: 1\n');
  writeFileSync('cut.tgz', chartTgz().subarray(0, 60));
  writeFileSync('trailing.tgz', Buffer.concat([chartTgz(), Buffer.alloc(20)]));
  const at = (name: string): string => path.join(root, name);
  const notGzip = (name: string, type: string): string =>
    `file '${at(name)}' does not appear to be a gzipped archive; got '${type}'`;
  const cases: [name: string, code: ChartErrorCode, message: string][] = [
    ['nothere', 'CHART_NOT_FOUND', `stat ${at('nothere')}: no such file or directory`],
    ['short.txt/x', 'CHART_NOT_FOUND', `stat ${at('short.txt/x')}: not a directory`],
    ['short.txt', 'ARCHIVE_INVALID', notGzip('short.txt', 'application/octet-stream')],
    ['long.txt', 'ARCHIVE_INVALID', notGzip('long.txt', 'text/plain; charset=utf-8')],
    ['empty.tgz', 'ARCHIVE_INVALID', notGzip('empty.tgz', 'application/octet-stream')],
    ['page.tgz', 'ARCHIVE_INVALID', notGzip('page.tgz', 'text/html; charset=utf-8')],
    ['c.zip', 'ARCHIVE_INVALID', notGzip('c.zip', 'application/zip')],
    [
      'values.yaml',
      'ARCHIVE_INVALID',
      `file '${at('values.yaml')}' seems to be a YAML file, but expected a gzipped archive`,
    ],
    ['cut.tgz', 'ARCHIVE_INVALID', 'unexpected EOF'],
    ['trailing.tgz', 'ARCHIVE_INVALID', 'gzip: invalid header'],
  ];
  for (const [name, code, message] of cases) await assert.rejects(openChartSource(name), fault(code, message), name);
});

test('does not wait for what is neither file nor directory', POSIX, async (t) => {
  const root = workplace(t);
  assert.equal(spawnSync('mkfifo', ['pipe']).status, 0);
  for (const name of ['pipe', '/dev/zero']) {
    await assert.rejects(openChartSource(name), fault('CHART_SOURCE_UNREADABLE', /neither a file nor a directory$/));
  }
  rmSync('c/Chart.yaml');
  symlinkSync(path.join(root, 'pipe'), 'c/Chart.yaml');
  await assert.rejects(openChartSource('c'), fault('CHART_SOURCE_UNREADABLE', /^cannot load irregular file/));
});

test('an archive that changes after it was checked is not passed on', async (t) => {
  workplace(t);
  const source = await openChartSource('c-0.1.0.tgz');
  appendFileSync('c-0.1.0.tgz', 'x');
  await assert.rejects(source.open(), fault('CHART_SOURCE_UNREADABLE', /the file changed while it was read$/));
  rmSync('c-0.1.0.tgz');
  await assert.rejects(source.open(), fault('CHART_SOURCE_UNREADABLE', /^open .*: no such file or directory$/));
});

test('an archive with links is refused, a directory with links is packed with what they lead to', POSIX, async (t) => {
  workplace(t);
  const link = member({ name: 'c/values.yaml', type: '2', link: 'Chart.yaml' });
  writeFileSync('linked.tgz', tgz(member({ name: 'c/Chart.yaml', body: CHART_YAML }), link));
  await assert.rejects(
    openChartSource('linked.tgz'),
    fault('ARCHIVE_UNSAFE', 'the archive holds a link: "c/values.yaml"'),
  );
  writeFileSync('outside.yaml', 'a: 1\n');
  symlinkSync('../outside.yaml', 'c/values.yaml');
  const source = await openChartSource('c');
  assert.match(source.warnings.join(), /^found symbolic link in path: .*values.yaml resolves to .*outside.yaml/);
  const { directory } = await extractChart(() => source.open(), 'out');
  assert.equal(readFileSync(path.join(directory, 'values.yaml'), 'utf8'), 'a: 1\n');
});

test('a directory with a packed chart in it is checked like one with an unpacked one', async (t) => {
  workplace(t);
  mkdirSync('c/charts');
  writeFileSync('c/charts/kid-0.1.0.tgz', chartTgz({ 'charts/grandkid.tgz': chartTgz() }));
  assert.equal((await openChartSource('c')).metadata.name, 'c');
  for (const [content, words] of [
    ['not gzip', 'unexpected EOF'],
    [tgz(member({ name: 'kid/values.yaml' })), 'Chart.yaml file is missing'],
    [chartTgz({ 'charts/bad.tgz': 'x' }), 'error unpacking bad.tgz in c: unexpected EOF'],
  ] as const) {
    writeFileSync('c/charts/kid-0.1.0.tgz', content);
    await assert.rejects(openChartSource('c'), (error: unknown) => {
      assert.ok(isChartError(error));
      return error.message === `error unpacking kid-0.1.0.tgz in c: ${words}`;
    });
  }
  writeFileSync('c/charts/_kid-0.1.0.tgz', 'not gzip');
  rmSync('c/charts/kid-0.1.0.tgz');
  await openChartSource('c');
});

test('a chart that is exported is the chart that was saved, but for what Helm leaves out', POSIX, async (t) => {
  const root = temporaryDirectory(t);
  const charts = await unpackCharts(root);
  const leftOut: Record<string, string[]> = {};
  for (const name of SAMPLE_CHARTS) {
    const source = await openChartSource(path.join(charts, name));
    const { directory } = await extractChart(() => source.open(), path.join(root, 'out'));
    assert.equal(directory, path.join(root, 'out', name));
    leftOut[name] = differences(path.join(charts, name), directory);
  }
  assert.deepEqual(Object.fromEntries(Object.entries(leftOut).filter(([, names]) => names.length > 0)), {
    fullhouse: ['templates/.hidden.yaml'],
    linked: ['templates/.two-hidden'],
    negated: ['.helmignore', 'README.md', '_under.yaml', 'dir.yaml/inside.md', 'notes.txt', 'templates'],
    picky: [
      'apple.log',
      'deep/secret',
      'deep/y.bak',
      'deep/z.orig',
      'docs/a.md',
      'rooted.txt',
      'secret',
      'templates/t.yaml.bak',
      'tmp1',
      'tmpd',
      'x.bak',
      'z.orig',
    ],
  });
});

test('a copy made in another order, at another time and with other modes has the same digest', POSIX, async (t) => {
  const root = temporaryDirectory(t);
  const charts = await unpackCharts(root);
  for (const name of SAMPLE_CHARTS) {
    const copy = path.join(root, 'copies', name);
    copyBackwards(path.join(charts, name), copy);
    const [one, other] = await Promise.all([openChartSource(path.join(charts, name)), openChartSource(copy)]);
    assert.equal(digest(await bytesOf(other)), digest(await bytesOf(one)), name);
  }
});

/** What is in one tree and not the same in the other: content, execute bit, empty directories. */
function differences(one: string, other: string, place = ''): string[] {
  return readdirSync(path.join(one, place))
    .sort()
    .flatMap((name) => {
      const inner = path.posix.join(place, name);
      const [left, right] = [one, other].map((root) => describe(path.join(root, inner)));
      if (left === 'directory' && right === 'directory') return differences(one, other, inner);
      return left === right ? [] : [inner];
    });
}

function describe(file: string): string | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.isSymbolicLink()) return describe(path.resolve(path.dirname(file), readlinkSync(file)));
  return stats.isDirectory() ? 'directory' : `${stats.mode & 0o100} ${readFileSync(file, 'latin1')}`;
}

function copyBackwards(from: string, to: string): void {
  const stats = lstatSync(from);
  if (stats.isSymbolicLink()) {
    symlinkSync(readlinkSync(from), to);
    lutimesSync(to, 1, 2);
  } else if (stats.isDirectory()) {
    mkdirSync(to, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(from).sort().reverse()) copyBackwards(path.join(from, name), path.join(to, name));
  } else {
    writeFileSync(to, readFileSync(from));
    chmodSync(to, stats.mode & 0o100 ? 0o711 : 0o666);
    utimesSync(to, 123, 456);
  }
}
