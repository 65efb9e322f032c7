/**
 * What tests read from fixtures/ (fixtures/README.md says where each comes from), and directories to work in.
 */
import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';

/** The project's own directory. */
export const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const FIXTURES = join(PROJECT, 'fixtures');

/** The sample charts of fixtures/charts.tar.gz. */
export const SAMPLE_CHARTS = [
  'buildmeta',
  'fullhouse',
  'hollow',
  'legacy',
  'linked',
  'longpath',
  'negated',
  'oddyaml',
  'picky',
  'runner',
  'shelf',
  'strayreqs',
  'tiny',
  'unicode',
  'vendored',
] as const;

/** The realistic charts of fixtures/real, as absolute paths. */
export const REAL_CHARTS = ['webshop', 'ledgerdb', 'mailroom'].map((name) => join(FIXTURES, 'real', name));

/** Unpacks the 15 sample charts, with modes, links and empty directories, and returns the directory that holds them. */
export async function unpackCharts(into: string): Promise<string> {
  await unpack('charts.tar.gz', into);
  return join(into, 'charts');
}

/** Unpacks a cache that Helm 3.6.3 wrote, with its modes and empty directories, and returns its directory. */
export async function unpackCache(into: string): Promise<string> {
  await unpack('cache.tar.gz', into);
  return join(into, 'cache');
}

async function unpack(archive: string, into: string): Promise<void> {
  const modes: [string, number][] = [];
  await extract({
    file: join(FIXTURES, archive),
    cwd: into,
    preserveOwner: false,
    onReadEntry: ({ path, mode = 0, type }) => {
      if (type === 'File' || type === 'Directory') modes.push([join(into, path), mode & 0o777]);
    },
  });
  // Whatever the umask is.
  for (const [path, mode] of modes) chmodSync(path, mode);
}

/** The parsed content of a JSON file in fixtures/. */
export async function readFixture<T = unknown>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(FIXTURES, name), 'utf8')) as T;
}

/** A fresh directory, without symbolic links in its path, that goes when the test ends. */
export function temporaryDirectory(t: Pick<TestContext, 'after'>): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'chart-test-')));
  t.after(async () => {
    makeWritable(directory);
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return directory;
}

/** Read-only directories keep their content from being removed by anybody but root. */
function makeWritable(directory: string): void {
  if (!existsSync(directory)) return;
  chmodSync(directory, 0o700);
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (lstatSync(path).isDirectory()) makeWritable(path);
  }
}
