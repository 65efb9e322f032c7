/** chart verify as a user runs it: damage of every kind, what is said of it, and what a repair makes of it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunResult, runChart, startChart } from '../helpers/run.js';

const skip = process.platform === 'win32' ? 'neither links nor FIFOs nor modes here' : false;

interface Stage {
  readonly dir: string;
  readonly cache: string;
  chart(...args: string[]): Promise<RunResult>;
  /** The path of a part of a chart that was saved. */
  blob(ref: string, part: 'manifest' | 'config' | 'layer'): string;
}

function stage(t: TestContext): Stage {
  const dir = temporaryDirectory(t);
  const cache = join(dir, 'cache');
  for (const name of ['app', 'web']) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
  }
  const pathOf = (digest: string): string => join(cache, 'blobs', ...digest.split(':'));
  return {
    dir,
    cache,
    chart: (...args) => runChart([...args, '--cache-dir', cache], { cwd: dir, home: dir }),
    blob(ref, part) {
      const { manifests } = JSON.parse(readFileSync(join(cache, 'index.json'), 'utf8'));
      const entry = manifests.find(({ annotations }: { annotations: object }) =>
        Object.values(annotations).includes(ref),
      );
      if (part === 'manifest') return pathOf(entry.digest);
      const { config, layers } = JSON.parse(readFileSync(pathOf(entry.digest), 'utf8'));
      return pathOf((part === 'config' ? config : layers[0]).digest);
    },
  };
}

function damage(path: string): void {
  chmodSync(path, 0o644);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 4;
  writeFileSync(path, bytes);
  chmodSync(path, 0o444);
}

async function faultsOf({ chart }: Stage, ...args: string[]): Promise<{ kinds: string[]; exit: number | null }> {
  const { stdout, exit } = await chart('verify', '-o', 'json', ...args);
  return { kinds: JSON.parse(stdout).faults.map(({ kind }: { kind: string }) => kind), exit };
}

/** @returns `127.0.0.1:PORT` of a registry of this program */
async function serve(t: TestContext, dir: string): Promise<string> {
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', join(dir, 'registry')]);
  t.after(() => server.stop());
  const [, host] = await server.waitFor(/Listening on http:\/\/(\S+)/);
  return host as string;
}

describe('chart verify', () => {
  it('finds nothing wrong with a cache that is empty or full, and fails where one was chosen that is not there', async (t) => {
    const { chart, cache } = stage(t);
    const absent = await chart('verify');
    assert.deepEqual([absent.stdout, absent.exit], ['', 1]);
    assert.match(absent.stderr, /^Error: there is no cache at /);
    mkdirSync(cache);
    const empty = await chart('verify');
    assert.deepEqual(
      [empty.stdout, empty.stderr, empty.exit],
      ['Checked 0 references, 0 blobs, 0 B: no faults\n', '', 0],
    );
    await chart('save', 'app', 'web', '--to', 'r.example.com/t');
    const full = await chart('verify');
    assert.match(full.stdout, /^Checked 2 references, 6 blobs, [\d.]+ K?i?B: no faults\n$/);
    assert.deepEqual([full.stderr, full.exit], ['', 0]);
    await chart('remove', 'r.example.com/t/app:1.0.0');
    const loose = await chart('verify');
    assert.match(
      loose.stdout,
      /^Note: 3 blobs are reached by no reference; chart prune deletes them\nChecked 1 reference/,
    );
    assert.equal(loose.exit, 0);
  });

  it('says of each fault where it is, which references suffer, and what to do', async (t) => {
    const { chart, cache, blob } = stage(t);
    await chart('save', 'app', 'web', '--to', 'r.example.com/t');
    await chart('tag', 'r.example.com/t/app:1.0.0', 'r.example.com/t/app:latest');
    const layer = blob('r.example.com/t/app:1.0.0', 'layer');
    damage(layer);
    const { stdout, stderr, exit } = await chart('verify');
    const lines = stdout.split('\n');
    assert.match(lines[0] as string, new RegExp(`^${layer.slice(cache.length + 1)}: damaged: sha256:`));
    assert.deepEqual(lines.slice(1, 3), ['  of r.example.com/t/app:1.0.0', '  of r.example.com/t/app:latest']);
    assert.match(lines[3] as string, /Save or pull one of them again, or run "chart verify --repair"/);
    assert.match(stderr, /^Error: 1 fault in the cache .*\n.*--repair/);
    assert.equal(exit, 1);
    const quiet = await chart('verify', '-q');
    assert.equal(quiet.stdout, 'r.example.com/t/app:1.0.0\nr.example.com/t/app:latest\n');
    const yaml = await chart('verify', '-o', 'yaml');
    assert.match(yaml.stdout, /kind: content/);
    assert.equal((await chart('verify', 'r.example.com/t/web:1.0.0')).exit, 0);
    assert.equal((await chart('verify', 'r.example.com/t/app:latest')).exit, 1);
  });

  it('is told by a save that it has nothing more to find', async (t) => {
    const own = stage(t);
    await own.chart('save', 'app', 'r.example.com/t/app');
    for (const part of ['config', 'layer', 'manifest'] as const) {
      const path = own.blob('r.example.com/t/app:1.0.0', part);
      damage(path);
      assert.equal((await faultsOf(own)).exit, 1, part);
      await own.chart('save', 'app', 'r.example.com/t/app');
      assert.deepEqual(await faultsOf(own), { kinds: [], exit: 0 });
    }
  });

  it('fails for a reference that is not here, and checks the others', async (t) => {
    const { chart } = stage(t);
    await chart('save', 'app', 'r.example.com/t/app');
    const { stdout, stderr, exit } = await chart('verify', 'r.example.com/t/app:1.0.0', 'r.example.com/t/none:1');
    assert.match(stdout, /^Checked 1 reference, 3 blobs/);
    assert.match(stderr, /^Error: Chart not found: r\.example\.com\/t\/none:1\n/);
    assert.equal(exit, 1);
    const json = JSON.parse((await chart('verify', 'r.example.com/t/none:1', '-o', 'json')).stdout);
    assert.equal(json.unknown[0].error.code, 'CHART_NOT_FOUND');
  });

  it('finds what lies in place of a blob, and puts the blob back where that loses nothing', { skip }, async (t) => {
    const own = stage(t);
    const { chart, cache, blob, dir } = own;
    await chart('save', 'app', 'web', '--to', 'r.example.com/t');
    const layer = blob('r.example.com/t/app:1.0.0', 'layer');
    const bytes = readFileSync(layer);
    const elsewhere = join(dir, 'elsewhere');
    renameSync(layer, elsewhere);
    symlinkSync(elsewhere, layer);
    assert.deepEqual(await faultsOf(own), { kinds: ['misplaced'], exit: 1 });
    const linked = await chart('verify', '--repair');
    assert.match(linked.stdout, /^Repaired blobs\/sha256\/[0-9a-f]{64}: it is no file, but a symbolic link\nChecked/);
    assert.equal(linked.exit, 0);
    assert.equal(statSync(layer).isFile() && !readFileSync(layer).compare(bytes), true);

    const config = blob('r.example.com/t/app:1.0.0', 'config');
    rmSync(config);
    execFileSync('mkfifo', [config]);
    assert.deepEqual(await faultsOf(own), { kinds: ['misplaced'], exit: 1 });
    // The chart in the layer gives the config.
    assert.equal((await chart('verify', '--repair')).exit, 0);

    rmSync(layer);
    mkdirSync(layer);
    writeFileSync(join(layer, 'mine'), 'of value');
    const directory = await chart('verify', '--repair');
    assert.match(
      directory.stdout,
      /it is no file, but a directory\n.*\n {2}The repair failed: .* is a directory with something in it/,
    );
    assert.equal(directory.exit, 1);
    assert.equal(readFileSync(join(layer, 'mine'), 'utf8'), 'of value');
    rmSync(layer, { recursive: true });
    writeFileSync(layer, bytes);
    assert.equal((await chart('verify')).exit, 0);
    assertValidLayout(cache);
  });

  it('finds files that are no blobs, and passes over what desktops leave behind', async (t) => {
    const own = stage(t);
    await own.chart('save', 'app', 'r.example.com/t/app');
    const blobs = join(own.cache, 'blobs');
    writeFileSync(join(blobs, 'sha256', '.DS_Store'), '');
    assert.deepEqual(await faultsOf(own), { kinds: [], exit: 0 });
    writeFileSync(join(blobs, 'sha256', 'notes.txt'), 'of value');
    mkdirSync(join(blobs, 'md5'));
    assert.deepEqual(await faultsOf(own), { kinds: ['stray', 'stray'], exit: 1 });
    assert.equal((await own.chart('verify', '--repair')).exit, 1);
    assert.equal(readFileSync(join(blobs, 'sha256', 'notes.txt'), 'utf8'), 'of value');
  });

  it('finds names that are no references, and what is in index.json and cannot be read', async (t) => {
    const own = stage(t);
    await own.chart('save', 'app', 'r.example.com/t/app');
    const path = join(own.cache, 'index.json');
    const whole = readFileSync(path, 'utf8');
    const { schemaVersion, manifests } = JSON.parse(whole);
    const [entry] = manifests;
    const named = (name: unknown) => ({ ...entry, annotations: { 'org.opencontainers.image.ref.name': name } });
    const write = (...entries: unknown[]): void => {
      writeFileSync(path, JSON.stringify({ schemaVersion, manifests: [entry, ...entries] }));
    };
    write(named('../../etc:1'), named('App:1'), named('a b:1'));
    assert.deepEqual((await faultsOf(own)).kinds, ['name', 'name', 'name']);
    write('nonsense', { ...entry, digest: 'sha256:../../x' }, { ...entry, size: -1 }, { ...entry, annotations: [] });
    // The first one, which is sound, would have its name if the later ones had not.
    assert.deepEqual((await faultsOf(own)).kinds, ['duplicate', 'entry', 'entry', 'entry', 'entry']);
    const dropped = await own.chart('verify', '--repair', '--drop-broken');
    assert.match(dropped.stdout, /^Removed manifests\[1\]\n/m);
    assert.equal(dropped.exit, 0);
    assert.equal(readFileSync(path, 'utf8'), whole);
    writeFileSync(path, '{"schemaVersion":2,"manifests":"none"}');
    assert.deepEqual(await faultsOf(own), { kinds: ['index'], exit: 1 });
    assert.equal((await own.chart('verify', '--repair', '--drop-broken')).exit, 1);
    assert.equal(readFileSync(path, 'utf8'), '{"schemaVersion":2,"manifests":"none"}');
  });

  it('pulls again by digest what the registry still has, and leaves what it has not', async (t) => {
    const own = stage(t);
    const { chart, cache, blob, dir } = own;
    const host = await serve(t, dir);
    const refs = [`${host}/t/app:1.0.0`, `${host}/t/web:1.0.0`];
    await chart('save', 'app', 'web', '--to', `${host}/t`);
    await chart('push', refs[0] as string);
    for (const part of ['layer', 'config', 'manifest'] as const) damage(blob(refs[0] as string, part));
    rmSync(blob(refs[1] as string, 'layer'));
    const before = await chart('verify');
    assert.equal(before.exit, 1);
    const repair = await chart('verify', '--repair', '-o', 'json');
    const report = JSON.parse(repair.stdout);
    assert.deepEqual(
      report.faults.map(({ kind, refs: of }: { kind: string; refs: string[] }) => [kind, of]),
      [['missing', [refs[1]]]],
    );
    assert.match(report.faults[0].refusal, /not found|unknown/i);
    assert.ok(report.repaired.length >= 3);
    assert.ok(report.repaired.some(({ from }: { from?: string }) => from === `${host}/t/app`));
    assert.equal(repair.exit, 1);
    assert.match(repair.stderr, /--drop-broken removes the references/);
    assert.match(readFileSync(join(cache, 'index.json'), 'utf8'), /web:1\.0\.0/);

    const dropped = await chart('verify', '--repair', '--drop-broken');
    assert.match(dropped.stdout, new RegExp(`^Removed ${refs[1]}\n`));
    assert.equal(dropped.exit, 0);
    assert.equal((await chart('list', '-q')).stdout, `${refs[0]}\n`);
    assertValidLayout(cache);
  });

  it('repairs one reference where only that is asked for', async (t) => {
    const { chart, blob, dir } = stage(t);
    const host = await serve(t, dir);
    await chart('save', 'app', 'web', '--to', `${host}/t`);
    await chart('push', `${host}/t/app:1.0.0`, `${host}/t/web:1.0.0`);
    for (const name of ['app', 'web']) damage(blob(`${host}/t/${name}:1.0.0`, 'layer'));
    assert.equal((await chart('verify', `${host}/t/app:1.0.0`, '--repair')).exit, 0);
    assert.equal((await chart('verify', '-q')).stdout, `${host}/t/web:1.0.0\n`);
  });

  it('deletes damaged blobs that nobody needs only in a repair', async (t) => {
    const own = stage(t);
    const { chart, blob } = own;
    await chart('save', 'app', 'web', '--to', 'r.example.com/t');
    const layer = blob('r.example.com/t/app:1.0.0', 'layer');
    await chart('remove', 'r.example.com/t/app:1.0.0');
    damage(layer);
    assert.deepEqual(await faultsOf(own), { kinds: ['content'], exit: 1 });
    assert.equal(existsSync(layer), true);
    assert.deepEqual(await faultsOf(own, '--repair'), { kinds: [], exit: 0 });
    assert.equal(existsSync(layer), false);
    assert.equal(readdirSync(join(own.cache, 'blobs', 'sha256')).length, 5);
  });

  it('finds a config that tells another name than the chart in the layer', async (t) => {
    const own = stage(t);
    const { chart, cache, blob } = own;
    await chart('save', 'app', 'r.example.com/t/app');
    const { createHash } = await import('node:crypto');
    const store = (bytes: Buffer) => {
      const hex = createHash('sha256').update(bytes).digest('hex');
      writeFileSync(join(cache, 'blobs', 'sha256', hex), bytes);
      return { digest: `sha256:${hex}`, size: bytes.length };
    };
    const manifest = JSON.parse(readFileSync(blob('r.example.com/t/app:1.0.0', 'manifest'), 'utf8'));
    const write = (config: object) => {
      const changed = { ...manifest, config: { ...manifest.config, ...store(Buffer.from(JSON.stringify(config))) } };
      const path = join(cache, 'index.json');
      const index = JSON.parse(readFileSync(path, 'utf8'));
      Object.assign(index.manifests[0], store(Buffer.from(JSON.stringify(changed))));
      writeFileSync(path, JSON.stringify(index));
    };
    write({ name: 'other', version: '2.0.0', apiVersion: 'v2' });
    const { stdout, exit } = await chart('verify');
    assert.match(
      stdout,
      /the config tells the name "other" instead of "app" and the version "2\.0\.0" instead of "1\.0\.0"/,
    );
    assert.equal(exit, 1);
    write({ name: 'app', version: '1.0.0', apiVersion: 'v2', description: 'more' });
    const other = await chart('verify');
    assert.match(
      other.stdout,
      /Note: r\.example\.com\/t\/app:1\.0\.0: its config differs from the Chart\.yaml .*: description\n/,
    );
    assert.equal(other.exit, 0);
  });

  it('refuses options that do not go together', async (t) => {
    const { chart } = stage(t);
    assert.match((await chart('verify', '--drop-broken')).stderr, /--drop-broken goes with --repair/);
    assert.match((await chart('verify', '--provenance', '--repair', 'x')).stderr, /two things/);
  });

  it('needs no right to write, unless it is to repair', async (t) => {
    const own = stage(t);
    await own.chart('save', 'app', 'r.example.com/t/app');
    const before = readdirSync(join(own.cache, 'ingest'));
    assert.equal((await own.chart('verify')).exit, 0);
    assert.deepEqual(readdirSync(join(own.cache, 'ingest')), before);
    assert.deepEqual(readdirSync(own.cache).sort(), ['blobs', 'index.json', 'ingest', 'oci-layout']);
  });
});
