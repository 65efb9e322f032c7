/** `chart mirror`: from registries, chart repositories and the cache, to registries and the cache. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { Ajv } from 'ajv';
import { parseMirrorFile } from '../../src/operations/mirror/mirror-file.js';
import { indexOf, type PackedChart, packCharts, startClassicServer } from '../helpers/classic-repository.js';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunOptions, type RunResult, runChart, startChart } from '../helpers/run.js';

const CACHE = join('.cache', 'helm', 'registry', 'cache');
const schema = JSON.parse(readFileSync(join(PROJECT, 'schemas', 'mirror-report.schema.json'), 'utf8'));
const validate = new Ajv({ strict: false }).compile(schema);

interface Report {
  readonly summary: Readonly<Record<string, number>>;
  readonly charts: readonly {
    item: string;
    status: string;
    target?: string;
    name?: string;
    version?: string;
    digest?: string;
    wanted?: string;
    copiedBytes: number;
    error?: { code: string; message: string };
  }[];
  readonly leftOut: readonly { name: string; reason: string }[];
}

async function mirror(args: readonly string[], options: RunOptions): Promise<RunResult & { report: Report }> {
  const result = await runChart(['mirror', ...args, '-o', 'json'], options);
  const report = JSON.parse(result.stdout || 'null') as Report;
  assert.ok(validate(report), `${JSON.stringify(validate.errors)}\n${result.stdout}\n${result.stderr}`);
  return { ...result, report };
}

/** A registry with nothing in it: `chart serve`, so that its storage can be looked into. */
async function startRegistry(t: TestContext, directory: string): Promise<string> {
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', directory]);
  t.after(() => server.stop());
  const [, host = ''] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
  return host;
}

function statuses({ charts }: Report): Record<string, string> {
  return Object.fromEntries(charts.map(({ target, item, status }) => [target ?? item, status]));
}

let packed: PackedChart[];
let packingHome: string;

before(async (t) => {
  packingHome = temporaryDirectory(t as unknown as TestContext);
  packed = await packCharts(packingHome, [
    { name: 'web', version: '1.0.0' },
    { name: 'web', version: '1.1.0+build.7' },
    { name: 'web', version: '2.0.0-rc.1' },
    { name: 'db', version: '3.2.1', provenance: '-----BEGIN PGP SIGNED MESSAGE-----\nx\n' },
  ]);
});

/** A chart repository with the four charts. */
async function startSample(t: TestContext, password?: string) {
  const server = await startClassicServer(t, password === undefined ? {} : { password });
  server.put(
    '/charts/index.yaml',
    indexOf(packed, (file) => `files/${file}`),
  );
  for (const { file, bytes, provenance } of packed) {
    server.put(`/charts/files/${file}`, bytes);
    if (provenance) server.put(`/charts/files/${file}.prov`, provenance);
  }
  return { ...server, repository: `${server.url}/charts` };
}

describe('from a chart repository', () => {
  it('everything goes to a registry in one line, byte for byte, with the same digest as chart save makes', async (t) => {
    const home = temporaryDirectory(t);
    const { repository, seen } = await startSample(t);
    const host = await startRegistry(t, join(home, 'registry'));
    const { exit, stderr, report } = await mirror([repository, `oci://${host}/charts`], { home });
    assert.equal(exit, 0, stderr);
    assert.deepEqual(statuses(report), {
      [`${host}/charts/db:3.2.1`]: 'copied',
      [`${host}/charts/web:1.0.0`]: 'copied',
      [`${host}/charts/web:1.1.0+build.7`]: 'copied',
    });
    assert.equal(report.summary.prereleases, 1);
    assert.equal(seen.filter(({ path }) => path.endsWith('index.yaml')).length, 1);
    for (const { file, bytes, provenance } of packed) {
      writeFileSync(join(home, file), bytes);
      if (provenance) writeFileSync(join(home, `${file}.prov`), provenance);
    }
    const files = packed.filter(({ version }) => !version.includes('-rc')).map(({ file }) => file);
    const saved = await runChart(['save', ...files, '--to', 'x', '-o', 'json'], { home, cwd: home });
    const digests = (items: readonly { name?: string; version?: string; digest?: string }[]): string[] =>
      items.map(({ name, version, digest }) => `${name} ${version} ${digest}`).sort();
    assert.deepEqual(digests(report.charts), digests(JSON.parse(saved.stdout)));
    await assertValidLayout(join(home, 'registry'));

    const again = await mirror([repository, `oci://${host}/charts`], { home });
    assert.equal(again.exit, 0);
    assert.deepEqual(again.report.summary.present, 3);
    assert.equal(again.report.summary.copiedBytes, 0);
    assert.equal(
      seen.filter(({ path }) => path.endsWith('web-1.0.0.tgz')).length,
      1,
      'what is present is not fetched again',
    );
  });

  it('takes what name, range, limit and prerelease say, into the cache under the names of the source', async (t) => {
    const home = temporaryDirectory(t);
    const { repository } = await startSample(t);
    const place = repository.replace('http://', '');
    const first = await mirror([repository, 'cache', '--include', 'w*', '--version', '^1', '--limit', '1'], { home });
    assert.equal(first.exit, 0, first.stderr);
    assert.deepEqual(statuses(first.report), { [`${place}/web:1.1.0+build.7`]: 'copied' });
    const second = await mirror([repository, 'cache', '--exclude', 'db', '--prerelease'], { home });
    assert.deepEqual(statuses(second.report), {
      [`${place}/web:1.1.0+build.7`]: 'present',
      [`${place}/web:1.0.0`]: 'copied',
      [`${place}/web:2.0.0-rc.1`]: 'copied',
    });
    const { stdout } = await runChart(['list', '-q'], { home });
    assert.equal(stdout.trim().split('\n').length, 3);
    await assertValidLayout(join(home, CACHE));
  });

  it('is let in by its credentials, which go to no other host, nor to the registry', async (t) => {
    const home = temporaryDirectory(t);
    const own = await startSample(t, 'secret');
    const other = await startClassicServer(t);
    own.put(
      '/charts/index.yaml',
      indexOf(packed, (file) => `${other.url}/${file}`),
    );
    for (const { file, bytes } of packed) other.put(`/${file}`, bytes);
    const host = await startRegistry(t, join(home, 'registry'));
    const target = `oci://${host}/charts`;
    const refused = await mirror([own.repository, target], { home });
    assert.equal(refused.exit, 1);
    assert.equal(refused.report.charts[0]?.error?.code, 'REGISTRY_UNAUTHORIZED');
    const { exit, stderr } = await mirror([own.repository, target, '-u', 'me', '--password-stdin'], {
      home,
      stdin: 'secret\n',
    });
    assert.equal(exit, 0, stderr);
    assert.ok(other.seen.length > 0 && other.seen.every(({ authorization }) => authorization === undefined));
    other.seen.length = 0;
    const file = join(home, 'mirror.yaml');
    const shared = `version: 1\ntarget: cache\nregistries:\n  ${own.url.replace('http://', '')}: {username: me, passwordEnv: ACME_PASSWORD, passCredentials: true}\ncharts:\n  - source: ${own.repository}\n`;
    writeFileSync(file, shared);
    const unset = await mirror(['-f', file], { home });
    assert.match(unset.stderr, /ACME_PASSWORD/);
    assert.equal(unset.exit, 1);
    const passed = await mirror(['-f', file], { home, env: { ACME_PASSWORD: 'secret' } });
    assert.equal(passed.exit, 0, passed.stderr);
    assert.ok(other.seen.length > 0 && other.seen.every(({ authorization }) => authorization !== undefined));
  });

  it('names each failure, leaves out broken entries by name, and takes the rest', async (t) => {
    const home = temporaryDirectory(t);
    const server = await startSample(t);
    const web = packed[0] as PackedChart;
    const more = `  bad:\n  - {name: bad, version: nonsense, urls: [x.tgz]}\n  gone:\n  - {name: gone, version: 1.0.0, urls: [gone.tgz]}\n  swapped:\n  - {name: swapped, version: 1.0.0, urls: [files/${web.file}]}\n  forged:\n  - {name: forged, version: 1.0.0, urls: [files/${web.file}], digest: ${'f'.repeat(64)}}\n  twice:\n  - {name: twice, version: 1.0.0, urls: [a.tgz]}\n  - {name: twice, version: 1.0.0, urls: [b.tgz]}\n`;
    server.put(
      '/charts/index.yaml',
      indexOf(packed, (file) => `files/${file}`).replace('generated:', `${more}generated:`),
    );
    const { exit, stderr, report } = await mirror([server.repository, 'cache'], { home });
    assert.equal(exit, 1);
    assert.equal(report.summary.copied, 3);
    assert.deepEqual(report.charts.flatMap(({ name, error }) => (error ? [`${name} ${error.code}`] : [])).sort(), [
      'forged BLOB_DIGEST_MISMATCH',
      'gone REPOSITORY_NOT_FOUND',
      'swapped CHART_INVALID',
      'twice REPOSITORY_INVALID',
    ]);
    assert.deepEqual(
      report.leftOut.map(({ name }) => name),
      ['bad'],
    );
    assert.match(stderr, /left out .* bad nonsense/);
    await assertValidLayout(join(home, CACHE));
  });

  it('on disk is read like one on the web', async (t) => {
    const home = temporaryDirectory(t);
    for (const { file, bytes } of packed) writeFileSync(join(home, file), bytes);
    writeFileSync(join(home, 'index.yaml'), indexOf(packed));
    const { exit, stderr, report } = await mirror([home, 'cache:mine'], { home });
    assert.equal(exit, 0, stderr);
    assert.ok('mine/web:1.0.0' in statuses(report));
  });
});

describe('between registries', () => {
  async function twoRegistries(t: TestContext) {
    const home = temporaryDirectory(t);
    const [a, b] = [await startRegistry(t, join(home, 'a')), await startRegistry(t, join(home, 'b'))];
    const { repository } = await startSample(t);
    const filled = await mirror([repository, `oci://${a}/team`, '--prerelease'], { home });
    assert.equal(filled.exit, 0, filled.stderr);
    return {
      home,
      a,
      b,
      digests: new Map(filled.report.charts.map(({ target, digest }) => [target?.replace(a, ''), digest])),
    };
  }

  it('digests keep, by repository and by a pattern over the catalog', async (t) => {
    const { home, a, b, digests } = await twoRegistries(t);
    const one = await mirror([`oci://${a}/team/web`, `oci://${b}/team`], { home });
    assert.equal(one.exit, 0, one.stderr);
    assert.equal(one.report.summary.copied, 2);
    const all = await mirror([`oci://${a}/t*`, `oci://${b}/{path}`, '--prerelease'], { home });
    assert.equal(all.exit, 0, all.stderr);
    assert.deepEqual([all.report.summary.copied, all.report.summary.present], [2, 2]);
    for (const { target, digest } of all.report.charts) assert.equal(digest, digests.get(target?.replace(b, '')));
    const below = await mirror([`oci://${a}/team`, 'cache'], { home });
    assert.equal(below.exit, 1);
    assert.match(below.stderr, /team is no chart, but there are charts below it\n'oci:\/\/\S+\/team\/\*' stands for/);
    await assertValidLayout(join(home, 'b'));
  });

  it('what has drifted is left as it is and fails, until it is overwritten', async (t) => {
    const { home, a, b } = await twoRegistries(t);
    await mirror([`oci://${a}/team/web`, `oci://${b}/team`], { home });
    await mirror([`oci://${a}/team/db`, `oci://${b}/x`], { home });
    // db is pushed over web 1.0.0.
    const moved = await runChart(['pull', `${b}/x/db:3.2.1`], { home });
    assert.equal(moved.exit, 0, moved.stderr);
    await runChart(['tag', `${b}/x/db:3.2.1`, `${b}/team/web:1.0.0`], { home });
    assert.equal((await runChart(['push', `${b}/team/web:1.0.0`], { home })).exit, 0);
    const run = (...more: string[]) => mirror([`oci://${a}/team/web`, `oci://${b}/team`, ...more], { home });
    for (const args of [[], ['--check'], ['--dry-run']]) {
      const { exit, report, stderr } = await run(...args);
      assert.equal(exit, 1, args[0]);
      assert.match(stderr, /has drifted/);
      const drifted = report.charts.find(({ status }) => status === 'drifted');
      assert.deepEqual([drifted?.target, drifted?.digest === drifted?.wanted], [`${b}/team/web:1.0.0`, false]);
    }
    const over = await run('--overwrite');
    assert.equal(over.exit, 0, over.stderr);
    assert.equal((await run('--check')).exit, 0);
  });

  it('--dry-run copies nothing, --check says what is missing, and shards share the work', async (t) => {
    const { home, a, b } = await twoRegistries(t);
    const args = [`oci://${a}/team/*`, `oci://${b}/copy`, '--prerelease'];
    const plan = await mirror([...args, '--dry-run'], { home });
    assert.deepEqual([plan.exit, plan.report.summary.planned], [0, 4]);
    const check = await mirror([...args, '--check'], { home });
    assert.deepEqual([check.exit, check.report.summary.missing], [1, 4]);
    assert.match(check.stderr, /lacks 4 of 4 charts/);
    const shards = [];
    for (const shard of ['1/3', '2/3', '3/3']) {
      const { exit, report } = await mirror([...args, '--shard', shard], { home });
      assert.equal(exit, 0);
      shards.push(...report.charts.map(({ target }) => target));
    }
    assert.deepEqual([shards.length, new Set(shards).size], [4, 4]);
    assert.equal((await mirror([...args, '--check'], { home })).exit, 0);
    const { stdout } = await runChart(['mirror', ...args, '-q'], { home });
    assert.equal(stdout.trim().split('\n').length, 4);
  });

  it('what an image is is left out of a pattern, and refused by name', async (t) => {
    const { home, a, b } = await twoRegistries(t);
    const config = '{}';
    const { createHash } = await import('node:crypto');
    const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`;
    const upload = await fetch(`http://${a}/v2/team/image/blobs/uploads/?digest=${digest}`, {
      method: 'POST',
      body: config,
    });
    assert.equal(upload.status, 201);
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const blob = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: type, config: blob, layers: [] });
    const put = await fetch(`http://${a}/v2/team/image/manifests/1.0.0`, {
      method: 'PUT',
      body,
      headers: { 'content-type': type },
    });
    assert.equal(put.status, 201);
    const all = await mirror([`oci://${a}/team/*`, `oci://${b}/copy`], { home });
    assert.equal(all.exit, 0, all.stderr);
    assert.deepEqual(
      all.report.leftOut.map(({ name }) => name),
      ['image'],
    );
    const one = await mirror([`oci://${a}/team/image`, `oci://${b}/copy`], { home });
    assert.equal(one.exit, 1);
    assert.equal(one.report.charts[0]?.error?.code, 'ARTIFACT_NOT_A_CHART');
  });
});

describe('bundles', () => {
  it('are filled from a chart repository, added to, and mirrored from, digests kept', async (t) => {
    const home = temporaryDirectory(t);
    const { repository } = await startSample(t);
    const host = await startRegistry(t, join(home, 'registry'));
    const file = join(home, 'charts.tar');
    const check = await mirror([repository, file, '--check'], { home });
    assert.deepEqual([check.exit, check.report.summary.missing], [1, 3]);
    const first = await mirror([repository, file, '--include', 'web'], { home });
    assert.equal(first.exit, 0, first.stderr);
    const second = await mirror([repository, file, '--include', 'db'], { home });
    assert.deepEqual([second.exit, second.report.summary.copied], [0, 1], second.stderr);
    assert.equal((await mirror([repository, file, '--check'], { home })).exit, 0);
    const third = await mirror([repository, file], { home });
    assert.deepEqual([third.exit, third.report.summary.present], [0, 3]);
    assert.deepEqual(
      readdirSync(home).filter((name) => name.startsWith('charts')),
      ['charts.tar'],
    );
    const out = await mirror([file, `oci://${host}/inside`], { home });
    assert.equal(out.exit, 0, out.stderr);
    const digests = ({ charts }: Report): (string | undefined)[] => charts.map(({ digest }) => digest).sort();
    assert.deepEqual(digests(out.report), digests(third.report));
    await assertValidLayout(join(home, 'registry'));
  });
});

describe('dependencies', () => {
  it('come along over http and oci, with ranges resolved, each once, and circles end', async (t) => {
    const home = temporaryDirectory(t);
    const server = await startClassicServer(t);
    const host = await startRegistry(t, join(home, 'registry'));
    const target = await startRegistry(t, join(home, 'target'));
    const charts = await packCharts(home, [
      {
        name: 'top',
        version: '1.0.0',
        dependencies: [
          { name: 'left', version: '^1.0', repository: server.url, alias: 'one', condition: 'never.enabled' },
          { name: 'right', version: '~2.0', repository: `oci://${host}/deps` },
          { name: 'inside', version: '1.0.0', repository: 'file://../inside' },
          { name: 'vendored', version: '1.0.0', repository: '' },
        ],
      },
      { name: 'left', version: '1.0.0' },
      { name: 'left', version: '1.4.0', dependencies: [{ name: 'top', version: '>=1', repository: server.url }] },
      { name: 'left', version: '2.0.0' },
      { name: 'right', version: '2.0.5', dependencies: [{ name: 'left', version: '^1.0', repository: server.url }] },
      { name: 'right', version: '2.1.0' },
      { name: 'lost', version: '1.0.0', dependencies: [{ name: 'nobody', version: '1', repository: server.url }] },
      { name: 'named', version: '1.0.0', dependencies: [{ name: 'x', version: '1', repository: '@acme' }] },
    ]);
    server.put('/index.yaml', indexOf(charts.filter(({ name }) => name !== 'right')));
    for (const { file, bytes } of charts) server.put(`/${file}`, bytes);
    writeFileSync(join(home, 'index.yaml'), indexOf(charts.filter(({ name }) => name === 'right')));
    for (const { file, bytes } of charts) writeFileSync(join(home, file), bytes);
    await mirror([home, `oci://${host}/deps`], { home });
    const args = (name: string) => [server.url, `oci://${target}/all`, '--include', name, '--dependencies'];
    const { exit, stderr, report } = await mirror(args('top'), { home });
    assert.equal(exit, 0, stderr);
    assert.deepEqual(Object.keys(statuses(report)).sort(), [
      `${target}/all/left:1.4.0`,
      `${target}/all/right:2.0.5`,
      `${target}/all/top:1.0.0`,
    ]);
    const lost = await mirror(args('lost'), { home });
    assert.equal(lost.exit, 1);
    assert.match(lost.stderr, /nobody, which .* lost 1\.0\.0 depends on/);
    const named = await mirror(args('named'), { home });
    assert.match(named.stderr, /"@acme"/);
  });
});

describe('chart mirror', () => {
  it('init writes an example that is read as it is, and its schema', async (t) => {
    const home = temporaryDirectory(t);
    const first = await runChart(['mirror', 'init'], { home, cwd: home });
    assert.deepEqual([first.exit, first.stdout], [0, 'Wrote mirror.yaml\nWrote mirror.schema.json\n']);
    assert.match(
      readFileSync(join(home, 'mirror.yaml'), 'utf8'),
      /^# yaml-language-server: \$schema=\.\/mirror\.schema\.json\n/,
    );
    const shipped = readFileSync(join(PROJECT, 'schemas', 'mirror.schema.json'), 'utf8');
    assert.deepEqual(JSON.parse(readFileSync(join(home, 'mirror.schema.json'), 'utf8')), JSON.parse(shipped));
    const second = await runChart(['mirror', 'init'], { home, cwd: home });
    assert.equal(second.exit, 1);
    writeFileSync(join(home, 'mirror.yaml'), 'version: 1\ncharts:\n  - sorce: cache\n');
    const wrong = await runChart(['mirror', '-f', 'mirror.yaml'], { home, cwd: home });
    assert.equal(wrong.exit, 1);
    assert.match(wrong.stderr, /mirror\.yaml:3:5: unknown key "sorce"; did you mean "source"\?/);
  });

  it('tells of every kind of mistake in a file what the library tells, without what compiles schemas', async (t) => {
    const home = temporaryDirectory(t);
    const text = `version: 2
target: 5
mediaType: new
defaults: [3]
registries: {"a b": {password: x, usernameEnv: "9", username: "", plainHttp: 1}}
charts:
  - {sorce: x, limit: 1.5, include: [""], exclude: [], name: [a], version: 1.20, target: ""}
  - {source: cache, limit: 0, prerelease: no, referrers: "yes"}
`;
    writeFileSync(join(home, 'mirror.yaml'), text);
    const told = await runChart(['mirror', '-f', 'mirror.yaml'], { home, cwd: home });
    let lines: string[] = [];
    assert.throws(
      () => parseMirrorFile(text, 'mirror.yaml', home),
      ({ message }: Error) => {
        lines = message.split('\n');
        return lines.length === 20;
      },
    );
    assert.deepEqual(
      lines.filter((line) => !told.stderr.includes(`${line}\n`)),
      [],
    );
    const parts = readdirSync(join(PROJECT, 'dist', 'parts'));
    const withCompiler = parts.filter((part) =>
      readFileSync(join(PROJECT, 'dist', 'parts', part), 'utf8').includes('exclusiveMaximum'),
    );
    assert.deepEqual(withCompiler, []);
  });

  it('shows no password of an address, whatever is wrong with it', async (t) => {
    const home = temporaryDirectory(t);
    const addresses = [
      'http://me:secret@127.0.0.1:1/x',
      'http://127.0.0.1:1/x?token=secret',
      'oci://me:secret@h.lan/x',
    ];
    const sources = [...addresses, 'http://me:secret@a b/x'].map((source) => `  - source: "${source}"\n`);
    const file = join(home, 'mirror.yaml');
    writeFileSync(file, `version: 1\ntarget: cache\ncharts:\n${sources.join('')}`);
    const runs = [
      await runChart(['mirror', '-f', file], { home }),
      await runChart(['mirror', '-f', file, '-o', 'json'], { home }),
      await runChart(['mirror', 'ssh://me:secret@h.lan/x', 'cache'], { home }),
      await runChart(['mirror', 'cache', 'https://me:secret@h.lan/x'], { home }),
      await runChart(['mirror', 'cache', 'oci://me:secret@h.lan/x'], { home }),
    ];
    for (const { exit, stdout, stderr } of runs) {
      assert.equal(exit, 1);
      assert.match(stderr, /h\.lan|127\.0\.0\.1/);
      assert.ok(!`${stdout}${stderr}`.includes('secret'), `${stdout}${stderr}`);
    }
  });

  it('refuses what makes no sense', async (t) => {
    const home = temporaryDirectory(t);
    const cases: [string[], RegExp][] = [
      [[], /Usage/],
      [['cache'], /DST is missing: chart mirror cache/],
      [['nowhere/at/all', 'cache'], /is no source of charts/],
      [['cache', 'https://charts.example.com'], /is only read/],
      [['cache', 'oci://h.example.com/x', '--shard', '5/4'], /I\/N/],
      [['cache', 'oci://h.example.com/x', '--max-rate', 'fast'], /It is a size/],
      [['cache', 'oci://h.example.com/x', '--version', 'x.y.z.w'], /invalid version range/],
      [['oci://h.example.com/x@sha256:' + 'a'.repeat(64), 'cache'], /digest/],
    ];
    for (const [args, expected] of cases) {
      const { exit, stdout, stderr } = await runChart(['mirror', ...args], { home, cwd: home });
      assert.match(stdout + stderr, expected, args.join(' '));
      if (args.length > 0) assert.equal(exit, 1, args.join(' '));
    }
  });

  it('tells what is wrong from what is right beside it: names, versions, schemes', async (t) => {
    const home = temporaryDirectory(t);
    const { url } = await startClassicServer(t);
    writeFileSync(join(home, 'index.yaml'), indexOf(packed));
    const sources = [
      `{source: ., name: wep}`,
      `{source: ., name: web, version: ^7}`,
      `{source: ., name: db, version: 3.2.1}`,
      `{source: "${url.replace('http:', 'https:')}"}`,
    ];
    writeFileSync(join(home, 'm.yaml'), `version: 1\ntarget: cache:x\ncharts:\n  - ${sources.join('\n  - ')}\n`);
    const { exit, stderr } = await runChart(['mirror', '-f', 'm.yaml', '--dry-run'], { home, cwd: home });
    assert.equal(exit, 1);
    assert.match(stderr, /m\.yaml:4: .* has no chart that fits "wep"\nDid you mean web\?/);
    assert.match(stderr, /m\.yaml:5: .* web has no version that fits "\^7"\nThe nearest is 1\.1\.0\+build\.7\./);
    assert.match(stderr, /m\.yaml:7: .*server gave HTTP response to HTTPS client\n.*write http:\/\/ there/);
    assert.doesNotMatch(stderr, /m\.yaml:6/);
    const run = async (...args: string[]) => (await runChart(['mirror', ...args], { home, cwd: home })).stderr;
    assert.match(await run('-f', 'nowhere.yaml'), /cannot read the mirror file nowhere\.yaml: no such file\n/);
    assert.match(
      await run('registry.example.com/team/web', 'cache'),
      /it is written oci:\/\/registry\.example\.com\/team\/web/,
    );
  });

  it('two charts that would go to one place are not mixed up', async (t) => {
    const home = temporaryDirectory(t);
    writeFileSync(join(home, 'index.yaml'), indexOf(packed));
    for (const { file, bytes } of packed) writeFileSync(join(home, file), bytes);
    writeFileSync(
      join(home, 'm.yaml'),
      'version: 1\ntarget: cache:all\ncharts:\n  - {source: ., version: 1.0.0, name: web, target: "app:1"}\n  - {source: ., name: db, target: "app:1"}\n',
    );
    const { exit, report } = await mirror(['-f', 'm.yaml'], { home, cwd: home });
    assert.equal(exit, 1);
    assert.deepEqual([report.summary.copied, report.summary.failed], [1, 1]);
    assert.equal(report.charts.find(({ error }) => error)?.error?.code, 'MIRROR_CONFLICT');
  });
});
