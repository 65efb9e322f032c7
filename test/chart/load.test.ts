import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoadedFile } from '../../src/chart/files.js';
import { loadChart } from '../../src/chart/load.js';
import { ChartError } from '../../src/errors.js';
import { filesInMemory, type Tree } from './files-in-memory.js';

const V1 = 'apiVersion: v1\nname: c\nversion: 0.1.0\n';
const V2 = 'apiVersion: v2\nname: c\nversion: 0.1.0\n';
const KID = 'apiVersion: v2\nname: kid\nversion: 0.2.0\n';

const load = (tree: Tree) => loadChart(filesInMemory(tree));
const fails = (tree: Tree, message: string | RegExp, code = 'CHART_INVALID') =>
  assert.rejects(load(tree), { code, message });

test('loads a chart and puts the dependencies of requirements.yaml into its metadata', async () => {
  assert.deepEqual(
    await load({ 'Chart.yaml': V1, 'requirements.yaml': 'dependencies:\n- name: d\n  version: 1.10\n' }),
    {
      metadata: {
        name: 'c',
        version: '0.1.0',
        apiVersion: 'v1',
        dependencies: [{ name: 'd', repository: '', version: '1.1' }],
      },
      warnings: [
        'found in Chart.yaml, but missing in charts/ directory: d; "helm dependency update" brings them there',
      ],
      missing: ['d'],
    },
  );
});

test('warns of a requirements.yaml beside apiVersion v2, and uses it', async () => {
  const { metadata, warnings } = await load({ 'Chart.yaml': V2, 'requirements.yaml': 'dependencies:\n- name: d\n' });
  assert.deepEqual(metadata.dependencies, [{ name: 'd', repository: '' }]);
  assert.deepEqual(warnings, [
    'Dependencies are handled in Chart.yaml since apiVersion "v2". We recommend migrating dependencies to Chart.yaml.',
    'found in Chart.yaml, but missing in charts/ directory: d; "helm dependency update" brings them there',
  ]);
});

test('does not depend on the order in which files come', async () => {
  const { metadata } = await load({
    'requirements.yaml': 'home: h\n',
    'values.yaml': 'a: b\n',
    'Chart.yaml': `${V1}home: g\n`,
  });
  assert.equal(metadata.home, 'h');
});

test('strips one byte order mark from each file', async () => {
  const bom = '\ufeff';
  const tree = { 'Chart.yaml': bom + V2, 'values.yaml': `${bom}a: b`, 'values.schema.json': `${bom}{}` };
  assert.equal((await load(tree)).metadata.name, 'c');
  await fails(
    { ...tree, 'values.schema.json': `${bom}${bom}{}` },
    'failed to save: Invalid JSON in values.schema.json',
  );
});

test('asks for a Chart.yaml', async () => {
  await fails({}, 'Chart.yaml file is missing');
  await fails({ 'chart.yaml': V2, 'values.yaml': '' }, 'Chart.yaml file is missing');
  await fails({ 'requirements.yaml': V2 }, 'Chart.yaml file is missing');
  await fails({ 'requirements.yaml': 'dependencies: []\n' }, 'validation: chart.metadata.apiVersion is required');
});

test('of several faults reports the one that Helm reports', async () => {
  const bad = 'a: @';
  const problem = 'error converting YAML to JSON: yaml: line 1: Plain value cannot start with reserved character @';
  const tree = {
    'Chart.lock': bad,
    'Chart.yaml': bad,
    'charts/kid/Chart.yaml': bad,
    'values.schema.json': bad,
    'values.yaml': bad,
  };
  await fails(tree, `cannot load Chart.yaml: ${problem}`);
  await fails({ ...tree, 'Chart.yaml': 'name: c\n' }, `cannot load Chart.lock: ${problem}`);
  await fails({ ...tree, 'Chart.yaml': 'name: c\n', 'Chart.lock': '' }, `cannot load values.yaml: ${problem}`);
  await fails(
    { ...tree, 'Chart.yaml': 'name: c\n', 'Chart.lock': '', 'values.yaml': '' },
    'validation: chart.metadata.version is required',
  );
  await fails(
    { ...tree, 'Chart.yaml': V2, 'Chart.lock': '', 'values.yaml': '' },
    `error unpacking kid in c: cannot load Chart.yaml: ${problem}`,
  );
  await fails(
    { ...tree, 'Chart.yaml': V2, 'Chart.lock': '', 'values.yaml': '', 'charts/kid/Chart.yaml': KID },
    'failed to save: Invalid JSON in values.schema.json',
  );
});

test('looks into charts/, directories and archives, at any depth', async () => {
  const tree = {
    'Chart.yaml': V2,
    'charts/kid/Chart.yaml': KID,
    'charts/kid/charts/toy-1.tgz': {
      'Chart.yaml': 'name: toy\nversion: 1\n',
      'charts/part/Chart.yaml': 'name: part\n',
    },
  };
  await fails(
    tree,
    'error unpacking kid in c: error unpacking toy-1.tgz in kid: error unpacking part in toy: validation: chart.metadata.version is required',
  );
});

test('says which schema is no JSON, within charts/ too', async () => {
  await assert.rejects(load({ 'Chart.yaml': V2, 'charts/kid/Chart.yaml': KID, 'charts/kid/values.schema.json': '' }), {
    code: 'CHART_INVALID',
    message: 'failed to save: Invalid JSON in values.schema.json',
    hint: 'The file is charts/kid/values.schema.json.',
  });
});

test('passes over what Helm passes over in charts/', async () => {
  const read: string[] = [];
  const files = filesInMemory(
    {
      'Chart.yaml': V2,
      'charts/_old/Chart.yaml': 'bad: [',
      'charts/.hidden.tgz': 'no archive',
      'charts/_x.txt': '',
      'charts/kid-1.0.0.tgz.prov': 'signature',
      'charts/gone/x.prov': '',
      'templates/charts/x': '',
      'mycharts/x': '',
    },
    (path) => read.push(path),
  );
  assert.deepEqual((await loadChart(files)).warnings, []);
  assert.deepEqual(read, ['Chart.yaml']);
});

test('refuses what is no chart in charts/', async () => {
  await fails(
    { 'Chart.yaml': V2, 'charts/README.md': 'x' },
    'error unpacking README.md in c: Chart.yaml file is missing',
  );
  await fails({ 'Chart.yaml': V2, 'charts/x/values.yaml': '' }, 'error unpacking x in c: Chart.yaml file is missing');
  await fails(
    { 'Chart.yaml': V2, 'charts/x.tgz/Chart.yaml': KID },
    'error unpacking tar in c: expected x.tgz, got x.tgz/Chart.yaml',
  );
});

test('reads and unpacks no file that the walk did not promise to keep', async () => {
  const read: string[] = [];
  const tree: Tree = {
    '.helmignore': '',
    'Chart.lock': '',
    'Chart.yaml': V2,
    'README.md': '',
    'charts/a.tgz': { 'Chart.yaml': KID, 'values.yaml': '', 'templates/x': '' },
    'charts/kid/Chart.yaml': KID,
    'charts/kid/charts/b.tgz': { 'Chart.yaml': KID },
    'charts/kid/crds/values.yaml': '',
    'charts/kid/values.yaml': '',
    'sub/Chart.yaml': '',
    'sub/values.yaml': '',
    'templates/values.yaml': '',
    'values.yaml': '',
  };
  await loadChart(filesInMemory(tree, (path) => read.push(path)));
  assert.ok(read.includes('charts/kid/values.yaml') && read.includes('charts/kid/charts/b.tgz'));
  for (const path of read) assert.ok(isLoadedFile(path) || path.endsWith('.tgz'), path);
});

test('passes on what goes wrong with an archive, its code kept', async () => {
  const files = filesInMemory({ 'Chart.yaml': V2, 'charts/x.tgz': '' });
  const broken = files.map((file) => ({
    ...file,
    unpack: () => Promise.reject(new ChartError('ARCHIVE_INVALID', 'unexpected EOF', { hint: 'Pack it again.' })),
  }));
  await assert.rejects(loadChart(broken), {
    code: 'ARCHIVE_INVALID',
    message: 'error unpacking x.tgz in c: unexpected EOF',
    hint: 'Pack it again.',
  });
});

test('ends for charts within charts within charts', async () => {
  let tree: Tree = { 'Chart.yaml': KID };
  for (let depth = 0; depth < 100; depth++) tree = { 'Chart.yaml': KID, 'charts/kid.tgz': tree };
  await assert.rejects(load(tree), { code: 'LIMIT_EXCEEDED', message: /more than 64 charts within charts$/ });
});

test('CVE-2025-32387: refuses a schema that is nested without end, as Helm does', async () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  await fails(
    { 'Chart.yaml': V2, 'values.schema.json': nested(10_001) },
    'failed to save: Invalid JSON in values.schema.json',
  );
  await fails(
    { 'Chart.yaml': V2, 'values.schema.json': '['.repeat(1_000_000) },
    'failed to save: Invalid JSON in values.schema.json',
  );
  await load({ 'Chart.yaml': V2, 'values.schema.json': nested(10_000) });
});
