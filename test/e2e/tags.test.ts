/** `chart tags`, and what `chart pull --version` takes. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { putArtifact } from '../helpers/raw-artifact.js';
import { type RunResult, runChart, startChart } from '../helpers/run.js';

const VERSIONS = ['1.9.0', '1.10.0', '1.10.1', '1.10.1+build.7', '2.0.0-rc.1', '0.9.0-alpha'];
const HEX = 'ab'.repeat(32);

interface Stage {
  readonly host: string;
  readonly url: string;
  readonly home: string;
  chart(args: readonly string[], stdin?: string): Promise<RunResult>;
}

/** A registry that holds the versions of one chart, a name that is none, and what signers leave. */
async function stage(t: TestContext, versions: readonly string[] = VERSIONS): Promise<Stage> {
  const home = temporaryDirectory(t);
  const chart = (args: readonly string[], stdin?: string): Promise<RunResult> => runChart(args, { home, stdin });
  const registry = join(home, 'registry');
  for (const version of versions) {
    const dir = join(home, version);
    mkdirSync(dir);
    writeFileSync(join(dir, 'Chart.yaml'), `apiVersion: v2\nname: app\nversion: ${version}\n`);
  }
  const saved = await chart([
    ...['save', ...versions.map((version) => join(home, version))],
    ...['--to', 'team', '--cache-dir', registry],
  ]);
  assert.equal(saved.exit, 0, saved.stderr);
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', registry]);
  t.after(() => server.stop());
  const [, url = '', host = ''] = await server.waitFor(/^Listening on (http:\/\/(\S+))$/m);
  return { home, chart, url, host };
}

async function attach(url: string): Promise<void> {
  for (const tag of ['latest', '1.10', `sha256-${HEX}`, `sha256-${HEX}.sig`, `sha256-${HEX}.att`]) {
    await putArtifact(url, 'team/app', { tag, content: tag });
  }
}

const NEWEST_FIRST = ['1.10.1+build.7', '1.10.1', '1.10.0', '1.9.0'];

describe('chart tags', () => {
  it('lists versions newest first, then other tags; prereleases and attachments when they are asked for', async (t) => {
    const { chart, host, url } = await stage(t);
    await attach(url);
    const repo = `${host}/team/app`;
    const tagsOf = async (...args: string[]): Promise<string[]> => {
      const { exit, stdout, stderr } = await chart(['tags', repo, '-o', 'json', ...args]);
      assert.equal(exit, 0, stderr);
      return JSON.parse(stdout).map(({ tag }: { tag: string }) => tag);
    };
    const all = ['2.0.0-rc.1', ...NEWEST_FIRST, '0.9.0-alpha'];
    const names = ['1.10', 'latest'];
    const attachments = [`sha256-${HEX}`, `sha256-${HEX}.att`, `sha256-${HEX}.sig`];
    assert.deepEqual(await tagsOf(), [...NEWEST_FIRST, ...names]);
    assert.deepEqual(await tagsOf('--prerelease'), [...all, ...names]);
    assert.deepEqual(await tagsOf('--devel'), [...all, ...names]);
    assert.deepEqual(await tagsOf('--all'), [...all, ...names, ...attachments]);
    assert.deepEqual(await tagsOf('--version', '^1.10'), NEWEST_FIRST.slice(0, 3));
    assert.deepEqual(await tagsOf('--version', '>=1.9'), NEWEST_FIRST);
    assert.deepEqual(await tagsOf('--version', '>=1.10', '--prerelease'), all.slice(0, 4));
    assert.deepEqual(await tagsOf('--version', '>=1.11-0'), ['2.0.0-rc.1']);
    assert.deepEqual(await tagsOf('--version', '>7'), []);
  });

  it('prints a table, and what it left out; references only with --quiet; the same data as YAML', async (t) => {
    const { chart, host, url } = await stage(t, ['1.10.0+a', '1.10.0-1', '0.1.0']);
    await attach(url);
    const repo = `${host}/team/app`;
    const table = await chart(['tags', `oci://${repo}`]);
    assert.equal(table.exit, 0);
    const rows = ['1.10.0+a', '0.1.0', '1.10', 'latest'].map((tag) => `${tag.padEnd(8)}\t${`${repo}:${tag}`}`);
    assert.deepEqual(
      table.stdout
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => line.trimEnd()),
      rows,
    );
    assert.match(table.stdout, /^TAG {5}\tREF +\n/);
    assert.equal(table.stderr, 'Left out: 1 prerelease (--prerelease), 3 tags of signatures and the like (--all)\n');
    const quiet = await chart(['tags', '-q', repo]);
    assert.deepEqual(
      quiet.stdout.trim().split('\n'),
      ['1.10.0+a', '0.1.0', '1.10', 'latest'].map((tag) => `${repo}:${tag}`),
    );
    assert.equal(quiet.stderr, '');
    const { stdout } = await chart(['tags', repo, '-o', 'yaml', '--version', '1.10.0']);
    assert.equal(stdout, `- ref: ${repo}:1.10.0+a\n  tag: 1.10.0+a\n  version: 1.10.0+a\n`);
    const [first, , other] = JSON.parse((await chart(['tags', repo, '-o', 'json'])).stdout);
    assert.deepEqual(first, { ref: `${repo}:1.10.0+a`, tag: '1.10.0+a', version: '1.10.0+a' });
    assert.deepEqual(other, { ref: `${repo}:1.10`, tag: '1.10', version: null });
  });

  it('reads a list of many pages, and shows nothing of it that a terminal would act upon', async (t) => {
    const server = createServer((request, response) => {
      const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page') ?? 0);
      const tags = Array.from({ length: 100 }, (_, i) => `0.${page}.${i}`).concat('\u001b[31mred', 'a\nb', '../x');
      if (page < 29) response.setHeader('link', `</v2/a/tags/list?page=${page + 1}>; rel="next"`);
      response.end(JSON.stringify({ name: 'a', tags }));
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const repo = `127.0.0.1:${(server.address() as AddressInfo).port}/a`;
    const { stdout, exit } = await runChart(['tags', '-q', repo]);
    assert.equal(exit, 0);
    const lines = stdout.trim().split('\n');
    assert.equal(lines.length, 3000);
    assert.deepEqual([lines[0], lines[1], lines.at(-1)], [`${repo}:0.29.99`, `${repo}:0.29.98`, `${repo}:0.0.0`]);
  });

  it('says what is wrong with what it was asked', async (t) => {
    const { chart, host } = await stage(t, ['1.0.0']);
    const cases: [args: string[], words: RegExp][] = [
      [
        ['tags', `${host}/team/app:1.0.0`],
        /names one chart, where a repository is wanted\nWrite \S+\/team\/app without :1\.0\.0\.\n/,
      ],
      [['tags', `${host}/team/none`], /team\/none: not found/],
      [['tags', 'app'], /names no registry/],
      [['tags', host], /is a registry without a repository\nWrite \S+\/PATH\.\n/],
      [['tags', `${host}/team/*`], /is a pattern.*\nchart mirror 'oci:\/\/\S+\/team\/\*' cache/],
      [['pull', `${host}/team/app:1`, '-q'], /not found\nIt has 1\.0\.0: write :1\.0\.0, or --version '\^1'/],
      [['pull', `${host}/team/app:latest`, '-q'], /not found\nIt has 1\.0\.0: write/],
      [['tags', `${host}/team/app`, '--version', '>='], /invalid version range ">="/],
    ];
    for (const [args, words] of cases) {
      const { exit, stdout, stderr } = await chart(args);
      assert.deepEqual([exit, stdout], [1, ''], args.join(' '));
      assert.match(stderr, words);
    }
  });
});

describe('chart pull --version', () => {
  it('takes the highest version that fits, of several repositories, and names it with its +', async (t) => {
    const { chart, host, home } = await stage(t);
    const repo = `${host}/team/app`;
    const pull = async (...args: string[]): Promise<string> => {
      const { exit, stdout, stderr } = await chart(['pull', repo, '-q', ...args]);
      assert.equal(exit, 0, stderr);
      return stdout.trim();
    };
    assert.equal(await pull('--version', '~1.9'), `${repo}:1.9.0`);
    assert.equal(await pull('--version', '^1'), `${repo}:1.10.1+build.7`);
    assert.equal(await pull('--version', '1.10.1'), `${repo}:1.10.1`);
    assert.equal(await pull('--version', '*', '--prerelease'), `${repo}:2.0.0-rc.1`);
    assert.equal(await pull('--devel'), `${repo}:2.0.0-rc.1`);
    const again = await chart(['pull', `oci://${repo}`, '--version', '<1.10']);
    assert.match(
      again.stdout,
      new RegExp(`^1\\.9\\.0: Pulling from ${repo}\n(?:.+\n){5}Status: Chart is up to date for ${repo}:1\\.9\\.0\n$`),
    );
    const listed = await chart(['list', '-q']);
    assert.deepEqual(
      listed.stdout.trim().split('\n'),
      ['1.10.1', '1.10.1+build.7', '1.9.0', '2.0.0-rc.1'].map((tag) => `${repo}:${tag}`),
    );
    assertValidLayout(join(home, '.cache', 'helm', 'registry', 'cache'));
  });

  it('names the nearest where none fits, and the prerelease that would', async (t) => {
    const { chart, host } = await stage(t);
    const repo = `${host}/team/app`;
    const cases: [range: string, hint: string][] = [
      ['>=1.9.1 <1.10', `The nearest are 1.10.0, 1.9.0. chart tags ${repo} shows all.`],
      ['^3', `The nearest is 2.0.0-rc.1. chart tags ${repo} shows all.`],
      [
        '>=1.11',
        `The nearest are 2.0.0-rc.1, 1.10.1+build.7; with --prerelease, 2.0.0-rc.1 fits. chart tags ${repo} shows all.`,
      ],
    ];
    for (const [range, hint] of cases) {
      const { exit, stdout, stderr } = await chart(['pull', repo, '--version', range]);
      assert.deepEqual([exit, stdout], [1, '']);
      assert.equal(stderr, `Error: ${repo} has no version that fits ${JSON.stringify(range)}\n${hint}\n`);
    }
    assert.equal((await chart(['list', '-q'])).stdout, '');
  });

  it('says so where the repository holds no versions, and where a tag is named too', async (t) => {
    const { chart, host, url } = await stage(t, ['1.0.0']);
    await putArtifact(url, 'other', { tag: 'latest' });
    const none = await chart(['pull', `${host}/other`, '--version', '*']);
    assert.match(none.stderr, /other has no version that fits "\*": it has no versions at all\n/);
    const both = await chart(['pull', `${host}/team/app:1.0.0`, '--version', '*']);
    assert.match(both.stderr, /app:1\.0\.0 names one chart, where a repository is wanted\n/);
    assert.deepEqual([none.exit, both.exit], [1, 1]);
  });
});
