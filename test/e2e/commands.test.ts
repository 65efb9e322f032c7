/** Every command as a user would call it, with what the recordings of Helm 3.6.3 do not have: many items, formats, files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import { PROJECT, REAL_CHARTS, temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunResult, runChart, startChart } from '../helpers/run.js';

interface Stage {
  readonly dir: string;
  readonly cache: string;
  chart(args: readonly string[], stdin?: string): Promise<RunResult>;
}

const PREFIX = 'registry.example.com/team';

function stage(t: TestContext): Stage {
  const dir = temporaryDirectory(t);
  const home = join(dir, 'home');
  mkdirSync(home);
  const cache = join(home, '.cache', 'helm', 'registry', 'cache');
  return { dir, cache, chart: (args, stdin) => runChart(args, { cwd: dir, home, stdin }) };
}

/** A small chart of its own; returns its directory. */
function writeChart(
  dir: string,
  name: string,
  { version = '0.1.0', files = {} as Record<string, string> } = {},
): string {
  const chart = join(dir, name);
  mkdirSync(join(chart, 'templates'), { recursive: true });
  writeFileSync(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: ${version}\n`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(chart, path, '..'), { recursive: true });
    writeFileSync(join(chart, path), text);
  }
  return chart;
}

function filesUnder(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.map((file) => [file.slice(directory.length + 1), readFileSync(file, 'base64')]));
}

function succeeded({ exit, stderr }: RunResult): void {
  assert.equal(stderr, '');
  assert.equal(exit, 0);
}

describe('chart save', () => {
  it('saves many charts under one prefix, and says so in the order of the arguments', async (t) => {
    const { chart, cache } = stage(t);
    const saved = await chart(['save', ...REAL_CHARTS, '--to', PREFIX, '-q']);
    succeeded(saved);
    const refs = saved.stdout.trim().split('\n');
    assert.deepEqual(
      refs.map((ref) => ref.replace(/:.*/, '')),
      ['webshop', 'ledgerdb', 'mailroom'].map((name) => `${PREFIX}/${name}`),
    );
    const listed = JSON.parse((await chart(['list', '-o', 'json'])).stdout);
    assert.deepEqual(
      listed.map(({ ref }: { ref: string }) => ref),
      [...refs].sort(),
    );
    await assertValidLayout(cache);
  });

  it('goes on after a chart that cannot be saved, and exits with 1', async (t) => {
    const { dir, chart, cache } = stage(t);
    writeChart(dir, 'a');
    mkdirSync(join(dir, 'empty'));
    writeChart(dir, 'b');
    const result = await chart(['save', 'a', 'empty', 'missing', 'b', '--to', PREFIX, '-o', 'json']);
    assert.equal(result.exit, 1);
    assert.match(result.stderr, /Error: empty: Chart\.yaml file is missing/);
    assert.match(result.stderr, /Error: stat .*missing: no such file or directory/);
    const items = JSON.parse(result.stdout);
    assert.deepEqual(
      items.map(({ status }: { status: string }) => status),
      ['saved', 'failed', 'failed', 'saved'],
    );
    assert.equal(items[1].error.code, 'CHART_INVALID');
    assert.equal(JSON.parse((await chart(['list', '-o', 'json'])).stdout).length, 2);
    await assertValidLayout(cache);
  });

  it('refuses two charts of one command that would have the same name, and keeps the first', async (t) => {
    const { dir, chart } = stage(t);
    writeChart(dir, 'a');
    const result = await chart(['save', 'a', './a', '--to', PREFIX]);
    assert.equal(result.exit, 1);
    assert.match(result.stderr, /has that name already/);
    assert.match(result.stdout, /^0\.1\.0: saved$/m);
  });

  it('reads paths and references from a file and from standard input', async (t) => {
    const { dir, chart } = stage(t);
    writeChart(dir, 'a');
    writeChart(dir, 'with space');
    writeFileSync(join(dir, 'charts.txt'), `# comment\n\na ${PREFIX}/one:1\r\nwith space ${PREFIX}/two:2\n`);
    assert.equal((await chart(['save', '-f', 'charts.txt', '-q'])).stdout, `${PREFIX}/one:1\n${PREFIX}/two:2\n`);
    assert.equal(
      (await chart(['save', '--to', 'other.example.com', '-f', '-', '-q'], 'a\n')).stdout,
      'other.example.com/a:0.1.0\n',
    );
  });

  it('writes the layer type that --media-type and CHART_MEDIA_TYPE name', async (t) => {
    const { dir, chart } = stage(t);
    writeChart(dir, 'a');
    await chart(['save', 'a', `${PREFIX}/a:old`]);
    await chart(['save', 'a', `${PREFIX}/a:new`, '--media-type', 'current']);
    const [old, current] = await Promise.all(
      ['old', 'new'].map(async (tag) => JSON.parse((await chart(['show', 'manifest', `${PREFIX}/a:${tag}`])).stdout)),
    );
    assert.equal(old.layers[0].mediaType, 'application/tar+gzip');
    assert.equal(current.layers[0].mediaType, 'application/vnd.cncf.helm.chart.content.v1.tar+gzip');
    assert.equal(old.layers[0].digest, current.layers[0].digest);
    const bad = await chart(['save', 'a', `${PREFIX}/a:x`, '--media-type', 'modern']);
    assert.equal(bad.exit, 1);
    assert.match(bad.stderr, /legacy, current/);
  });

  it('stores a packed chart byte for byte, with its provenance file, and gives both back', async (t) => {
    const { dir, chart, cache } = stage(t);
    writeChart(dir, 'a');
    await chart(['save', 'a', `${PREFIX}/a:1`]);
    succeeded(await chart(['export', `${PREFIX}/a:1`, '--tgz']));
    writeFileSync(join(dir, 'a-0.1.0.tgz.prov'), '-----BEGIN PGP SIGNED MESSAGE-----\nanything\n');
    succeeded(await chart(['save', 'a-0.1.0.tgz', `${PREFIX}/signed:1`]));
    succeeded(await chart(['export', `${PREFIX}/signed:1`, '--tgz', '-d', 'out']));
    for (const file of ['a-0.1.0.tgz', 'a-0.1.0.tgz.prov']) {
      assert.deepEqual(readFileSync(join(dir, 'out', file)), readFileSync(join(dir, file)));
    }
    const manifest = JSON.parse((await chart(['show', 'manifest', `${PREFIX}/signed:1`])).stdout);
    assert.deepEqual(
      manifest.layers.map(({ mediaType }: { mediaType: string }) => mediaType),
      ['application/tar+gzip', 'application/vnd.cncf.helm.chart.provenance.v1.prov'],
    );
    await assertValidLayout(cache);
  });
});

describe('chart list', () => {
  it('filters by pattern and by part of the reference', async (t) => {
    const { dir, chart } = stage(t);
    writeChart(dir, 'a');
    for (const ref of ['one.example.com/x/a:1', 'one.example.com/y/a:2', 'two.example.com/x/a:1'])
      await chart(['save', 'a', ref]);
    const list = async (pattern: string): Promise<string[]> =>
      (await chart(['list', '-q', pattern])).stdout.trim().split('\n');
    assert.deepEqual(await list('one.example.com/*'), ['one.example.com/x/a:1', 'one.example.com/y/a:2']);
    assert.deepEqual(await list('*/x/a:?'), ['one.example.com/x/a:1', 'two.example.com/x/a:1']);
    assert.deepEqual(await list('/x/'), ['one.example.com/x/a:1', 'two.example.com/x/a:1']);
    assert.deepEqual(await list('x/*'), ['']);
  });

  it('gives names, sizes and times as JSON and YAML', async (t) => {
    const { dir, chart } = stage(t);
    writeChart(dir, 'a', { version: '"1.0.0"' });
    await chart(['save', 'a', `${PREFIX}/a`]);
    const [item] = JSON.parse((await chart(['list', '-o', 'json'])).stdout);
    assert.deepEqual(
      { ref: item.ref, name: item.name, version: item.version },
      { ref: `${PREFIX}/a:1.0.0`, name: 'a', version: '1.0.0' },
    );
    assert.match(item.digest, /^sha256:[0-9a-f]{64}$/);
    assert.ok(item.size > 0 && Math.abs(Date.now() - Date.parse(item.created)) < 60_000);
    assert.match(
      (await chart(['list', '-o', 'yaml'])).stdout,
      /^- ref: registry\.example\.com\/team\/a:1\.0\.0\n {2}name: a\n/,
    );
  });

  it('lists the rest where entries are broken, and says which it left out', async (t) => {
    const { dir, chart, cache } = stage(t);
    writeChart(dir, 'a');
    writeChart(dir, 'b', { files: { 'values.yaml': 'x: 1\n' } });
    await chart(['save', 'a', 'b', '--to', PREFIX]);
    const index = JSON.parse(readFileSync(join(cache, 'index.json'), 'utf8'));
    // Charts are packed several at a time: which is first in index.json is open.
    index.manifests.sort(
      (x: object, y: object) =>
        (JSON.stringify(x).includes('/a:') ? -1 : 1) - (JSON.stringify(y).includes('/a:') ? -1 : 1),
    );
    index.manifests[0].digest = 'sha256:nonsense';
    index.manifests.push({ mediaType: 'x' }, 'garbage', null, {
      ...index.manifests[1],
      annotations: { 'org.opencontainers.image.ref.name': 'Weird NAME:::' },
    });
    writeFileSync(join(cache, 'index.json'), JSON.stringify(index));
    const { stdout, stderr, exit } = await chart(['list', '-q']);
    assert.equal(exit, 0);
    assert.deepEqual(stdout.trim().split('\n'), ['Weird NAME:::', `${PREFIX}/b:0.1.0`]);
    assert.match(stderr, /Warning: left out registry\.example\.com\/team\/a:0\.1\.0: /);
    assert.equal((await chart(['remove', 'Weird NAME:::', `${PREFIX}/a:0.1.0`])).exit, 0);
    assert.equal((await chart(['list', '-q'])).stdout, `${PREFIX}/b:0.1.0\n`);
  });

  it('GHSA-c38g-469g-cmgx: lets no control character of a chart reach the terminal', async (t) => {
    const { dir, chart, cache } = stage(t);
    writeChart(dir, 'a');
    await chart(['save', 'a', `${PREFIX}/a:1`]);
    const index = readFileSync(join(cache, 'index.json'), 'utf8');
    writeFileSync(join(cache, 'index.json'), index.replace(`${PREFIX}/a:1`, `${PREFIX}/\\u001b[31ma\\u009b\\u202e:1`));
    for (const args of [
      ['list'],
      ['list', '-q'],
      ['list', '-o', 'json'],
      ['list', '-o', 'yaml'],
      ['remove', 'x\u001b[31m'],
    ]) {
      const { stdout, stderr } = await chart(args);
      assert.doesNotMatch(stdout + stderr, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });
});

describe('chart export', () => {
  it('gives every real chart back as it was', async (t) => {
    const { dir, chart } = stage(t);
    const refs = (await chart(['save', ...REAL_CHARTS, '--to', PREFIX, '-q'])).stdout.trim().split('\n');
    succeeded(await chart(['export', ...refs, '-d', 'out']));
    for (const source of REAL_CHARTS) {
      assert.deepEqual(filesUnder(join(dir, 'out', source.split(/[\\/]/).at(-1) as string)), filesUnder(source));
    }
  });

  it('refuses two charts that would go into one directory', async (t) => {
    const { dir, chart } = stage(t);
    writeChart(dir, 'a');
    await chart(['save', 'a', `${PREFIX}/a:1`]);
    await chart(['tag', `${PREFIX}/a:1`, `${PREFIX}/a:2`]);
    const result = await chart(['export', `${PREFIX}/a:1`, `${PREFIX}/a:2`, '-d', 'out']);
    assert.equal(result.exit, 1);
    assert.match(result.stderr, /goes there\n.*--tgz/);
    assert.equal(existsSync(join(dir, 'out')), false);
    const dst = await chart(['tag', `${PREFIX}/a:1`, 'stable']);
    assert.deepEqual([dst.exit, dst.stderr.includes(`chart tag ${PREFIX}/a:1 ${PREFIX}/a:stable`)], [0, true]);
    const { stderr } = await chart(['push', '-f', '-'], '# nothing\n');
    assert.match(stderr, /^Warning: no references on standard input\n$/);
  });
});

describe('damage and left-overs', () => {
  it('exports and shows nothing of a layer that was replaced by another of the same size', async (t) => {
    const { dir, chart, cache } = stage(t);
    const sizes: number[] = [];
    for (const tag of ['good', 'evil']) {
      writeChart(dir, 'a', { files: { 'values.yaml': `v: ${tag === 'good' ? 1 : 2}\n` } });
      const [{ size }] = JSON.parse((await chart(['save', 'a', `${PREFIX}/a:${tag}`, '-o', 'json'])).stdout);
      sizes.push(size);
    }
    assert.equal(sizes[0], sizes[1], 'both must have one size for this test');
    const [good, evil] = await Promise.all(
      ['good', 'evil'].map(async (tag) => {
        const { layers } = JSON.parse((await chart(['show', 'manifest', `${PREFIX}/a:${tag}`])).stdout);
        return join(cache, 'blobs', 'sha256', layers[0].digest.slice(7));
      }),
    );
    rmSync(join(dir, 'a'), { recursive: true });
    rmSync(good as string);
    copyFileSync(evil as string, good as string);
    for (const args of [
      ['export', `${PREFIX}/a:good`],
      ['export', `${PREFIX}/a:good`, '--tgz'],
      ['show', 'values', `${PREFIX}/a:good`],
    ]) {
      const { exit, stdout, stderr } = await chart(args);
      assert.equal(exit, 1, args.join(' '));
      assert.match(stderr, /is damaged in the cache/);
      assert.doesNotMatch(stdout, /v: 2/);
    }
    assert.deepEqual(readdirSync(dir), ['home']);
  });

  it('refuses a layer that promises more than any chart may have, before its first byte', async (t) => {
    const { chart } = stage(t);
    const digest = `sha256:${'a'.repeat(64)}`;
    const manifest = JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest, size: 2 },
      layers: [{ mediaType: 'application/tar+gzip', digest, size: 2e12 }],
    });
    const asked: string[] = [];
    const server = createServer(({ url = '', method }, response) => {
      asked.push(url);
      const headers = {
        'Content-Type': 'application/vnd.oci.image.manifest.v1+json',
        'Docker-Content-Digest': digestOf(Buffer.from(manifest)),
        'Content-Length': Buffer.byteLength(manifest),
      };
      response.writeHead(200, headers).end(method === 'HEAD' ? undefined : manifest);
    });
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { exit, stderr } = await chart(['pull', `127.0.0.1:${port}/a:1`]);
    assert.equal(exit, 1);
    assert.match(stderr, /has a blob of 2000000000000 bytes; at most \d+ are taken/);
    assert.deepEqual(
      asked.filter((url) => url.includes('/blobs/')),
      [],
    );
  });

  it('takes away a provenance file that would be taken for that of the new archive', async (t) => {
    const { dir, chart } = stage(t);
    writeChart(dir, 'a');
    await chart(['save', 'a', `${PREFIX}/a:1`]);
    writeFileSync(join(dir, 'a-0.1.0.tgz.prov'), 'of another archive');
    succeeded(await chart(['export', `${PREFIX}/a:1`, '--tgz']));
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.startsWith('a-')),
      ['a-0.1.0.tgz'],
    );
  });

  it('ends with an error, and no stack, where standard output takes no more', {
    skip: !existsSync('/dev/full') && 'no /dev/full',
  }, async (t) => {
    const { dir } = stage(t);
    for (const args of ['list', '--help', '--version']) {
      const { status, stderr } = spawnSync(process.execPath, [join(PROJECT, 'bin', 'chart.js'), args], {
        env: { HOME: dir },
        stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
        encoding: 'utf8',
      });
      assert.equal(status, 1, args);
      assert.doesNotMatch(stderr, /\n\s+at /);
    }
  });

  it('stops waiting for the lock at Ctrl-C, and changes nothing then', {
    skip: process.platform === 'win32' && 'no signals',
  }, async (t) => {
    const { dir, chart, cache } = stage(t);
    writeChart(dir, 'a');
    await chart(['save', 'a', `${PREFIX}/a:1`]);
    // A lock that nobody on this machine holds is waited for until it has been silent for some seconds.
    const lock = join(cache, 'index.json.lock');
    mkdirSync(lock);
    writeFileSync(join(lock, 'ffffffffffff-4711-0123456789abcdef-elsewhere'), '');
    const before = readFileSync(join(cache, 'index.json'), 'utf8');
    const waiting = startChart(['tag', `${PREFIX}/a:1`, `${PREFIX}/a:2`], { cwd: dir, home: join(dir, 'home') });
    await waiting.waitFor(/Waiting for process 4711 on elsewhere/, 'stderr');
    const { exit } = await waiting.stop('SIGINT');
    assert.equal(exit, 130);
    assert.equal(readFileSync(join(cache, 'index.json'), 'utf8'), before);
  });
});

describe('chart remove, tag and prune', () => {
  it('removes what it can, names what it cannot, and leaves blobs to prune', async (t) => {
    const { dir, chart, cache } = stage(t);
    writeChart(dir, 'a');
    writeChart(dir, 'b', { files: { 'values.yaml': 'b: 1\n' } });
    await chart(['save', 'a', 'b', '--to', PREFIX]);
    const removed = await chart(['rm', `${PREFIX}/nope:1`, `oci://${PREFIX}/a:0.1.0`]);
    assert.equal(removed.exit, 1);
    assert.match(removed.stderr, /Chart not found: registry\.example\.com\/team\/nope:1/);
    assert.equal(removed.stdout, '0.1.0: removed\n');
    const blobs = (): number => readdirSync(join(cache, 'blobs', 'sha256')).length;
    assert.equal(blobs(), 6);
    assert.match((await chart(['prune', '--dry-run'])).stdout, /would be deleted[\s\S]*Would free 3 blobs/);
    assert.equal(blobs(), 6);
    assert.match((await chart(['prune'])).stdout, /Freed 3 blobs/);
    assert.equal(blobs(), 3);
    assert.equal((await chart(['prune'])).stdout, 'Freed 0 blobs, 0 B\n');
    await assertValidLayout(cache);
  });

  it('gives a chart a second name, with the tag of the first where it has none', async (t) => {
    const { dir, chart, cache } = stage(t);
    writeChart(dir, 'a');
    await chart(['save', 'a', `${PREFIX}/a:1.0`]);
    const tagged = await chart(['tag', `${PREFIX}/a:1.0`, 'localhost:5000/mirror/a']);
    succeeded(tagged);
    assert.match(tagged.stdout, /^ref: {5}localhost:5000\/mirror\/a:1\.0\n[\s\S]*1\.0: tagged\n$/);
    assert.equal((await chart(['tag', `${PREFIX}/a:9`, 'x.io/b'])).exit, 1);
    assert.equal((await chart(['list', '-q'])).stdout, `localhost:5000/mirror/a:1.0\n${PREFIX}/a:1.0\n`);
    await assertValidLayout(cache);
  });
});

describe('chart show', () => {
  it('prints files as they are in the chart, and all of them parted by ---', async (t) => {
    const { dir, chart } = stage(t);
    const values = '# kept\nb: 2\na: 1\n';
    writeChart(dir, 'a', {
      files: {
        'values.yaml': values,
        'README.md': 'Read me',
        'crds/x.yaml': 'kind: X\n',
        'charts/k/Chart.yaml': 'apiVersion: v2\nname: k\nversion: 1.0.0\n',
        'charts/k/crds/y.yaml': 'kind: Y\n',
      },
    });
    await chart(['save', 'a', `${PREFIX}/a:1`]);
    const show = async (part: string): Promise<string> => (await chart(['show', part, `${PREFIX}/a:1`])).stdout;
    assert.equal(await show('values'), values);
    assert.equal(await show('readme'), 'Read me\n');
    assert.equal(await show('crds'), 'kind: Y\n---\nkind: X\n');
    assert.equal(
      await show('all'),
      `apiVersion: v2\nname: a\nversion: 0.1.0\n---\n${values}---\nRead me\n---\nkind: Y\n---\nkind: X\n`,
    );
    assert.equal((await chart(['show', 'nonsense', `${PREFIX}/a:1`])).exit, 1);
  });
});

describe('chart serve with push and pull', () => {
  it('does the main job against the embedded registry', async (t) => {
    const { dir, chart, cache } = stage(t);
    const storage = join(dir, 'registry');
    const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', storage]);
    t.after(() => server.stop());
    const [, host] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
    const refs = (await chart(['save', ...REAL_CHARTS, '--to', `${host}/demo`, '-q'])).stdout.trim().split('\n');
    const before = JSON.parse((await chart(['list', '-o', 'json'])).stdout);

    const pushed = JSON.parse((await chart(['push', ...refs, '-o', 'json'])).stdout);
    assert.ok(
      pushed.every(
        ({ status, sentBytes }: { status: string; sentBytes: number }) => status === 'pushed' && sentBytes > 0,
      ),
    );
    const again = JSON.parse((await chart(['push', ...refs, '-o', 'json'])).stdout);
    assert.deepEqual(
      again.map(({ sentBytes }: { sentBytes: number }) => sentBytes),
      [0, 0, 0],
    );

    succeeded(await chart(['remove', ...refs]));
    succeeded(await chart(['prune']));
    const pulled = JSON.parse((await chart(['pull', ...refs, '-o', 'json'])).stdout);
    assert.ok(pulled.every(({ status }: { status: string }) => status === 'downloaded'));
    const current = JSON.parse((await chart(['pull', ...refs, '-o', 'json'])).stdout);
    assert.ok(
      current.every(
        ({ status, receivedBytes }: { status: string; receivedBytes: number }) =>
          status === 'current' && receivedBytes === 0,
      ),
    );
    const digests = (items: { ref: string; digest: string }[]): string[] =>
      items.map(({ ref, digest }) => `${ref} ${digest}`);
    assert.deepEqual(digests(JSON.parse((await chart(['list', '-o', 'json'])).stdout)), digests(before));

    const byDigest = `${(refs[0] as string).replace(/:[^:/]*$/, '')}@${pulled[0].digest}`;
    succeeded(await chart(['pull', byDigest]));
    assert.ok((await chart(['list', '-q'])).stdout.includes(byDigest));
    await assertValidLayout(cache);
    await assertValidLayout(storage);
    assert.equal((await server.stop()).exit, 0);
  });

  it('mends a damaged layer by a pull of the same chart', async (t) => {
    const { dir, chart, cache } = stage(t);
    const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', join(dir, 'registry')]);
    t.after(() => server.stop());
    const [, host] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
    writeChart(dir, 'a');
    await chart(['save', 'a', `${host}/a:1`]);
    await chart(['push', `${host}/a:1`]);
    const { layers } = JSON.parse((await chart(['show', 'manifest', `${host}/a:1`])).stdout);
    const layer = join(cache, 'blobs', 'sha256', layers[0].digest.slice(7));
    const { size } = statSync(layer);
    const damaged = readFileSync(layer);
    damaged[size - 20] = (damaged[size - 20] as number) ^ 0xff;
    const { chmodSync } = await import('node:fs');
    chmodSync(layer, 0o644);
    writeFileSync(layer, damaged);
    assert.equal((await chart(['export', `${host}/a:1`])).exit, 1);
    const pulled = await chart(['pull', `${host}/a:1`]);
    assert.match(pulled.stdout, /Downloaded newer chart/);
    assert.equal((await chart(['export', `${host}/a:1`])).exit, 0);
    await assertValidLayout(cache);
  });

  it('is read-only unless told otherwise', async (t) => {
    const { dir, chart } = stage(t);
    const server = startChart(['serve', '--addr', '127.0.0.1:0', '--cache-dir', join(dir, 'registry')]);
    t.after(() => server.stop());
    const [, host] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
    writeChart(dir, 'a');
    await chart(['save', 'a', `${host}/a:1`]);
    const pushed = await chart(['push', `${host}/a:1`]);
    assert.equal(pushed.exit, 1);
    assert.match(pushed.stderr, /read-only/);
  });
});

describe('credentials on the command line', () => {
  it('go to one registry only', async (t) => {
    const { dir, chart } = stage(t);
    const asked: string[] = [];
    const hosts = await Promise.all(
      [0, 1].map(async (number) => {
        const server = createServer((request, response) => {
          asked.push(`${number} ${request.headers.authorization ?? 'anonymous'}`);
          response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
        });
        t.after(() => server.close());
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        return `127.0.0.1:${(server.address() as AddressInfo).port}`;
      }),
    );
    writeChart(dir, 'a');
    for (const host of hosts) await chart(['save', 'a', `${host}/a:1`]);
    const { stderr, exit } = await chart(
      ['push', ...hosts.map((host) => `${host}/a:1`), '-u', 'me', '--password-stdin'],
      'secret',
    );
    assert.equal(exit, 1);
    assert.match(stderr, /are for one registry, not for/);
    const [first] = asked as [string];
    assert.ok(asked.every((line) => line[0] === first[0]));
  });
});

describe('wrong usage', () => {
  const cases: [args: string[], words: RegExp][] = [
    [['lsit'], /unknown command 'lsit'\n\(Did you mean list\?\)/],
    [['save', 'a'], /"chart save" requires at least 2 arguments/],
    [['save', 'a', 'b', 'c'], /takes one path, and 3 arguments were given/],
    [['push'], /"chart push" requires at least 1 argument/],
    [['pull', 'registry.example.com/x'], /tag explicitly required/],
    [['pull', 'x:1'], /x:1 names no registry/],
    [['list', '-o', 'xml'], /Allowed choices are table, json, yaml/],
    [['serve', '--addr', 'nonsense'], /is not HOST:PORT/],
    [['export', '-f', 'nowhere.txt'], /cannot read nowhere\.txt/],
    [['push', '-u', 'me', 'registry.example.com/x:1'], /belong together/],
    [['registry', 'logout', 'nowhere.example.com'], /Error: not logged in/],
  ];
  for (const [args, words] of cases) {
    it(`chart ${args.join(' ')}: says what is wrong and exits with 1`, async (t) => {
      const { chart } = stage(t);
      const { exit, stdout, stderr } = await chart(args);
      assert.equal(exit, 1);
      assert.equal(stdout, '');
      assert.match(stderr, words);
    });
  }

  it('shows help with an example for every command', async (t) => {
    const { chart } = stage(t);
    const { stdout } = await chart(['--help']);
    const names = [...stdout.matchAll(/^ {2}([a-z]+)(?:\|[a-z]+)? {2,}/gm)].map(([, name]) => name as string);
    for (const path of [
      ...names.filter((name) => !['help', 'registry'].includes(name)).map((name) => [name]),
      ['registry', 'login'],
      ['registry', 'logout'],
    ]) {
      const help = await chart([...path, '--help']);
      succeeded(help);
      assert.match(help.stdout, /Examples?:\n {2}chart /, path.join(' '));
    }
  });
});
