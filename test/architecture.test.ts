/**
 * What may use what. A file of src/ imports from its own folder and from the folders that stand beside its own here, which
 * are all on lower levels:
 *
 *     errors.ts, on-abort.ts, make-directory.ts, move-file.ts      level 0
 *     oci/ chart/                          errors                  level 1
 *     artifact.ts repository/ bundle/      errors oci chart        level 2
 *     copy-referrers.ts                    errors oci copy         level 2
 *     site/                                and artifact            level 2
 *     copy.ts layout/ registry/ server/    errors oci              level 2
 *     operations/                          levels 0 to 2           level 3
 *     cli/                                 levels 0 to 3           level 4
 *     library/ index.ts                    all but cli             what others import
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { test } from 'node:test';
import { FIXTURES, PROJECT } from './helpers/fixtures.js';

const LOW = [
  'errors',
  'make-directory',
  'move-file',
  'on-abort',
  'oci',
  'chart',
  'artifact',
  'bundle',
  'copy',
  'copy-referrers',
  'layout',
  'registry',
  'repository',
  'server',
  'site',
];

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  'make-directory': ['errors'],
  'move-file': ['errors'],
  'on-abort': [],
  oci: ['errors'],
  chart: ['errors', 'on-abort', 'make-directory', 'move-file'],
  artifact: ['errors', 'oci', 'chart'],
  bundle: ['errors', 'on-abort', 'move-file', 'oci', 'chart'],
  copy: ['errors', 'on-abort', 'oci'],
  'copy-referrers': ['errors', 'oci', 'copy'],
  layout: ['errors', 'on-abort', 'make-directory', 'move-file', 'oci'],
  registry: ['errors', 'on-abort', 'make-directory', 'move-file', 'oci'],
  repository: ['errors', 'on-abort', 'oci', 'chart'],
  server: ['errors', 'oci'],
  site: ['errors', 'oci', 'chart', 'artifact'],
  operations: LOW,
  cli: [...LOW, 'operations'],
  library: [...LOW, 'operations'],
  index: ['library'],
};

/** Packages that have one place, so that what they do has one place. */
const PACKAGE_PLACE: Readonly<Record<string, string>> = {
  ajv: 'operations',
  bcryptjs: 'server',
  commander: 'cli',
  fresh: 'site',
  'markdown-it': 'site',
  negotiator: 'site',
  'range-parser': 'site',
  'sanitize-html': 'site',
  'cli-table3': 'cli',
  'env-paths': 'cli',
  openpgp: 'chart',
  'fastest-levenshtein': 'operations',
  'js-yaml': 'repository',
  'prom-client': 'server',
  'proper-lockfile': 'layout',
  undici: 'registry',
  'wrap-ansi': 'cli',
};

interface Source {
  /** Relative to src/, with `/`. */
  readonly path: string;
  readonly text: string;
}

const sources = filesUnder(join(PROJECT, 'src')).filter(({ path }) => path.endsWith('.ts'));

test('each folder of src/ imports only from those below it', () => {
  const wrong = sources.flatMap((source) =>
    importedFiles(source)
      .filter((target) => partOf(target) !== partOf(source.path))
      .filter((target) => !MAY_IMPORT[partOf(source.path)]?.includes(partOf(target)))
      .map((target) => `${source.path} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('every folder of src/ has its place in the table', () => {
  const unknown = sources.map(({ path }) => partOf(path)).filter((part) => !(part in MAY_IMPORT));
  assert.deepEqual([...new Set(unknown)], []);
});

test('what src/ imports exists, and there are no circles', () => {
  const imports = new Map(sources.map((source) => [source.path, importedFiles(source)]));
  const missing = [...imports].flatMap(([path, targets]) =>
    targets.filter((target) => !imports.has(target)).map((target) => `${path}: ${target}`),
  );
  assert.deepEqual(missing, []);
  assert.deepEqual(findCircle(imports), undefined);
});

test('packages are imported where their work is done', () => {
  const wrong = sources.flatMap((source) =>
    importedNames(source)
      .map((name) =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      )
      .filter((name) => name in PACKAGE_PLACE && PACKAGE_PLACE[name] !== partOf(source.path))
      .map((name) => `${source.path} imports ${name}`),
  );
  assert.deepEqual(wrong, []);
});

test('environment variables are read in src/cli/settings.ts alone', () => {
  assert.deepEqual(filesWith(sources, /\bprocess\.env\b|\benv\b[^\n]*from 'node:process'/), ['cli/settings.ts']);
});

test('only src/cli/ writes to standard output and standard error', () => {
  const code = sources.map(({ path, text }) => ({ path, text: text.replace(/^ \* .*$/gm, '') }));
  const writing = filesWith(code, /\bconsole\.|\bprocess\.std(?:out|err)\b/);
  assert.deepEqual(
    writing.filter((path) => partOf(path) !== 'cli'),
    [],
  );
});

test('nothing is marked as left for later', () => {
  const own = ['src', 'test', 'scripts', 'bin'].flatMap((folder) => {
    return filesUnder(join(PROJECT, folder)).map(({ path, text }) => ({ path: `${folder}/${path}`, text }));
  });
  assert.deepEqual(filesWith(own, /\b(?:T[O]DO|FIX[M]E|X[X]X)\b/), []);
});

test('files are named in lower case with hyphens', () => {
  const wrong = sources.map(({ path }) => path).filter((path) => !/^(?:[a-z0-9]+(?:-[a-z0-9]+)*[/.])+ts$/.test(path));
  assert.deepEqual(wrong, []);
});

test('fixtures/README.md tells of everything in fixtures/', () => {
  const readme = readFileSync(join(FIXTURES, 'README.md'), 'utf8');
  const there = readdirSync(FIXTURES, { withFileTypes: true })
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .filter((name) => name !== 'README.md' && !name.startsWith('.'));
  assert.deepEqual(
    there.filter((name) => !readme.includes(`\`${name}\``)),
    [],
  );
  const real = readdirSync(join(FIXTURES, 'real'));
  assert.deepEqual(
    real.filter((name) => !readme.includes(`\`${name}\``)),
    [],
  );
});

/** The folder of src/, or the file's own name at the top. */
function partOf(path: string): string {
  return (path.split('/')[0] as string).replace(/\.ts$/, '');
}

function importedNames({ text }: Source): string[] {
  return [...text.matchAll(/^(?:import|export|\})(?:[^'"\n;]*\bfrom)? '([^']+)'|\bimport\('([^']+)'\)/gm)].map(
    (match) => (match[1] ?? match[2]) as string,
  );
}

/** Paths relative to src/. */
function importedFiles(source: Source): string[] {
  return importedNames(source)
    .filter((name) => name.startsWith('.'))
    .map((name) => posix.join(dirname(source.path).replaceAll(sep, '/'), name).replace(/\.js$/, '.ts'));
}

function findCircle(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (path: string, way: string[]): string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const target of imports.get(path) ?? []) {
      const circle = visit(target, [...way, path]);
      if (circle) return circle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of imports.keys()) {
    const circle = visit(path, []);
    if (circle) return circle;
  }
  return undefined;
}

function filesWith(files: readonly Source[], pattern: RegExp): string[] {
  return files.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
}

function filesUnder(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(folder, file).replaceAll(sep, '/'), text: readFileSync(file, 'utf8') }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
