import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { extractChart } from '../../src/chart/extract.js';
import { checkWayClear } from '../../src/chart/extract-plan.js';
import { type ChartErrorCode, isChartError } from '../../src/errors.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { CHART_YAML, chartTgz, member, opening, tgz } from './archive/tar-builder.js';

const POSIX = { skip: process.platform === 'win32' && 'needs links and modes' };

/** Everything below a directory: path, kind, mode and content. */
function treeOf(root: string): Record<string, string> {
  const tree: Record<string, string> = {};
  const visit = (place: string): void => {
    for (const name of readdirSync(path.join(root, place)).sort()) {
      const inner = path.posix.join(place, name);
      const full = path.join(root, inner);
      const stats = lstatSync(full);
      const mode = (stats.mode & 0o777).toString(8);
      if (stats.isSymbolicLink()) tree[inner] = `-> ${readlinkSync(full)}`;
      else if (stats.isDirectory()) {
        tree[`${inner}/`] = mode;
        visit(inner);
      } else tree[inner] = `${mode} ${readFileSync(full, 'utf8')}`;
    }
  };
  visit('');
  return tree;
}

function fault(code: ChartErrorCode, message: string | RegExp) {
  return (error: unknown): boolean => {
    assert.ok(isChartError(error, code), String(error));
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

/** A destination that must be as it was when the extraction fails. */
async function assertBlocked(
  t: TestContext,
  prepare: (root: string) => void,
  { archive = chartTgz({ 'bin/run.sh': 'run' }), message }: { archive?: Buffer; message: (root: string) => string },
): Promise<void> {
  const root = temporaryDirectory(t);
  prepare(root);
  const before = treeOf(root);
  await assert.rejects(extractChart(opening(archive), root), fault('EXPORT_BLOCKED', message(root)));
  assert.deepEqual(treeOf(root), before);
}

test(
  'unpacks files, empty directories and execute bits into a directory of the name of the chart',
  POSIX,
  async (t) => {
    const root = temporaryDirectory(t);
    const archive = tgz(
      member({ name: 'prefix/', type: '5', mode: 0o700 }),
      member({ name: 'prefix/Chart.yaml', body: CHART_YAML, mode: 0o600 }),
      member({ name: 'prefix/bin/run.sh', body: 'run', mode: 0o700 }),
      member({ name: 'prefix/void/deep/', type: '5', mode: 0o777 }),
      member({ name: 'prefix/setuid', body: 's', mode: 0o6777 }),
      member({ name: 'prefix/ro', body: '', mode: 0o400 }),
    );
    const before = process.umask(0o022);
    t.after(() => process.umask(before));
    assert.deepEqual(await extractChart(opening(archive), root), {
      directory: path.join(root, 'c'),
      name: 'c',
      leftovers: [],
    });
    assert.deepEqual(treeOf(root), {
      'c/': '755',
      'c/Chart.yaml': `644 ${CHART_YAML}`,
      'c/bin/': '755',
      'c/bin/run.sh': '755 run',
      'c/ro': '644 ',
      'c/setuid': '755 s',
      'c/void/': '755',
      'c/void/deep/': '755',
    });
  },
);

test('the umask counts', POSIX, async (t) => {
  const root = temporaryDirectory(t);
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  await extractChart(opening(chartTgz()), path.join(root, 'new', 'deep'));
  assert.deepEqual(treeOf(root), {
    'new/': '700',
    'new/deep/': '700',
    'new/deep/c/': '700',
    'new/deep/c/Chart.yaml': `600 ${CHART_YAML}`,
  });
});

test('makes a missing destination, and names the directory as the user would', async (t) => {
  const before = process.cwd();
  process.chdir(temporaryDirectory(t));
  t.after(() => process.chdir(before));
  for (const [destination, directory] of [
    ['', 'c'],
    ['.', 'c'],
    ['./new/deep', 'new/deep/c'],
    ['out/', 'out/c'],
    ['out/../other/', 'other/c'],
    [path.resolve('abs'), path.resolve('abs', 'c')],
  ] as const) {
    assert.equal((await extractChart(opening(chartTgz()), destination)).directory, path.normalize(directory));
    assert.ok(existsSync(path.join(directory, 'Chart.yaml')));
  }
});

test('over an existing directory: replaces what the chart has, keeps what it has not', POSIX, async (t) => {
  const root = temporaryDirectory(t);
  await extractChart(opening(chartTgz({ 'values.yaml': 'old: 1\n', 'templates/t.yaml': 't' })), root);
  writeFileSync(path.join(root, 'c/templates/stale.yaml'), 'stale');
  mkdirSync(path.join(root, 'c/olddir'));
  chmodSync(path.join(root, 'c/templates'), 0o700);
  chmodSync(path.join(root, 'c/values.yaml'), 0o444);
  await extractChart(opening(chartTgz({ 'values.yaml': 'new: 1\n', 'templates/t.yaml': 't', 'ci/x': 'x' })), root);
  assert.deepEqual(treeOf(root), {
    'c/': '755',
    'c/Chart.yaml': `644 ${CHART_YAML}`,
    'c/ci/': '755',
    'c/ci/x': '644 x',
    'c/olddir/': '755',
    'c/templates/': '700',
    'c/templates/stale.yaml': '644 stale',
    'c/templates/t.yaml': '644 t',
    'c/values.yaml': '644 new: 1\n',
  });
});

test(
  'a file that is replaced is never seen half-written, and other names for the old one keep it',
  POSIX,
  async (t) => {
    const root = temporaryDirectory(t);
    await extractChart(opening(chartTgz({ big: 'old'.repeat(500_000) })), root);
    const old = readFileSync(path.join(root, 'c/big'));
    assert.equal(spawnSync('ln', [path.join(root, 'c/big'), path.join(root, 'kept')]).status, 0);
    await extractChart(opening(chartTgz({ big: 'new'.repeat(600_000) })), root);
    assert.equal(readFileSync(path.join(root, 'c/big'), 'utf8'), 'new'.repeat(600_000));
    assert.deepEqual(readFileSync(path.join(root, 'kept')), old);
  },
);

test('names what is in the way in the words of Helm, and writes nothing', POSIX, async (t) => {
  await assertBlocked(t, (root) => writeFileSync(path.join(root, 'c'), 'file'), {
    message: (root) => `file ${root}/c already exists and is not a directory`,
  });
  await assertBlocked(t, (root) => mkdirSync(path.join(root, 'c/Chart.yaml'), { recursive: true }), {
    message: (root) => `open ${root}/c/Chart.yaml: is a directory`,
  });
  const fileAtBin = (root: string): void => {
    mkdirSync(path.join(root, 'c'));
    writeFileSync(path.join(root, 'c/bin'), 'x');
  };
  await assertBlocked(t, fileAtBin, { message: (root) => `mkdir ${root}/c/bin: not a directory` });
  await assertBlocked(t, fileAtBin, {
    archive: chartTgz({ 'bin/deep/er/x': '' }),
    message: (root) => `mkdir ${root}/c/bin: not a directory`,
  });
  await assertBlocked(t, fileAtBin, {
    archive: tgz(member({ name: 'c/Chart.yaml', body: CHART_YAML }), member({ name: 'c/bin/', type: '5' })),
    message: (root) => `mkdir ${root}/c/bin: not a directory`,
  });
});

test('does not write into a FIFO that is in the way', POSIX, async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(path.join(root, 'c'));
  assert.equal(spawnSync('mkfifo', [path.join(root, 'c/Chart.yaml')]).status, 0);
  await assert.rejects(
    extractChart(opening(chartTgz()), root),
    fault('EXPORT_BLOCKED', `open ${root}/c/Chart.yaml: not a regular file`),
  );
});

test('a file on the way to the destination is named as Helm names it', async (t) => {
  const before = process.cwd();
  process.chdir(temporaryDirectory(t));
  t.after(() => process.chdir(before));
  writeFileSync('file', 'x');
  for (const destination of ['file', 'file/deep', './file/deep/er']) {
    await assert.rejects(
      extractChart(opening(chartTgz()), destination),
      fault('EXPORT_BLOCKED', 'mkdir file: not a directory'),
    );
  }
});

test('a link at the destination is not written through (CVE-2025-53547)', POSIX, async (t) => {
  const through = (name: string) => (root: string) =>
    `${root}/${name} is a symbolic link; nothing is written through links`;
  const linked = (target: string, name: string) => (root: string) => {
    mkdirSync(path.join(root, 'elsewhere/sub'), { recursive: true });
    writeFileSync(path.join(root, 'elsewhere/file'), 'precious');
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    symlinkSync(target, path.join(root, name));
  };
  await assertBlocked(t, linked('elsewhere', 'c'), { message: through('c') });
  await assertBlocked(t, linked('nowhere', 'c'), { message: through('c') });
  await assertBlocked(t, linked('../elsewhere/file', 'c/Chart.yaml'), { message: through('c/Chart.yaml') });
  await assertBlocked(t, linked('nowhere', 'c/Chart.yaml'), { message: through('c/Chart.yaml') });
  await assertBlocked(t, linked('../elsewhere', 'c/bin'), { message: through('c/bin') });
  await assertBlocked(t, linked('../../elsewhere/file', 'c/bin/run.sh'), { message: through('c/bin/run.sh') });
  await assertBlocked(t, linked('../../elsewhere', 'c/a/b'), {
    archive: chartTgz({ 'a/b/sub/x': '' }),
    message: through('c/a/b'),
  });
});

test('the destination itself may be a link', POSIX, async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(path.join(root, 'real'));
  symlinkSync('real', path.join(root, 'link'));
  await extractChart(opening(chartTgz()), path.join(root, 'link'));
  assert.ok(existsSync(path.join(root, 'real/c/Chart.yaml')));
});

test('a chart name that is no directory name writes nothing (CVE-2024-25620, CVE-2026-35206)', async (t) => {
  for (const name of ['../x', '.', '..', 'a/b', '/abs', 'a\\b', '..\\x']) {
    const root = temporaryDirectory(t);
    mkdirSync(path.join(root, 'inner'));
    const archive = tgz(
      member({ name: 'c/Chart.yaml', body: `apiVersion: v2\nname: ${JSON.stringify(name)}\nversion: 0.1.0\n` }),
    );
    await assert.rejects(extractChart(opening(archive), path.join(root, 'inner')), fault('CHART_INVALID', /name/));
    assert.deepEqual(Object.keys(treeOf(root)), ['inner/']);
  }
});

test('links, devices and names that lead out write nothing (CVE-2026-23745, CVE-2026-24842, CVE-2026-26960, GHSA-8xwf-rjm4-xvhv)', async (t) => {
  const hostile = [
    member({ name: 'c/link', type: '2', link: '../..' }),
    member({ name: 'c/hard', type: '1', link: '/etc/passwd' }),
    member({ name: 'c/device', type: '3' }),
    member({ name: 'c/fifo', type: '6' }),
    member({ name: 'c/../../out' }),
    member({ name: '/abs' }),
    member({ name: 'c/Chart.yaml' }),
    member({ name: 'c/CHART.yaml' }),
  ];
  for (const last of hostile) {
    const root = temporaryDirectory(t);
    const archive = tgz(member({ name: 'c/Chart.yaml', body: CHART_YAML }), member({ name: 'c/first' }), last);
    await assert.rejects(extractChart(opening(archive), path.join(root, 'out')), fault('ARCHIVE_UNSAFE', /./));
    assert.deepEqual(treeOf(root), {});
  }
});

test('an archive that is damaged at its end, or is no valid chart, writes nothing (CVE-2025-55198)', async (t) => {
  const whole = chartTgz({ big: Buffer.alloc(1_000_000, 'abc') });
  const chartYaml = (body: string): Buffer => tgz(member({ name: 'c/Chart.yaml', body }), member({ name: 'c/x' }));
  for (const archive of [
    whole.subarray(0, -1),
    whole.subarray(0, -9),
    Buffer.concat([whole, Buffer.from('x')]),
    tgz(member({ name: 'c/values.yaml' })),
    chartYaml(''),
    chartYaml('null\n'),
    chartYaml('- a\n'),
    chartYaml('name: {a: b}\nversion: 1.0.0\n'),
    chartYaml('name: c\n'),
  ]) {
    const root = temporaryDirectory(t);
    await assert.rejects(extractChart(opening(archive), path.join(root, 'out')), isChartError);
    assert.deepEqual(treeOf(root), {});
  }
});

test('an archive that is another one when it is read again is refused', async (t) => {
  for (const second of [
    chartTgz({ a: '1', evil: '2' }),
    chartTgz({ a: '11', b: '2' }),
    chartTgz({ a: '1' }),
    chartTgz({ a: '1', b: '2', c: '3' }),
    tgz(member({ name: 'c/Chart.yaml', body: CHART_YAML }), member({ name: 'c/link', type: '2', link: '/etc' })),
  ]) {
    const root = temporaryDirectory(t);
    let reads = 0;
    const open = (): Promise<Readable> => opening(reads++ === 0 ? chartTgz({ a: '1', b: '2' }) : second)();
    await assert.rejects(
      extractChart(open, root),
      (error: unknown) => isChartError(error, 'ARCHIVE_INVALID') || isChartError(error, 'ARCHIVE_UNSAFE'),
    );
    assert.equal(existsSync(path.join(root, 'c/evil')), false);
    assert.deepEqual(temporaryFiles(root), []);
  }
});

test('a failure half-way leaves the old file or the new one, and no temporary one', async (t) => {
  const root = temporaryDirectory(t);
  await extractChart(opening(chartTgz({ a: 'old a', big: 'old' })), root);
  const blocks = Array.from({ length: 100_000 }, (_, i) => createHash('sha256').update(String(i)).digest());
  const archive = chartTgz({ a: 'new a', big: Buffer.concat(blocks) });
  let reads = 0;
  const open = async (): Promise<Readable> => {
    reads += 1;
    if (reads === 1) return (await opening(archive)()) as Readable;
    return Readable.from(failing(archive.subarray(0, archive.length / 2)));
  };
  await assert.rejects(extractChart(open, root), /the disk went away/);
  assert.equal(readFileSync(path.join(root, 'c/a'), 'utf8'), 'new a');
  assert.equal(readFileSync(path.join(root, 'c/big'), 'utf8'), 'old');
  assert.deepEqual(temporaryFiles(root), []);
});

test('stops when it is cancelled while it writes', async (t) => {
  const root = temporaryDirectory(t);
  const archive = chartTgz({ big: Buffer.alloc(5_000_000, 'abc') });
  const controller = new AbortController();
  let reads = 0;
  const open = async (): Promise<Readable> => {
    reads += 1;
    if (reads === 2) setImmediate(() => controller.abort());
    return opening(archive, 100)();
  };
  await assert.rejects(extractChart(open, root, { signal: controller.signal }), fault('CANCELLED', 'cancelled'));
  assert.deepEqual(temporaryFiles(root), []);
});

test('several extractions into one directory at once end with whole files', async (t) => {
  const root = temporaryDirectory(t);
  const contents = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(400_000));
  await Promise.all(contents.map((content) => extractChart(opening(chartTgz({ big: content })), root)));
  assert.ok(contents.includes(readFileSync(path.join(root, 'c/big'), 'utf8')));
  assert.deepEqual(Object.keys(treeOf(root)), ['c/', 'c/Chart.yaml', 'c/big']);
});

test('a full disk is told as such', {
  skip: process.platform !== 'linux' || process.getuid?.() !== 0 ? 'needs a tmpfs of its own' : false,
}, async (t) => {
  const root = temporaryDirectory(t);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', root]).status !== 0) return t.skip('may not mount');
  try {
    const archive = chartTgz({ big: Buffer.alloc(3_000_000, 'abc') });
    const words = `write ${root}/c/big: no space left on device`;
    await assert.rejects(extractChart(opening(archive), root), fault('DISK_FULL', words));
    assert.deepEqual(Object.keys(treeOf(root)), ['c/', 'c/Chart.yaml']);
  } finally {
    spawnSync('umount', [root]);
  }
});

test('a directory that may not be written to is named', POSIX, async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may write everywhere');
  const root = temporaryDirectory(t);
  chmodSync(root, 0o555);
  await assert.rejects(
    extractChart(opening(chartTgz()), root),
    fault('EXPORT_BLOCKED', `mkdir ${root}/c: permission denied`),
  );
});

test('reserved Windows names, and what Windows would make another name of, are refused there', () => {
  const entry = (name: string) => ({ path: name, isDirectory: false, size: 0, executable: false });
  for (const name of [
    'con',
    'assets/nul.dat',
    'COM1.txt',
    'lpt9',
    'aux .x',
    'a/prn/b',
    'conin$',
    'com¹',
    'x.',
    'a /b',
    'a.yaml:hidden',
    'a?',
    'a*b',
    '<',
    '|',
  ]) {
    assert.throws(
      () => checkWayClear(path.join('missing', 'c'), [entry(name)], 'win32'),
      fault('EXPORT_BLOCKED', /^Windows cannot store/),
      name,
    );
    checkWayClear(path.join('missing', 'c'), [entry(name)], 'linux');
  }
  const fine = ['console', 'nulls.dat', 'com', 'com10', 'lpt', 'templates/_aux.tpl', '.x', 'a.b'];
  checkWayClear(path.join('missing', 'c'), fine.map(entry), 'win32');
});

async function* failing(start: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < start.length; at += 1000) yield start.subarray(at, at + 1000);
  throw new Error('the disk went away');
}

function temporaryFiles(root: string): string[] {
  return Object.keys(treeOf(root)).filter((name) => name.includes('.tmp'));
}
