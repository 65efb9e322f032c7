/**
 * Packed charts that are out to do harm, given to the program as a user would give them. Each test is named after what went wrong
 * elsewhere; the parts have tests of their own, closer to the code:
 *
 *     CVE-2024-25620, CVE-2026-35206 (names)         here; chart/metadata, chart/pack, chart/extract
 *     CVE-2026-23745, CVE-2026-24842,
 *     CVE-2026-26960, GHSA-8xwf-rjm4-xvhv (links)    here; chart/archive/read, chart/extract
 *     CVE-2025-53547 (link at the destination)       here; chart/extract
 *     CVE-2025-32386, CVE-2025-32387 (bombs)         here; chart/archive/read, chart/load
 *     CVE-2025-55198, GHSA-r53h-jv2g-vpx6,
 *     GHSA-53c4-hhmh-vw5q (empty, null, wrong type)  here; chart/metadata; repository/index for index.yaml
 *     GHSA-jm56-5h66-w453 (entry twice)              here for dependencies; repository/index
 *     GHSA-9vp5-m38w-j776 (alias)                    here; chart/metadata, repository/index
 *     GHSA-c38g-469g-cmgx (escapes)                  here; e2e/commands, registry/redact, chart/archive/read
 *     alias bombs, duplicate keys, __proto__         here; chart/yaml/values
 *     NUL, backslash, drives, 300 characters, case   here; chart/archive/read, chart/extract (reserved Windows names)
 *     GHSA-q5jf-9vfq-h4h7 (no signature)             e2e/provenance
 */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CHART_YAML, chartTgz, member, pax, tgz, zeros } from '../chart/archive/tar-builder.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunResult, runChart } from '../helpers/run.js';

interface Saved {
  /** The code of the error by name of the archive; `saved` where there was none. */
  readonly codes: Readonly<Record<string, string>>;
  readonly messages: Readonly<Record<string, string>>;
  readonly result: RunResult;
  readonly dir: string;
  readonly cache: string;
}

/** Saves all in one command, and makes sure that nothing was written but a cache in order. */
async function saveAll(t: TestContext, archives: Readonly<Record<string, Buffer>>): Promise<Saved> {
  const dir = temporaryDirectory(t);
  const cache = join(dir, 'cache');
  const work = join(dir, 'work');
  mkdirSync(work);
  const names = Object.keys(archives);
  for (const name of names) writeFileSync(join(work, `${name}.tgz`), archives[name] as Buffer);
  const lines = names.map((name) => `${name}.tgz r.example.com/t/${name}:1\n`).join('');
  const args = ['save', '-f', '-', '-o', 'json', '--cache-dir', cache];
  const result = await runChart(args, { cwd: work, home: dir, stdin: lines });
  const items = JSON.parse(result.stdout) as {
    item: string;
    status: string;
    error?: { code: string; message: string };
  }[];
  const byName = (value: (item: (typeof items)[number]) => string) =>
    Object.fromEntries(items.map((item) => [item.item.replace(/\.tgz$/, ''), value(item)]));
  assertValidLayout(cache);
  assert.deepEqual(readdirSync(work).sort(), names.map((name) => `${name}.tgz`).sort());
  assert.deepEqual(
    readdirSync(dir).filter((name) => !['cache', 'work'].includes(name)),
    [],
  );
  return {
    codes: byName(({ error, status }) => error?.code ?? status),
    messages: byName(({ error }) => error?.message ?? ''),
    result,
    dir,
    cache,
  };
}

/** `CODE` for each of the archives. */
function all(archives: Readonly<Record<string, unknown>>, code: string): Record<string, string> {
  return Object.fromEntries(Object.keys(archives).map((name) => [name, code]));
}

function withMetadata(text: string): Buffer {
  return tgz(member({ name: 'c/Chart.yaml', body: text }));
}

test('CVE-2024-25620, CVE-2026-35206: a chart name that is no directory name is not saved', async (t) => {
  const names = ['../x', '.', '..', 'a/b', '/abs', 'a\\b', 'x/..'];
  const archives = Object.fromEntries(
    names.map((name, position) => [
      `n${position}`,
      withMetadata(`apiVersion: v2\nname: ${JSON.stringify(name)}\nversion: 1.0.0\n`),
    ]),
  );
  const { codes } = await saveAll(t, archives);
  assert.deepEqual(codes, all(archives, 'CHART_INVALID'));
});

test('CVE-2026-23745, CVE-2026-24842, CVE-2026-26960, GHSA-8xwf-rjm4-xvhv: no link and no device is saved, and the error names it', async (t) => {
  const chart = member({ name: 'c/Chart.yaml', body: CHART_YAML });
  const archives = {
    symbolic: tgz(chart, member({ name: 'c/evil', type: '2', link: '../../../etc/passwd' })),
    hard: tgz(chart, member({ name: 'c/evil', type: '1', link: '/etc/passwd' })),
    inner: tgz(chart, member({ name: 'c/evil', type: '2', link: 'Chart.yaml' })),
    first: tgz(member({ name: 'c/evil', type: '2', link: '/tmp' }), chart, member({ name: 'c/evil/x', body: 'x' })),
    character: tgz(chart, member({ name: 'c/evil', type: '3' })),
    block: tgz(chart, member({ name: 'c/evil', type: '4' })),
    fifo: tgz(chart, member({ name: 'c/evil', type: '6' })),
    hidden: tgz(chart, pax({ linkpath: '../../out' }), member({ name: 'c/evil', type: '2', link: 'x' })),
  };
  const { codes, messages } = await saveAll(t, archives);
  assert.deepEqual(codes, all(archives, 'ARCHIVE_UNSAFE'));
  for (const [name, message] of Object.entries(messages)) assert.match(message, /c\/evil|"evil/, name);
});

test('CVE-2025-53547: a link at the destination is not written through', {
  skip: process.platform === 'win32',
}, async (t) => {
  const dir = temporaryDirectory(t);
  const cache = join(dir, 'cache');
  writeFileSync(join(dir, 'c.tgz'), chartTgz({ 'README.md': 'of the chart\n', 'templates/x.yaml': 'x\n' }));
  const chart = (...args: string[]) => runChart([...args, '--cache-dir', cache], { cwd: dir, home: dir });
  assert.equal((await chart('save', 'c.tgz', 'r.example.com/t/c')).exit, 0);
  writeFileSync(join(dir, 'precious'), 'of the user\n');
  mkdirSync(join(dir, 'elsewhere'));
  mkdirSync(join(dir, 'out', 'c'), { recursive: true });
  symlinkSync(join(dir, 'precious'), join(dir, 'out', 'c', 'README.md'));
  symlinkSync(join(dir, 'elsewhere'), join(dir, 'out', 'c', 'templates'));
  await chart('export', 'r.example.com/t/c:0.1.0', '-d', 'out');
  assert.equal(readFileSync(join(dir, 'precious'), 'utf8'), 'of the user\n');
  assert.deepEqual(readdirSync(join(dir, 'elsewhere')), []);
  assert.ok(lstatSync(join(dir, 'out', 'c', 'templates')).isSymbolicLink(), 'and what is in the way is left as it was');
});

test('CVE-2025-32386, CVE-2025-32387: what unpacks to gigabytes, and a schema nested without end, end at a limit', async (t) => {
  const depth = 100_000;
  const archives = {
    // Some 64 KiB, read whole if they were read at all.
    bomb: tgz(member({ name: 'c/Chart.yaml', body: zeros(64 * 1024 * 1024) })),
    schema: chartTgz({ 'values.schema.json': `${'{"not":'.repeat(depth)}{}${'}'.repeat(depth)}` }),
    deep: tgz(
      member({ name: 'c/Chart.yaml', body: CHART_YAML }),
      pax({ path: `c/${'d/'.repeat(3000)}f` }),
      member({ name: 'x' }),
    ),
  };
  const { codes, cache } = await saveAll(t, archives);
  for (const [name, code] of Object.entries(codes))
    assert.match(code, /^(LIMIT_EXCEEDED|ARCHIVE_|CHART_INVALID)/, name);
  assert.equal(codes.bomb, 'LIMIT_EXCEEDED');
  assert.ok(!existsSync(join(cache, 'blobs', 'sha256')) || readdirSync(join(cache, 'blobs', 'sha256')).length === 0);
});

test('CVE-2025-55198, GHSA-r53h-jv2g-vpx6, GHSA-53c4-hhmh-vw5q: empty, null and wrongly typed metadata is an error that says so', async (t) => {
  const texts = {
    empty: '',
    null: 'null\n',
    list: '- a\n',
    text: 'chart\n',
    number: '1\n',
    name: 'apiVersion: v2\nname: {}\nversion: 1.0.0\n',
    version: 'apiVersion: v2\nname: c\nversion: [1]\n',
    maintainers: 'apiVersion: v2\nname: c\nversion: 1.0.0\nmaintainers: [null]\n',
    dependencies: 'apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [null]\n',
    what: 'apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: {a: b}\n',
  };
  const archives = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, withMetadata(text)]));
  const { codes, result } = await saveAll(t, archives);
  assert.deepEqual(codes, all(archives, 'CHART_INVALID'));
  assert.doesNotMatch(result.stderr, /fault of chart itself|TypeError/);
});

test('GHSA-jm56-5h66-w453, GHSA-9vp5-m38w-j776: a dependency that is there twice, and an alias that is a path or has a line break', async (t) => {
  const dependencies = (...lines: string[]): Buffer =>
    withMetadata(
      `apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n${lines.map((line) => `- ${line}\n`).join('')}`,
    );
  const archives = {
    twice: dependencies('{name: a, version: "1"}', '{name: a, version: "2"}'),
    path: dependencies('{name: a, version: "1", alias: ../../x}'),
    break: dependencies('{name: a, version: "1", alias: "x\\ny"}'),
    slash: dependencies('{name: a, version: "1", alias: a/b}'),
  };
  const { codes } = await saveAll(t, archives);
  assert.deepEqual({ ...codes, twice: '' }, { ...all(archives, 'CHART_INVALID'), twice: '' });
});

test('GHSA-c38g-469g-cmgx: escapes in versions, names and entries never reach the terminal', async (t) => {
  const controls = '\u001b]0;owned\u0007\u001b[2J\u009b31m';
  const archives = {
    name: withMetadata(`apiVersion: v2\nname: ${JSON.stringify(`c${controls}`)}\nversion: 1.0.0\n`),
    version: withMetadata(`apiVersion: v2\nname: c\nversion: ${JSON.stringify(`1.0.0${controls}`)}\n`),
    type: withMetadata(`apiVersion: v2\nname: c\nversion: 1.0.0\ntype: ${JSON.stringify(controls)}\n`),
    entry: tgz(
      member({ name: 'c/Chart.yaml', body: CHART_YAML }),
      member({ name: `c/${controls}`, type: '2', link: 'x' }),
    ),
    key: withMetadata(`apiVersion: v2\nname: c\nversion: 1.0.0\n${JSON.stringify(controls)}: [\n`),
    description: withMetadata(`apiVersion: v2\nname: c\nversion: 1.0.0\ndescription: ${JSON.stringify(controls)}\n`),
  };
  const { result, dir, cache } = await saveAll(t, archives);
  const more: RunResult[] = [result];
  for (const args of [
    ['list'],
    ['verify'],
    ['show', 'chart', 'r.example.com/t/description:1'],
    ['list', '-o', 'yaml'],
  ]) {
    more.push(await runChart([...args, '--cache-dir', cache], { cwd: dir, home: dir }));
  }
  for (const { stdout, stderr } of more) {
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  }
});

test('YAML: alias bombs end, the last of equal keys counts, __proto__ and constructor are keys like any other', async (t) => {
  const head = 'apiVersion: v2\nname: c\nversion: 1.0.0\n';
  const levels = Array.from(
    { length: 30 },
    (_, i) => `  a${i}: &a${i} [${i === 0 ? 'x' : `*a${i - 1}, *a${i - 1}, *a${i - 1}`}]\n`,
  ).join('');
  const { codes, dir, cache } = await saveAll(t, {
    bomb: withMetadata(`${head}annotations:\n${levels}`),
    own: withMetadata(`${head}annotations: &a {x: *a}\n`),
    equal: withMetadata(`${head}version: 2.0.0\n`),
    keys: withMetadata(
      `${head}__proto__: {name: evil}\nconstructor: {prototype: {name: evil}}\nannotations: {__proto__: a, constructor: b}\n`,
    ),
  });
  for (const name of ['bomb', 'own']) assert.match(codes[name] as string, /^(CHART_INVALID|LIMIT_EXCEEDED)$/);
  assert.deepEqual([codes.equal, codes.keys], ['saved', 'saved']);
  const list = await runChart(['list', '-o', 'json', '--cache-dir', cache], { cwd: dir, home: dir });
  assert.deepEqual(
    JSON.parse(list.stdout).map(({ name, version }: { name: string; version: string }) => [name, version]),
    [
      ['c', '2.0.0'],
      ['c', '1.0.0'],
    ],
  );
});

test('Names: NUL, backslash, drive letters, absolute paths, .., 300 characters, two that differ only in case or Unicode form', async (t) => {
  const chart = member({ name: 'c/Chart.yaml', body: CHART_YAML });
  const entry = (name: string): Buffer => tgz(chart, pax({ path: name }), member({ name: 'c/x', body: 'x' }));
  const two = (a: string, b: string): Buffer =>
    tgz(chart, ...[a, b].flatMap((name) => [pax({ path: `c/${name}` }), member({ name: 'c/x', body: 'x' })]));
  const archives = {
    nul: entry('c/a\0b'),
    up: entry('c/../../x'),
    backslash: entry('c/..\\..\\x'),
    drive: entry('C:\\x'),
    absolute: entry('/etc/x'),
    long: entry(`c/${'n'.repeat(300)}`),
    same: two('f', 'f'),
    case: two('File', 'file'),
    unicode: two('\u00e9', 'e\u0301'),
  };
  const { codes, messages } = await saveAll(t, archives);
  for (const [name, code] of Object.entries(codes))
    assert.match(code, /^(ARCHIVE_|LIMIT_)/, `${name}: ${messages[name]}`);
});
