import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ChartBudget } from '../../src/chart/archive/budget.js';
import { CHART_LIMITS } from '../../src/chart/files.js';
import { parseIgnore } from '../../src/chart/ignore.js';
import { type WalkedChart, walkChart } from '../../src/chart/walk.js';
import { type ChartErrorCode, isChartError } from '../../src/errors.js';
import { temporaryDirectory } from '../helpers/fixtures.js';

const POSIX = { skip: process.platform === 'win32' && 'needs links, FIFOs and free names' };

interface Chart {
  readonly root: string;
  write(...names: readonly string[]): void;
  link(target: string, name: string): void;
  walk(ignore?: string): Promise<WalkedChart>;
}

/** A chart in a directory of its own, so that there is an outside. */
function chart(t: TestContext): Chart {
  const root = path.join(temporaryDirectory(t), 'c');
  mkdirSync(root);
  const place = (name: string): string => {
    const full = path.resolve(root, name);
    mkdirSync(path.dirname(full), { recursive: true });
    return full;
  };
  return {
    root,
    write(...names) {
      for (const name of names) {
        if (name.endsWith('/')) mkdirSync(place(name), { recursive: true });
        else writeFileSync(place(name), name);
      }
    },
    link: (target, name) => symlinkSync(target, place(name)),
    walk: (ignore = '') => walkChart(root, { rules: parseIgnore(ignore) }),
  };
}

const names = ({ files }: WalkedChart): string[] => files.map((file) => file.path);

function fault(code: ChartErrorCode, message: string | RegExp) {
  return (error: unknown): boolean => {
    assert.ok(isChartError(error, code), String(error));
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

test('finds files with size, execute bit and place, directory by directory in the order of bytes', async (t) => {
  const c = chart(t);
  c.write('Chart.yaml', 'a-b', 'a/b', 'é', 'Z', '.dot', 'bin/run.sh', 'templates/sub/.deep');
  if (process.platform !== 'win32') chmodSync(path.join(c.root, 'bin/run.sh'), 0o755);
  const { files, emptyDirectories, warnings } = await c.walk();
  assert.deepEqual(names({ files, emptyDirectories, warnings }), [
    '.dot',
    'Chart.yaml',
    'Z',
    'a/b',
    'a-b',
    'bin/run.sh',
    'templates/sub/.deep',
    'é',
  ]);
  assert.deepEqual(files.at(-1), { path: 'é', size: 2, executable: false, source: path.join(c.root, 'é') });
  assert.deepEqual(
    files.filter((file) => file.executable).map((file) => file.path),
    process.platform === 'win32' ? [] : ['bin/run.sh'],
  );
  assert.deepEqual([emptyDirectories, warnings], [[], []]);
});

test('leaves out what .helmignore names and what lies hidden in templates/', async (t) => {
  const c = chart(t);
  c.write(
    'Chart.yaml',
    'a.bak',
    'sub/b.bak',
    'secret/key',
    'templates/.hidden',
    'templates/.dir/x',
    'templates/t.yaml',
  );
  const walked = await c.walk('*.bak\nsecret/\n');
  assert.deepEqual(names(walked), ['Chart.yaml', 'templates/t.yaml']);
});

test('names directories from which nothing is left, and only the innermost', async (t) => {
  const c = chart(t);
  c.write('Chart.yaml', 'void/', 'nest/a/b/', 'files/kept', 'files/void/', 'logs/x.log', 'gone/');
  const walked = await c.walk('*.log\ngone/\n');
  assert.deepEqual(walked.emptyDirectories, ['files/void', 'logs', 'nest/a/b', 'void']);
});

test('does not enter an ignored directory', POSIX, async (t) => {
  const c = chart(t);
  c.write('Chart.yaml', 'skip/a');
  c.link('nowhere', 'skip/broken');
  c.link('..', 'skip/up');
  assert.deepEqual(names(await c.walk('skip/')), ['Chart.yaml']);
});

test(
  'follows links to files and directories, and rules see their path and the type of their target',
  POSIX,
  async (t) => {
    const c = chart(t);
    c.write('Chart.yaml', 'real/one.txt', 'real/two.txt');
    c.link('real', 'alias');
    c.link('real/one.txt', 'one-link');
    c.link('one-link', 'link-to-link');
    const all = await c.walk();
    assert.deepEqual(names(all), [
      'Chart.yaml',
      'alias/one.txt',
      'alias/two.txt',
      'link-to-link',
      'one-link',
      'real/one.txt',
      'real/two.txt',
    ]);
    assert.deepEqual(all.warnings, []);
    assert.equal(all.files.find((file) => file.path === 'one-link')?.size, 'real/one.txt'.length);
    assert.deepEqual(names(await c.walk('alias/\none-link/\n')), [
      'Chart.yaml',
      'link-to-link',
      'one-link',
      'real/one.txt',
      'real/two.txt',
    ]);
  },
);

test('warns of each link that leaves the chart, and packs what it leads to', POSIX, async (t) => {
  const c = chart(t);
  c.write('Chart.yaml', '../shared/s.txt', '../shared/deep/d.txt', '../c-other/x');
  c.link('../shared', 'out');
  c.link('../shared/s.txt', 's');
  c.link('../c-other/x', 'similar-name');
  c.link('../shared', 'ignored');
  c.link('../c/Chart.yaml', 'around');
  const walked = await c.walk('ignored\n');
  assert.deepEqual(names(walked), ['Chart.yaml', 'around', 'out/deep/d.txt', 'out/s.txt', 's', 'similar-name']);
  const outside = path.dirname(c.root);
  assert.deepEqual(walked.warnings, [
    `found symbolic link in path: ${c.root}/out resolves to ${outside}/shared, outside of the chart`,
    `found symbolic link in path: ${c.root}/s resolves to ${outside}/shared/s.txt, outside of the chart`,
    `found symbolic link in path: ${c.root}/similar-name resolves to ${outside}/c-other/x, outside of the chart`,
  ]);
});

test('does not take a chart for outside of itself when it is named through a link', POSIX, async (t) => {
  const c = chart(t);
  c.write('Chart.yaml', 'real');
  c.link('real', 'link');
  symlinkSync('c', path.join(path.dirname(c.root), 'lnk'));
  const walked = await walkChart(`${path.dirname(c.root)}/lnk/`, { rules: parseIgnore('') });
  assert.deepEqual([names(walked), walked.warnings], [['Chart.yaml', 'link', 'real'], []]);
  assert.equal(walked.files[0]?.source, path.join(path.dirname(c.root), 'lnk', 'Chart.yaml'));
});

test('refuses a broken or looping link in the words of Helm, even where it is ignored', POSIX, async (t) => {
  for (const [target, words] of [
    ['nowhere', (root: string) => `lstat ${root}/nowhere: no such file or directory`],
    ['no/where/else', (root: string) => `lstat ${root}/no: no such file or directory`],
    ['chain', (root: string) => `lstat ${root}/gone: no such file or directory`],
    ['broken', () => 'EvalSymlinks: too many links'],
  ] as const) {
    const c = chart(t);
    c.write('Chart.yaml');
    c.link('gone', 'chain');
    c.link(target, 'broken');
    await assert.rejects(
      c.walk('broken\n'),
      fault('CHART_SOURCE_UNREADABLE', `error evaluating symlink ${c.root}/broken: ${words(c.root)}`),
    );
  }
});

test('refuses to go round in circles, unless the way round is ignored', POSIX, async (t) => {
  const c = chart(t);
  c.write('Chart.yaml', 'sub/a.txt');
  c.link('..', 'sub/up');
  await assert.rejects(
    c.walk(),
    fault('CHART_SOURCE_UNREADABLE', `${c.root}/sub/up leads back to ${c.root}, in which it lies`),
  );
  assert.deepEqual(names(await c.walk('up/\n')), ['Chart.yaml', 'sub/a.txt']);
  const above = chart(t);
  above.write('Chart.yaml');
  above.link('../..', 'sub/out');
  await assert.rejects(above.walk(), fault('CHART_SOURCE_UNREADABLE', /leads back to/));
  const mutual = chart(t);
  mutual.write('Chart.yaml', 'a/', 'b/');
  mutual.link('../b', 'a/to-b');
  mutual.link('../a', 'b/to-a');
  await assert.rejects(mutual.walk(), fault('CHART_SOURCE_UNREADABLE', /a\/to-b\/to-a leads back to .*\/a, in which/));
});

test('links that multiply end at the limit of entries', POSIX, async (t) => {
  const c = chart(t);
  for (let level = 0; level < 12; level++) {
    c.write(`../levels/${level}/`);
    for (const copy of [1, 2, 3]) c.link(`../${level + 1}`, `../levels/${level}/${copy}`);
  }
  c.write('../levels/12/x');
  c.link('../levels/0', 'bomb');
  const budget = new ChartBudget({ ...CHART_LIMITS, entries: 2000 });
  await assert.rejects(
    walkChart(c.root, { rules: parseIgnore(''), budget }),
    fault('LIMIT_EXCEEDED', 'the chart has more than 2000 entries'),
  );
});

test('refuses FIFOs, sockets and devices in the words of Helm, unless ignored', POSIX, async (t) => {
  const c = chart(t);
  c.write('Chart.yaml');
  assert.equal(spawnSync('mkfifo', [path.join(c.root, 'pipe')]).status, 0);
  const words = (name: string): string =>
    `cannot load irregular file ${c.root}/${name} as it has file mode type bits set`;
  await assert.rejects(c.walk(), fault('CHART_SOURCE_UNREADABLE', words('pipe')));
  c.link('/dev/null', 'device');
  await assert.rejects(c.walk('pipe\n'), fault('CHART_SOURCE_UNREADABLE', words('device')));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path.join(c.root, 'sock'), resolve));
  t.after(() => server.close());
  await assert.rejects(c.walk('pipe\ndevice\n'), fault('CHART_SOURCE_UNREADABLE', words('sock')));
  assert.deepEqual(names(await c.walk('pipe\ndevice\nsock\n')), ['Chart.yaml']);
});

test('refuses names that no export could write, unless ignored', POSIX, async (t) => {
  for (const name of ['a\\b', 'c:x', 'line\nbreak', 'esc\u001b[2J', 'dir\u0007/file']) {
    const c = chart(t);
    c.write('Chart.yaml', name);
    await assert.rejects(c.walk(), fault('CHART_INVALID', /^cannot pack "/));
    assert.deepEqual(names(await c.walk(`${name.slice(0, 1)}?*\n`)), ['Chart.yaml']);
  }
});

test('refuses two names that differ only in case or Unicode form, unless one is ignored', POSIX, async (t) => {
  for (const [one, other] of [
    ['Apple.log', 'apple.log'],
    ['docs/a', 'Docs/b'],
    ['\u00e9', 'e\u0301'],
    ['stra\u00dfe', 'STRASSE'],
  ] as const) {
    const c = chart(t);
    c.write('Chart.yaml', one, other);
    if (readdirSync(c.root).length < 3) continue;
    await assert.rejects(c.walk(), fault('ARCHIVE_UNSAFE', /differ only in case or Unicode form$/));
  }
  const c = chart(t);
  c.write('Chart.yaml', 'Apple.log', 'apple.log');
  assert.deepEqual(names(await c.walk('a*.log\n')), ['Apple.log', 'Chart.yaml']);
});

test('says so when a name is not UTF-8', {
  skip: process.platform !== 'linux' && 'needs names of bytes',
}, async (t) => {
  const c = chart(t);
  c.write('Chart.yaml');
  const name = Buffer.from(`${c.root}/caf\xe9`, 'latin1');
  writeFileSync(name, '');
  await assert.rejects(c.walk(), (error: unknown) => {
    return isChartError(error, 'CHART_SOURCE_UNREADABLE') && error.hint === 'Its name is not valid UTF-8: rename it.';
  });
  rmSync(name);
});

test('counts bytes and levels', async (t) => {
  const c = chart(t);
  c.write('Chart.yaml', 'one/two/three');
  const walk = (limits: Partial<typeof CHART_LIMITS>): Promise<WalkedChart> =>
    walkChart(c.root, { rules: parseIgnore(''), budget: new ChartBudget({ ...CHART_LIMITS, ...limits }) });
  await assert.rejects(walk({ bytes: 22 }), fault('LIMIT_EXCEEDED', /more than 22 unpacked bytes/));
  await assert.rejects(walk({ depth: 2 }), fault('LIMIT_EXCEEDED', /more than 2 directory levels/));
  await walk({ bytes: 23, depth: 3, entries: 4 });
});

test('stops when it is cancelled', async (t) => {
  const c = chart(t);
  c.write('Chart.yaml');
  await assert.rejects(
    walkChart(c.root, { rules: parseIgnore(''), signal: AbortSignal.abort() }),
    fault('CANCELLED', 'cancelled'),
  );
});
