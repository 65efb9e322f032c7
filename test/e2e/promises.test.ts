/** What the README promises of the whole program: nothing lost, the same digest always, little memory, other tools at ease. */
import assert from 'node:assert/strict';
import { createHash, randomFillSync } from 'node:crypto';
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { requireTools, startDockerRegistry } from '../helpers/docker-registry.js';
import { REAL_CHARTS, temporaryDirectory, unpackCharts } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, runProgram, startChart } from '../helpers/run.js';

const CACHE = join('.cache', 'helm', 'registry', 'cache');
const PREFIX = 'registry.example.com/team';

describe('many at once', () => {
  it('keeps every chart that 50 processes save at the same time', async (t) => {
    const home = temporaryDirectory(t);
    const names = Array.from({ length: 50 }, (_, i) => `chart${i}`);
    for (const name of names) {
      mkdirSync(join(home, name));
      writeFileSync(join(home, name, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
    }
    const results = await Promise.all(
      names.map((name) => runChart(['save', name, `${PREFIX}/${name}`], { home, timeout: 120_000 })),
    );
    assert.deepEqual(
      results.filter(({ exit }) => exit !== 0),
      [],
    );
    const { stdout } = await runChart(['list', '-q'], { home });
    assert.deepEqual(stdout.trim().split('\n').sort(), names.map((name) => `${PREFIX}/${name}:1.0.0`).sort());
    await assertValidLayout(join(home, CACHE));
  });
});

describe('the same digest', () => {
  it('comes of a copy with other times, made in another order', async (t) => {
    const home = temporaryDirectory(t);
    const charts = join(home, 'charts');
    mkdirSync(charts);
    await unpackCharts(home);
    const source = join(home, 'charts', 'fullhouse');
    const copy = join(home, 'elsewhere', 'copy');
    const names = readdirSync(source).reverse();
    mkdirSync(copy, { recursive: true });
    for (const name of names) cpSync(join(source, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
    for (const name of readdirSync(copy)) utimesSync(join(copy, name), new Date(1e12), new Date(1e12));
    const digests = await Promise.all(
      [source, copy].map(async (path, i) => {
        const { stdout } = await runChart(['save', path, `${PREFIX}/c:${i}`, '-o', 'json'], {
          home: join(home, `${i}`),
          cwd: home,
        });
        return JSON.parse(stdout)[0].digest;
      }),
    );
    assert.equal(digests[0], digests[1]);
  });

  it('is the one that it was with every version, on every machine', async (t) => {
    const home = temporaryDirectory(t);
    const { stdout } = await runChart(['save', ...REAL_CHARTS, '--to', PREFIX, '-o', 'json'], { home });
    const digests = JSON.parse(stdout).map(({ name, digest }: { name: string; digest: string }) => `${name} ${digest}`);
    // On Windows there is no execute bit, which one of these charts needs.
    if (process.platform === 'win32') return;
    assert.deepEqual(digests, DIGESTS);
  });
});

const DIGESTS: readonly string[] = [
  'webshop sha256:0e4e7b909d33297b0c8752e3f2cfb0f4ebcefaa67dd6d05194cacce7b2cf7e0a',
  'ledgerdb sha256:3fd38f3f1f7e1b93ac50f1c2ef91a000933e1e56741e8560955d2ddbeaeaf845',
  'mailroom sha256:0730735ec5a208b094dfcc2bf2f7021f473ebc5e374d59964e5288d2cd10b428',
];

describe('memory', () => {
  const MIB = 1024 * 1024;
  // CHART_TEST_SOAK=4 makes it 1 GiB.
  const SIZE = 256 * Math.min(4, Math.max(1, Number(process.env.CHART_TEST_SOAK) || 1));

  it(`does not grow with the chart: ${SIZE} MiB through save, push, pull, export and verify`, async (t) => {
    const home = temporaryDirectory(t);
    const chart = join(home, 'big');
    mkdirSync(chart);
    writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: big\nversion: 1.0.0\n');
    const file = openSync(join(chart, 'big.bin'), 'w');
    const hash = createHash('sha256');
    for (let i = 0; i < SIZE; i++) {
      const block = randomFillSync(Buffer.alloc(MIB));
      hash.update(block);
      writeSync(file, block);
    }
    closeSync(file);
    const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', join(home, 'registry')]);
    t.after(() => server.stop());
    const [, host] = await server.waitFor(/^Listening on http:\/\/(\S+)$/m);
    const ref = `${host}/big:1.0.0`;
    const script = "process.on('exit', () => process.stderr.write('PEAK ' + process.resourceUsage().maxRSS))";
    const report = `data:text/javascript,${encodeURIComponent(script)}`;
    for (const args of [
      ['save', chart, ref],
      ['push', ref],
      ['remove', ref],
      ['prune'],
      ['pull', ref],
      ['export', ref, '-d', 'out'],
      ['verify'],
    ]) {
      const { exit, stderr } = await runChart(args, {
        home,
        env: { NODE_OPTIONS: `--import=${report}` },
        timeout: 600_000,
      });
      assert.equal(exit, 0, stderr);
      const peak = Number(/PEAK (\d+)/.exec(stderr)?.[1]) * 1024;
      assert.ok(peak > 0 && peak < 200 * MIB, `${args[0]}: ${Math.round(peak / MIB)} MiB`);
    }
    const exported = createHash('sha256')
      .update(readFileSync(join(home, 'out', 'big', 'big.bin')))
      .digest('hex');
    assert.equal(exported, hash.digest('hex'));
  });
});

describe('other tools', () => {
  const skip = requireTools('docker-registry', 'skopeo');

  it('skopeo copies what chart pushed to Distribution, chart pulls what skopeo copied, byte for byte', {
    skip,
  }, async (t) => {
    const home = temporaryDirectory(t);
    const registry = await startDockerRegistry();
    t.after(() => registry.stop());
    const saved = JSON.parse(
      (await runChart(['save', ...REAL_CHARTS, '--to', `${registry.host}/a`, '-o', 'json'], { home })).stdout,
    );
    const refs: string[] = saved.map(({ ref }: { ref: string }) => ref);
    const pushed = await runChart(['push', ...refs], { home });
    assert.equal(pushed.exit, 0, pushed.stderr);
    const policy = ['--insecure-policy', 'copy', '--src-tls-verify=false', '--dest-tls-verify=false'];
    const moved = refs.map((ref) => ref.replace('/a/', '/b/'));
    for (const [i, ref] of refs.entries()) {
      const [from, to] = [ref, moved[i] as string].map((name) => `docker://${name.replace('+', '_')}`) as [
        string,
        string,
      ];
      const { exit, stderr } = await runProgram(['skopeo', ...policy, from, to], { home });
      assert.equal(exit, 0, stderr);
    }
    const pulled = await runChart(['pull', ...moved, '-o', 'json'], { home: join(home, 'other'), cwd: home });
    assert.equal(pulled.exit, 0, pulled.stderr);
    assert.deepEqual(
      JSON.parse(pulled.stdout).map(({ digest }: { digest: string }) => digest),
      saved.map(({ digest }: { digest: string }) => digest),
    );
    await assertValidLayout(join(home, 'other', CACHE));
  });
});
