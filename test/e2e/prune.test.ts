/** chart prune as a user runs it: what it lists before it deletes, and which references have had their time. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunResult, runChart } from '../helpers/run.js';

const DAY = 24 * 3600_000;

interface Stage {
  readonly dir: string;
  readonly cache: string;
  chart(...args: string[]): Promise<RunResult>;
  /** Saves a chart whose content is its own under each reference `r.example.com/REST`. */
  save(...refs: string[]): Promise<void>;
  /** Has the chart come into the cache so many days ago. */
  age(ref: string, days: number): void;
  names(): Promise<string[]>;
}

function stage(t: TestContext, cache = 'cache'): Stage {
  const dir = temporaryDirectory(t);
  const path = join(dir, cache);
  const chart = (...args: string[]): Promise<RunResult> =>
    runChart([...args, '--cache-dir', path], { cwd: dir, home: dir });
  let number = 0;
  return {
    dir,
    cache: path,
    chart,
    async save(...refs) {
      const lines = refs.map((ref) => {
        number += 1;
        const source = join(dir, `source-${number}`);
        mkdirSync(source);
        const [name] = (ref.split('/').at(-1) as string).split(':');
        writeFileSync(
          join(source, 'Chart.yaml'),
          `apiVersion: v2\nname: ${name}\nversion: 1.0.0\ndescription: ${number}\n`,
        );
        return `${source} r.example.com/${ref}\n`;
      });
      writeFileSync(join(dir, 'charts.txt'), lines.join(''));
      assert.equal((await chart('save', '-f', 'charts.txt', '-q')).exit, 0);
    },
    age(ref, days) {
      const read = (digest: string): string => join(path, 'blobs', ...digest.split(':'));
      const { manifests } = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8'));
      const entry = manifests.find(({ annotations }: { annotations: object }) =>
        Object.values(annotations).includes(`r.example.com/${ref}`),
      );
      const { layers } = JSON.parse(readFileSync(read(entry.digest), 'utf8'));
      const then = (Date.now() - days * DAY) / 1000;
      utimesSync(read(layers[0].digest), then, then);
    },
    async names() {
      const { stdout } = await chart('list', '-q');
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.slice('r.example.com/'.length));
    },
  };
}

describe('chart prune', () => {
  it('lists what it deletes before it does, and says how many bytes that frees', async (t) => {
    const { chart, cache, save } = stage(t);
    await save('t/app:1', 't/web:1');
    await chart('remove', 'r.example.com/t/app:1');
    const blobs = readdirSync(join(cache, 'blobs', 'sha256'));
    const dry = await chart('prune', '--dry-run');
    assert.match(
      dry.stdout,
      /^(sha256:[0-9a-f]{64}: would be deleted \(\d+ B\)(, app 1\.0\.0)?\n){3}Would free 3 blobs, \d+ B\n$/,
    );
    assert.deepEqual(readdirSync(join(cache, 'blobs', 'sha256')), blobs);
    const json = JSON.parse((await chart('prune', '--dry-run', '-o', 'json')).stdout);
    assert.deepEqual([json.dryRun, json.references, json.blobs.length, json.ingest], [true, [], 3, []]);
    assert.equal(
      json.bytes,
      json.blobs.reduce((sum: number, { size }: { size: number }) => sum + size, 0),
    );
    const { stdout } = await chart('prune');
    assert.match(stdout, /^(sha256:[0-9a-f]{64}: deleting \(\d+ B\)(, app 1\.0\.0)?\n){3}Freed 3 blobs, \d+ B\n$/);
    assert.equal(readdirSync(join(cache, 'blobs', 'sha256')).length, 3);
    assertValidLayout(cache);
  });

  it('names an upload that may still go on, and when it goes', async (t) => {
    const { chart, cache, save } = stage(t);
    await save('t/app:1');
    const [full, empty] = ['0', '1'].map((digit) => join(cache, 'ingest', `upload-${digit.repeat(32)}`));
    writeFileSync(full as string, 'half of a blob');
    writeFileSync(empty as string, '');
    const hourAgo = new Date(Math.floor(Date.now() / 1000) * 1000 - 3600_000);
    utimesSync(full as string, hourAgo, hourAgo);
    const until = new Date(hourAgo.getTime() + DAY).toISOString();
    const { stdout } = await chart('prune');
    const time = `${until.slice(0, 10)} ${until.slice(11, 16)} UTC`;
    const words = `stays (14 B), an upload that may go on; prune deletes it from ${time} on`;
    assert.equal(stdout, `ingest/upload-${'0'.repeat(32)}: ${words}\nFreed 0 blobs, 0 B\n`);
    const { uploads } = JSON.parse((await chart('prune', '--dry-run', '-o', 'json')).stdout);
    assert.deepEqual(uploads[0], { name: `upload-${'0'.repeat(32)}`, size: 14, until });
    assert.equal((await chart('prune', '-q')).stdout, '');
    utimesSync(full as string, 1000, 1000);
    assert.match(
      (await chart('prune')).stdout,
      /^ingest\/upload-0+: deleting \(14 B\)\nFreed 0 blobs, 1 unfinished file, 14 B\n$/,
    );
  });

  it('keeps the newest versions of each repository, by version and not by date', async (t) => {
    const { chart, cache, save, age, names } = stage(t);
    const tags = ['1.10.0', '1.9.0', '1.9.0-rc.1', '2.0.0', 'v0.9.0', 'latest', '10'];
    await save(...tags.map((tag) => `t/app:${tag}`), 't/web:0.1.0', 't/web:0.2.0');
    age('t/app:2.0.0', 900);
    const dry = await chart('prune', '--keep-last', '2', '--dry-run', '-o', 'json');
    const removed = ['1.10.0', '1.9.0', '1.9.0-rc.1', 'v0.9.0'].map((tag) => `r.example.com/t/app:${tag}`);
    assert.deepEqual(JSON.parse(dry.stdout).references.sort(), removed);
    assert.equal((await names()).length, 9);
    const { stdout } = await chart('prune', '--keep-last', '2');
    assert.match(stdout, /^r\.example\.com\/t\/app:1\.10\.0: removing\n/m);
    assert.match(stdout, /\nFreed 4 references, 12 blobs, /);
    assert.deepEqual(await names(), ['t/app:10', 't/app:2.0.0', 't/app:latest', 't/web:0.1.0', 't/web:0.2.0']);
    await chart('prune', '--keep-last', '0');
    assert.deepEqual(await names(), ['t/app:latest']);
    assertValidLayout(cache);
  });

  it('takes of equal versions the one with the higher build metadata for the newer, as chart tags does', async (t) => {
    const { save, age, names, chart } = stage(t);
    await save('t/app:1.0.0+9', 't/app:1.0.0+10', 't/app:1.0.0', 't/app:0.9.0');
    age('t/app:1.0.0+10', 100);
    await chart('prune', '--keep-last', '2');
    assert.deepEqual(await names(), ['t/app:1.0.0+10', 't/app:1.0.0+9']);
  });

  it('removes what is older, whatever its tag; an annotation of the entry counts more than the file', async (t) => {
    const { chart, cache, save, age, names } = stage(t);
    await save('t/app:1.0.0', 't/app:latest', 't/app:2.0.0', 't/web:1.0.0');
    age('t/app:1.0.0', 31);
    age('t/app:latest', 40);
    age('t/app:2.0.0', 29);
    const path = join(cache, 'index.json');
    const index = JSON.parse(readFileSync(path, 'utf8'));
    for (const { annotations } of index.manifests) {
      if (!Object.values(annotations).includes('r.example.com/t/web:1.0.0')) continue;
      annotations['org.opencontainers.image.created'] = new Date(Date.now() - 365 * DAY).toISOString();
    }
    writeFileSync(path, JSON.stringify(index));
    for (const same of ['30d', 'P30D', '4w2d', '720h', '29d24h']) {
      const { stdout } = await chart('prune', '--older-than', same, '--dry-run', '-o', 'json');
      assert.equal(JSON.parse(stdout).references.length, 3, same);
    }
    await chart('prune', '--older-than', '30d');
    assert.deepEqual(await names(), ['t/app:2.0.0']);
    assertValidLayout(cache);
  });

  it('removes with both only what both would take', async (t) => {
    const { chart, save, age, names } = stage(t);
    await save('t/app:1.0.0', 't/app:2.0.0', 't/app:3.0.0', 't/app:latest');
    for (const tag of ['1.0.0', '3.0.0', 'latest']) age(`t/app:${tag}`, 100);
    await chart('prune', '--older-than', '30d', '--keep-last', '1');
    assert.deepEqual(await names(), ['t/app:2.0.0', 't/app:3.0.0', 't/app:latest']);
  });

  it('leaves what is broken, and blobs that another reference needs', async (t) => {
    const { chart, cache, save, age, names } = stage(t);
    await save('t/app:1.0.0', 't/app:2.0.0');
    age('t/app:1.0.0', 100);
    await chart('tag', 'r.example.com/t/app:1.0.0', 'r.example.com/t/kept:1.0.0');
    const path = join(cache, 'index.json');
    const index = JSON.parse(readFileSync(path, 'utf8'));
    const broken = {
      digest: 'sha256:0',
      annotations: { 'org.opencontainers.image.ref.name': 'r.example.com/t/broken:1' },
    };
    writeFileSync(path, JSON.stringify({ ...index, manifests: [...index.manifests, broken] }));
    const { stdout } = await chart('prune', '--keep-last', '1', '-o', 'json');
    assert.deepEqual(JSON.parse(stdout).references, ['r.example.com/t/app:1.0.0']);
    assert.deepEqual(JSON.parse(stdout).blobs, []);
    assert.deepEqual(await names(), ['t/app:2.0.0', 't/kept:1.0.0']);
    await chart('prune', '--older-than', '0s');
    assert.match(readFileSync(path, 'utf8'), /t\/broken:1/);
  });

  it('refuses numbers and lengths of time that are none', async (t) => {
    const { chart } = stage(t);
    for (const number of ['-1', 'x', '1.5', '']) {
      const { stderr, exit } = await chart('prune', `--keep-last=${number}`);
      assert.match(stderr, /--keep-last .* is no number/);
      assert.equal(exit, 1);
    }
    for (const duration of ['30', 'd', '1mo', '1y', '-1d', '1h1d', 'P1M', 'PT', '', '9999999999999999999w']) {
      const { stderr, exit } = await chart('prune', `--older-than=${duration}`);
      assert.match(stderr, /is no length of time\n.*30d/);
      assert.equal(exit, 1);
    }
  });

  it('makes room on a disk that has none', { skip: canMount() }, async (t) => {
    // Before the directory is asked for, or else it is to be removed while something is mounted in it.
    const mounted: string[] = [];
    t.after(() => {
      for (const path of mounted) execFileSync('umount', ['-l', path]);
    });
    const { dir, cache, chart, save, names } = stage(t, join('disk', 'cache'));
    const disk = join(dir, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'chart-test', disk]);
    mounted.push(disk);
    await save('t/app:1.0.0', 't/app:2.0.0', 't/web:1.0.0');
    await chart('remove', 'r.example.com/t/web:1.0.0');
    fill(join(disk, 'filler'));
    const failed = await chart('tag', 'r.example.com/t/app:1.0.0', 'r.example.com/t/app:3.0.0');
    assert.match(failed.stderr, /no space left on device/);
    assertValidLayout(cache);
    const { stdout, stderr, exit } = await chart('prune', '--keep-last', '1');
    assert.deepEqual([stderr, exit], ['', 0]);
    assert.match(stdout, /Freed 1 reference, 6 blobs, /);
    assert.deepEqual(await names(), ['t/app:2.0.0']);
    assertValidLayout(cache);
  });
});

function canMount(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root may mount';
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'chart-test', '/mnt'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'nothing can be mounted here';
  }
}

/** To the last byte. */
function fill(path: string): void {
  const fd = openSync(path, 'w');
  for (const size of [65_536, 4096, 1]) {
    try {
      while (writeSync(fd, Buffer.alloc(size)) > 0);
    } catch {
      // No more of this size.
    }
  }
  closeSync(fd);
}
