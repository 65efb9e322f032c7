/** What is packed and what is unpacked. */
import type { Departure, Steps } from './departures.js';
import { otherLines } from './departures-registries.js';
import { summaryOf } from './texts.js';

export const PACKING: Readonly<Record<string, Steps>> = {
  'save-sample-legacy': { 0: { id: 'missing-dependencies', stderr: missing('cachelet') } },
  'save-sample-strayreqs': {
    0: {
      id: 'missing-dependencies',
      stderr:
        'Warning: Dependencies are handled in Chart.yaml since apiVersion "v2". We recommend migrating dependencies to Chart.yaml.\n' +
        missing('ghost'),
    },
  },
  // Chart.yaml as it is written, and Chart.lock whatever the apiVersion.
  'save-input-missing-apiversion': { 0: packed('c/Chart.yaml\nname: c\nversion: 0.1.0\n') },
  'save-input-apiversion-v3': {
    0: packed('c/Chart.yaml\nc/Chart.lock\napiVersion: v3\nname: c\nversion: 0.1.0\ndigest: x\n'),
  },
  'save-input-name-number': { 0: packed('12/Chart.yaml\napiVersion: v2\nname: 12\nversion: 0.1.0\n') },
  'save-input-name-upper-space': {
    0: packed('My Chart/Chart.yaml\napiVersion: v2\nname: "My Chart"\nversion: 0.1.0\n'),
  },
  'save-input-lock-empty': { 0: packed('c/Chart.yaml\nc/Chart.lock\napiVersion: v2\nname: c\nversion: 0.1.0\n') },
  'save-input-lock-v1': {
    0: packed('c/Chart.yaml\nc/Chart.lock\napiVersion: v1\nname: c\nversion: 0.1.0\ndigest: x\n'),
  },
  'save-input-json-in-chart-yaml': { 0: packed('c/Chart.yaml\n{"apiVersion":"v2","name":"c","version":"0.1.0"}') },
  'save-version-1.10': { 0: packed('c/Chart.yaml\napiVersion: v2\nname: c\nversion: 1.10\n') },
  'save-version-2e3': { 0: packed('c/Chart.yaml\napiVersion: v2\nname: c\nversion: 2e3\n') },
  'save-version-0x10': { 0: packed('c/Chart.yaml\napiVersion: v2\nname: c\nversion: 0x10\n') },
  'save-version-2001-02-03': { 0: packed('c/Chart.yaml\napiVersion: v2\nname: c\nversion: 2001-02-03\n') },
  'save-tgz': {
    3: {
      id: 'lossless-charts',
      after: ({ tree = [] }) => ({
        tree: replaced(tree, { 'work/out/c/Chart.yaml': 'f 0644 work/out/c/Chart.yaml 48' }),
        files: { 'work/out/c/Chart.yaml': '# comment\napiVersion: v2\nname: c\nversion: 0.1.0\n' },
      }),
    },
  },
  // Subcharts stay as they were vendored: the directories that Helm skips when it loads them, and archives packed.
  'subchart-order': everyStep(8, {
    id: 'lossless-charts',
    after: ({ sh }) => ({
      sh: {
        cmd: sh?.cmd ?? '',
        out: ['.hidden', '_skipped', 'kid', 'kid/charts/grandkid', 'renamed-dir']
          .map((name) => `vendored/charts/${name}/Chart.yaml\n`)
          .join(''),
      },
    }),
  }),
  // After Chart.yaml in the order of their paths, not first those that Helm knows.
  'helmignore-and-symlinks': {
    0: packedFiles(['.helmignore', 'real/one.txt', 'real/two.txt']),
    1: packedFiles(['.helmignore', 'alias/one.txt', 'alias/two.txt']),
    2: packedFiles(['.helmignore', 'alias/two.txt', 'real/one.txt', 'real/two.txt']),
    3: packedFiles(['.helmignore', 'alias/one.txt', 'real/one.txt'], outside('linked/.helmignore', 'ign')),
    4: packedFiles(
      ['alias/one.txt', 'alias/two.txt', 'real/one.txt', 'real/two.txt'],
      outside('linked/Chart.yaml', 'cy'),
    ),
  },
  'save-odd-files': { 4: { id: 'symbolic-links', stderr: outside('c/out', 'out') } },
  'save-symlink-cycle-dir': {
    0: {
      id: 'symbolic-links',
      stderr: 'Error: <TMP>/here/c/sub/up leads back to <TMP>/here/c, in which it lies\n',
    },
  },
  'save-name-slash': {
    0: { ...badName('"a/b" holds a path separator'), after: { index_json: null, tree: [] } },
    1: { id: 'chart-names', stderr: 'Error: Chart not found: r.example.com/t/c:v1\n' },
  },
  'save-name-dot': {
    0: badName('"." is no file name'),
    1: { id: 'chart-names', stderr: 'Error: Chart not found: r.example.com/t/c:v1\n' },
  },
};

export const EXPORTING: Readonly<Record<string, Steps>> = {
  'export-default': {
    0: {
      id: 'lossless-charts',
      after: ({ tree = [] }) => ({ tree: [...tree, 'f 0644 work/fullhouse/Chart.lock 223'] }),
    },
  },
  'export-over-existing-dir': {
    1: {
      id: 'leftovers',
      stderr: 'Warning: not in the chart, but left in out/fullhouse/: olddir/, templates/stale.yaml\n',
      after: ({ tree = [], files }) => ({
        tree: replaced(tree, {
          'work/out/fullhouse/Chart.lock': 'f 0644 work/out/fullhouse/Chart.lock 223',
          'work/out/fullhouse/LICENSE': 'f 0644 work/out/fullhouse/LICENSE 35',
          'work/out/fullhouse/NOTICE.txt': 'f 0644 work/out/fullhouse/NOTICE.txt 16',
          'work/out/fullhouse/README.md': 'f 0644 work/out/fullhouse/README.md 29',
        }),
        files: {
          ...files,
          'work/out/fullhouse/Chart.lock':
            'dependencies:\n- name: helper\n  repository: https://charts.example.com/stable\n  version: 1.0.7\n' +
            'digest: sha256:6b0c1e3a1f6b9d0b7c8c5c7a4d6a9f6a6c2a5b0d7a1f0e4c3b2a190817263544\n' +
            'generated: "2021-03-04T05:06:07.123456789+02:00"\n',
        },
      }),
    },
  },
  'umask-077': {
    0: { id: 'missing-dependencies', stderr: missing('helper, nothing') },
    1: {
      id: 'lossless-charts',
      after: ({ tree = [] }) => ({
        tree: [
          ...replaced(tree, { 'work/out/fullhouse/Chart.yaml': 'f 0600 work/out/fullhouse/Chart.yaml 1056' }),
          'f 0600 work/out/fullhouse/Chart.lock 238',
        ],
      }),
    },
    2: {
      id: 'credential-files',
      after: ({ tree = [] }) => ({ tree: tree.flatMap(otherLines) }),
    },
  },
  'export-things-in-the-way': {
    2: { id: 'export-looks-first', after: { tree: ['f 0644 work/runner/bin 2'] } },
    3: {
      ...throughLink('registry.example.com/team/runner:0.6.0', 'runner', '0.6.0', 'runner'),
      after: ({ tree = [] }) => ({
        tree: tree.filter((line) => !line.includes('work/elsewhere/') || line === 'd 0755 work/elsewhere/'),
      }),
    },
    4: {
      ...throughLink('registry.example.com/team/shelf:0.4.0', 'shelf', '0.4.0', 'shelf/values.yaml'),
      after: {
        tree: [
          'd 0755 work/elsewhere/',
          'd 0755 work/shelf/',
          'd 0755 work/tiny/',
          'd 0755 work/tiny/Chart.yaml/',
          'f 0644 work/outside.txt 8',
          'l 0777 work/runner -> elsewhere',
          'l 0777 work/shelf/values.yaml -> ../outside.txt',
        ],
        files: { 'work/outside.txt': 'outside\n' },
      },
    },
    5: { id: 'symbolic-links', stderr: 'Error: buildmeta is a symbolic link; nothing is written through links\n' },
  },
};

function everyStep(count: number, departure: Departure): Steps {
  return Object.fromEntries(Array.from({ length: count }, (_, step) => [step, departure]));
}

/** What `tar` shows of the saved layer. */
function missing(names: string): string {
  return `Warning: found in Chart.yaml, but missing in charts/ directory: ${names}; "helm dependency update" brings them there\n`;
}

function packed(out: string): Departure {
  return { id: 'lossless-charts', after: ({ sh }) => ({ sh: { cmd: sh?.cmd ?? '', out } }) };
}

/** The chart `linked`: besides what is named, these are always in it. */
function packedFiles(files: readonly string[], stderr = ''): Departure {
  const always = ['templates/base.yaml', 'templates/one-link.txt', 'values-prod.yaml', 'values.yaml'];
  const names = ['Chart.yaml', ...[...files, ...always].sort()].map((name) => `linked/${name}\n`);
  const out = `${names.join('')}apiVersion: v2\nname: linked\nversion: 0.1.1\n`;
  return { ...packed(out), id: 'reproducible-charts', stderr };
}

function outside(link: string, target: string): string {
  return `Warning: found symbolic link in path: <TMP>/here/${link} resolves to <TMP>/here/${target}, outside of the chart\n`;
}

function badName(reason: string): Departure {
  return { id: 'chart-names', exit: 1, stdout: '', stderr: `Error: chart name ${reason}\n` };
}

function throughLink(ref: string, name: string, version: string, link: string): Departure {
  return {
    id: 'symbolic-links',
    exit: 1,
    stdout: summaryOf(ref, name, version),
    stderr: `Error: ${link} is a symbolic link; nothing is written through links\n`,
  };
}

/** Lines of a tree, some of them by another. */
function replaced(tree: readonly string[], lines: Readonly<Record<string, string>>): string[] {
  return tree.map((line) => lines[line.split(' ')[2] ?? ''] ?? line);
}
