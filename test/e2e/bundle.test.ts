/** `chart bundle` and `chart unbundle`, as a user runs them. */
import assert from 'node:assert/strict';
import { linkSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { list } from 'tar';
import { saveCharts, sha256 } from '../helpers/bundles.js';
import { requireTools } from '../helpers/docker-registry.js';
import { REAL_CHARTS, temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { chartCommand, runChart, runProgram } from '../helpers/run.js';

const TEAM = 'registry.example.com/team';
const CACHE = join('.cache', 'helm', 'registry', 'cache');
const skipOnWindows = process.platform === 'win32' ? 'shell commands' : false;

const env = (home: string) => ({ HELM_CACHE_HOME: join(home, 'helm'), XDG_CACHE_HOME: undefined });
const at = (home: string) => ({ home, cwd: home, env: env(home) });
const layoutOf = (home: string): string => join(home, 'helm', 'registry', 'cache');

async function ok(args: readonly string[], options: Parameters<typeof runChart>[1]) {
  const run = await runChart(args, options);
  assert.equal(run.exit, 0, `${args.join(' ')}: ${run.stderr}${run.stdout}`);
  return run;
}

async function listing(home: string): Promise<Record<string, string>> {
  const { stdout } = await ok(['list', '-o', 'json'], at(home));
  return Object.fromEntries(JSON.parse(stdout).map((item: { ref: string; digest: string }) => [item.ref, item.digest]));
}

async function withRealCharts(home: string): Promise<void> {
  await ok(['save', ...REAL_CHARTS, '--to', TEAM], at(home));
}

function blobsIn(file: string): string[] {
  const found: string[] = [];
  list({ file, sync: true, onReadEntry: ({ path }) => void (path.startsWith('blobs/') && found.push(path)) });
  return found;
}

test('carries charts to another cache, with the same digests, and the same bundle from there', async (t) => {
  const outside = temporaryDirectory(t);
  const inside = temporaryDirectory(t);
  await withRealCharts(outside);
  const refs = Object.keys(await listing(outside));
  const { stdout } = await ok(['bundle', ...refs.toReversed(), '-o', 'all.tar'], at(outside));
  assert.match(stdout, /^all\.tar: 3 charts, 9 blobs, \d+\.\d KiB\n$/);
  const file = join(outside, 'all.tar');
  const loaded = await ok(['unbundle', file], at(inside));
  assert.equal(
    loaded.stdout,
    `${refs.map((ref) => `${ref}: loaded\n`).join('')}3 loaded, 0 present; 9 blobs new, 10.1 KiB\n`,
  );
  assertValidLayout(layoutOf(inside));
  assert.deepEqual(await listing(inside), await listing(outside));
  await ok(['bundle', ...refs, '-o', 'again.tar'], at(inside));
  assert.deepEqual(readFileSync(join(inside, 'again.tar')), readFileSync(file));
  const again = await ok(['unbundle', file], at(inside));
  assert.equal(
    again.stdout,
    `${refs.map((ref) => `${ref}: present\n`).join('')}0 loaded, 3 present; 0 blobs new, 0 B\n`,
  );
});

test('has the layout first, then what it holds, then each manifest before its blobs', async (t) => {
  const home = temporaryDirectory(t);
  await withRealCharts(home);
  await ok(['bundle', `${TEAM}/webshop:3.2.1`, '-o', 'one.tar'], at(home));
  const names: string[] = [];
  list({ file: join(home, 'one.tar'), sync: true, onReadEntry: ({ path }) => void names.push(path) });
  const manifest = (await listing(home))[`${TEAM}/webshop:3.2.1`] as string;
  assert.deepEqual(names.slice(0, 4), [
    'oci-layout',
    'index.json',
    'bundle.json',
    `blobs/${manifest.replace(':', '/')}`,
  ]);
  assert.equal(names.length, 6);
});

test('goes through a pipe, both ways, compressed or not', {
  skip: skipOnWindows || requireTools('bash'),
}, async (t) => {
  const home = temporaryDirectory(t);
  await withRealCharts(home);
  const chart = chartCommand().join(' ');
  for (const filter of ['cat', 'gzip -1']) {
    const cache = join(home, filter.split(' ')[0] as string);
    const script = `set -o pipefail; ${chart} list -q | ${chart} bundle -f - -o - | ${filter} | ${chart} --cache-dir ${cache} unbundle -`;
    const run = await runProgram(['bash', '-c', script], at(home));
    assert.equal(run.exit, 0, run.stderr);
    assert.match(run.stdout, /3 loaded, 0 present; 9 blobs new/);
    assert.match(run.stderr, /^standard output: 3 charts, 9 blobs/);
    assertValidLayout(cache);
  }
});

test('tells when whatever reads the pipe has gone', { skip: skipOnWindows || requireTools('bash') }, async (t) => {
  const home = temporaryDirectory(t);
  const [ref] = await saveCharts(home, [{ name: 'large', version: '1.0.0', filler: 3_000_000 }], TEAM);
  const chart = chartCommand().join(' ');
  const script = `${chart} bundle ${ref} -o - | head -c 1000 >/dev/null; exit \${PIPESTATUS[0]}`;
  const run = await runProgram(['bash', '-c', script], { home });
  assert.equal(run.exit, 1);
  assert.match(run.stderr, /^Error: whatever read standard output has ended before all was written\n/);
});

test('packs by the name of the file, and reads by content', async (t) => {
  const home = temporaryDirectory(t);
  await withRealCharts(home);
  const refs = Object.keys(await listing(home));
  const hasZstd = 'createZstdCompress' in zlib;
  await ok(['bundle', ...refs, '-o', 'a.tar'], at(home));
  const plain = readFileSync(join(home, 'a.tar'));
  for (const name of ['a.tar.gz', 'a.tgz', ...(hasZstd ? ['a.tar.zst'] : [])]) {
    await ok(['bundle', ...refs, '-o', name], at(home));
    await ok(['bundle', ...refs, '-o', `again-${name}`], at(home));
    const packed = readFileSync(join(home, name));
    assert.deepEqual(readFileSync(join(home, `again-${name}`)), packed);
    assert.ok(packed.length < plain.length);
    if (name !== 'a.tar.zst') assert.deepEqual(zlib.gunzipSync(packed), plain);
    // One frame, and no empty one behind it.
    if (name === 'a.tar.zst') assert.equal(packed.indexOf(Buffer.from('28b52ffd', 'hex'), 4), -1);
    writeFileSync(join(home, 'no-suffix'), packed);
    const cache = join(home, `cache-${name}`);
    await ok(['--cache-dir', cache, 'unbundle', 'no-suffix'], at(home));
    assertValidLayout(cache);
    await ok(['bundle', 'verify', name], at(home));
  }
  if (!hasZstd) {
    const run = await runChart(['bundle', ...refs, '-o', 'a.tar.zst'], at(home));
    assert.match(
      run.stderr,
      /^Error: this Node\.js \(v\d+\.\d+\.\d+\) has no zstd\n.*: chart bundle REF.* \| zstd > FILE/,
    );
    assert.equal(run.exit, 1);
  }
  const run = await runChart(['bundle', ...refs, '-o', 'a.zip'], at(home));
  assert.match(run.stderr, /^Error: a bundle cannot be written as a\.zip\n/);
});

test('a delta holds exactly the new blobs, and is nothing without the older bundle', async (t) => {
  const home = temporaryDirectory(t);
  const inside = temporaryDirectory(t);
  const old = await saveCharts(home, [
    { name: 'api', version: '1.0.0' },
    { name: 'web', version: '1.0.0' },
  ]);
  await ok(['bundle', ...old, '-o', 'old.tar'], { home, cwd: home });
  const added = await saveCharts(home, [{ name: 'api', version: '1.1.0' }]);
  await ok(['tag', old[1] as string, `${TEAM}/web:stable`], { home });
  const all = [...old, ...added, `${TEAM}/web:stable`];
  const { stdout } = await ok(['bundle', ...all, '--since', 'old.tar', '-o', 'new.tar'], { home, cwd: home });
  assert.match(stdout, /^new\.tar: 4 charts, 3 blobs, .* 6 blobs left to the older bundle\n$/);
  await ok(['bundle', ...all, '-o', 'full.tar'], { home, cwd: home });
  const difference = blobsIn(join(home, 'full.tar')).filter((name) => !blobsIn(join(home, 'old.tar')).includes(name));
  assert.deepEqual(blobsIn(join(home, 'new.tar')), difference);
  await ok(['bundle', 'verify', 'new.tar'], { home, cwd: home });

  const alone = await runChart(['unbundle', join(home, 'new.tar')], at(inside));
  assert.equal(alone.exit, 1);
  assert.match(
    alone.stderr,
    /api:1\.0\.0 is not whole: 1 of its blobs is neither in this bundle nor in the cache \(sha256:/,
  );
  assert.match(alone.stdout, /api:1\.1\.0: loaded\n1 loaded, 0 present, 3 failed; 3 blobs new/);
  assert.deepEqual(Object.keys(await listing(inside)), added);
  await ok(['unbundle', join(home, 'old.tar')], at(inside));
  await ok(['unbundle', join(home, 'new.tar')], at(inside));
  assert.deepEqual(Object.keys(await listing(inside)).sort(), [...all].sort());
  assertValidLayout(layoutOf(inside));

  // A third state, against the second, which is itself a delta.
  const last = await saveCharts(home, [{ name: 'api', version: '1.2.0' }]);
  const third = await ok(['bundle', ...all, ...last, '--since', 'new.tar', '-o', 'third.tar'], { home, cwd: home });
  assert.match(third.stdout, /5 charts, 3 blobs/);
  const nothing = await ok(['bundle', ...all, '--since', 'full.tar', '-o', 'nothing.tar'], { home, cwd: home });
  assert.match(nothing.stdout, /4 charts, 0 blobs/);
  await ok(['unbundle', join(home, 'nothing.tar')], at(inside));

  const delta = readFileSync(join(home, 'new.tar'));
  const refused = await runChart(['mirror', 'cache', 'new.tar'], { home, cwd: home });
  assert.match(refused.stderr, /^Error: new\.tar cannot be added to: .* is not whole: .*\nOnly a whole bundle can: /);
  assert.deepEqual([refused.exit, readFileSync(join(home, 'new.tar'))], [1, delta]);

  // What the new one leaves out must stay somewhere.
  const before = readFileSync(join(home, 'old.tar'));
  linkSync(join(home, 'old.tar'), join(home, 'same.tar'));
  linkSync(join(home, 'old.tar'), join(home, 'part.001.tar'));
  for (const output of [['old.tar'], ['same.tar'], ['part.tar', '--split', '1M']]) {
    const run = await runChart(['bundle', ...all, '--since', 'old.tar', '-o', ...output], { home, cwd: home });
    assert.match(run.stderr, /^Error: \S+ is the older bundle, which has what the new one leaves out\n/);
    assert.deepEqual([run.exit, run.stdout], [1, '']);
    assert.deepEqual(readFileSync(join(home, 'old.tar')), before);
  }
});

test('each part of a divided bundle can be read alone, and none is larger than asked', async (t) => {
  const home = temporaryDirectory(t);
  const charts = Array.from({ length: 7 }, (_, index) => ({
    name: `chart-${index}`,
    version: '1.0.0',
    filler: 60_000 + index * 9_000,
  }));
  const refs = await saveCharts(home, charts);
  for (const suffix of ['tar', 'tar.gz']) {
    const { stdout } = await ok(['bundle', ...refs, '--split', '300K', '-o', `parts.${suffix}`, '-q'], {
      home,
      cwd: home,
    });
    const files = stdout.trim().split('\n');
    assert.ok(files.length >= 3, stdout);
    assert.equal(files[0], `parts.001.${suffix}`);
    const held: string[] = [];
    for (const file of files) {
      assert.ok(statSync(join(home, file)).size <= 300 * 1024, file);
      const cache = join(home, `cache-of-${file}`);
      await ok(['--cache-dir', cache, 'unbundle', file], { home, cwd: home });
      assertValidLayout(cache);
      const listed = await ok(['--cache-dir', cache, 'list', '-q'], { home });
      held.push(...listed.stdout.trim().split('\n'));
    }
    assert.deepEqual(held, refs);
  }
  const small = await runChart(['bundle', ...refs, '--split', '100K', '-o', 'small.tar'], { home, cwd: home });
  assert.match(
    small.stderr,
    /^Error: registry\.example\.com\/team\/chart-\d:1\.0\.0 needs a part of \d+ bytes, and --split allows 102400\n/,
  );
  assert.equal(small.exit, 1);
  assert.deepEqual(
    readdirSync(home).filter((name) => name.includes('small')),
    [],
  );
});

test('puts the registry inside in place of the one outside', async (t) => {
  const home = temporaryDirectory(t);
  await withRealCharts(home);
  await ok(['bundle', `${TEAM}/webshop:3.2.1`, '-o', 'one.tar'], at(home));
  const cache = join(home, 'inside');
  await ok(['--cache-dir', cache, 'unbundle', 'one.tar', '--to', 'registry.lan:5000/mirror'], at(home));
  const { stdout } = await ok(['--cache-dir', cache, 'list', '-q'], at(home));
  assert.equal(stdout, 'registry.lan:5000/mirror/team/webshop:3.2.1\n');
  const wrong = await runChart(['--cache-dir', cache, 'unbundle', 'one.tar', '--to', 'Not A/Host'], at(home));
  assert.match(wrong.stderr, /^Error: --to "Not A\/Host" is not HOST\[:PORT\]\[\/PATH\]\n/);
});

test('lists and verifies as JSON, and lists what there is no bundle.json for', async (t) => {
  const home = temporaryDirectory(t);
  await withRealCharts(home);
  const digests = await listing(home);
  await ok(['bundle', ...Object.keys(digests), '-o', 'all.tar'], at(home));
  const listed = JSON.parse((await ok(['bundle', 'ls', 'all.tar', '-o', 'json'], at(home))).stdout);
  assert.deepEqual(
    Object.fromEntries(listed.items.map((item: { ref: string; digest: string }) => [item.ref, item.digest])),
    digests,
  );
  assert.equal(listed.blobs, 9);
  const [check] = JSON.parse((await ok(['bundle', 'verify', 'all.tar', '-o', 'json'], at(home))).stdout);
  assert.equal(check.status, 'verified');
  assert.equal(check.digest, listed.digest);
  assert.deepEqual(
    check.items.map(({ status }: { status: string }) => status),
    ['verified', 'verified', 'verified'],
  );
});

test('writes nothing if one chart cannot go along, and leaves a file that is there', async (t) => {
  const home = temporaryDirectory(t);
  await withRealCharts(home);
  writeFileSync(join(home, 'out.tar'), 'precious');
  const run = await runChart(
    ['bundle', `${TEAM}/webshop:3.2.1`, `${TEAM}/gone:1`, `${TEAM}/lost:2`, '-o', 'out.tar'],
    at(home),
  );
  assert.equal(run.exit, 1);
  assert.match(
    run.stderr,
    /Chart not found: .*gone:1(?:.|\n)*Chart not found: .*lost:2(?:.|\n)*Nothing was written: 2 of 3 cannot be bundled\.\n/,
  );
  assert.equal(readFileSync(join(home, 'out.tar'), 'utf8'), 'precious');
  const none = await runChart(['bundle', `${TEAM}/webshop:3.2.1`], at(home));
  assert.match(none.stderr, /^Error: where to write the bundle is not said\n/);
});

test('takes signatures along where it is asked to', async (t) => {
  const home = temporaryDirectory(t);
  const [ref] = (await saveCharts(home, [{ name: 'signed', version: '1.0.0' }])) as [string];
  const cache = join(home, CACHE);
  const { openLayout } = await import('../../src/layout/layout.js');
  const layout = openLayout(cache);
  const [entry] = await layout.readIndex();
  const subject = entry?.descriptor as { mediaType: string; digest: string; size: number };
  const config = await layout.putBytes(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
  const write = async (about: typeof subject): Promise<typeof subject> => {
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        artifactType: 'application/vnd.example.signature',
        config,
        layers: [config],
        subject: { mediaType: about.mediaType, digest: about.digest, size: about.size },
      }),
    );
    const descriptor = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: sha256(bytes) as `sha256:${string}`,
      size: bytes.length,
    };
    await layout.repository(`${TEAM}/signed`).writeManifest({ descriptor, bytes });
    return descriptor;
  };
  const signature = await write(subject);
  const countersignature = await write(signature);
  await layout.close();

  await ok(['bundle', ref, '-o', 'bare.tar'], { home, cwd: home });
  assert.equal(blobsIn(join(home, 'bare.tar')).length, 3);
  await ok(['bundle', ref, '--with-referrers', '-o', 'full.tar'], { home, cwd: home });
  assert.equal(blobsIn(join(home, 'full.tar')).length, 6);
  await ok(['bundle', 'verify', 'full.tar'], { home, cwd: home });
  const inside = join(home, 'inside');
  await ok(['--cache-dir', inside, 'unbundle', 'full.tar'], { home, cwd: home });
  assertValidLayout(inside);
  const repository = openLayout(inside, { readOnly: true }).repository(`${TEAM}/signed`);
  const found = await repository.listReferrers?.(subject.digest as `sha256:${string}`);
  assert.deepEqual(
    found?.map(({ digest }) => digest),
    [signature.digest],
  );
  const further = await repository.listReferrers?.(signature.digest as `sha256:${string}`);
  assert.deepEqual(
    further?.map(({ digest }) => digest),
    [countersignature.digest],
  );
});

test('bundles from a cache that can only be read, through a link, to a device', { skip: skipOnWindows }, async (t) => {
  const home = temporaryDirectory(t);
  await withRealCharts(home);
  const { chmodSync } = await import('node:fs');
  const paths = [
    layoutOf(home),
    ...readdirSync(layoutOf(home), { recursive: true, encoding: 'utf8' }).map((name) => join(layoutOf(home), name)),
  ];
  const before = readdirSync(layoutOf(home), { recursive: true }).sort();
  for (const path of paths) chmodSync(path, statSync(path).isDirectory() ? 0o555 : 0o444);
  await ok(['bundle', `${TEAM}/webshop:3.2.1`, '-o', '/dev/null'], at(home));
  assert.ok(statSync('/dev/null').isCharacterDevice());
  writeFileSync(join(home, 'real.tar'), '');
  symlinkSync('real.tar', join(home, 'link.tar'));
  await ok(['bundle', `${TEAM}/webshop:3.2.1`, '-o', 'link.tar'], at(home));
  assert.ok(statSync(join(home, 'real.tar')).size > 4096);
  assert.deepEqual(readdirSync(layoutOf(home), { recursive: true }).sort(), before);
  for (const path of paths) chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
  const { exit, stderr } = await runChart(['bundle', `${TEAM}/webshop:3.2.1`, '-o', 'no/such/place.tar'], at(home));
  assert.equal(exit, 1);
  assert.match(
    stderr,
    /^Error: cannot write no\/such\/place\.tar: no such file or directory\nName a file in a directory that exists/,
  );
  assert.match((await runChart(['bundle', `${TEAM}/webshop:3.2.1`, '-o', home], at(home))).stderr, /it is a directory/);
});

test('is read by skopeo, and reads what skopeo writes', {
  skip: skipOnWindows || requireTools('skopeo'),
}, async (t) => {
  const home = temporaryDirectory(t);
  await withRealCharts(home);
  const ref = `${TEAM}/webshop:3.2.1`;
  await ok(['bundle', ...Object.keys(await listing(home)), '-o', 'all.tar'], at(home));
  const inspected = await runProgram(['skopeo', 'inspect', '--raw', `oci-archive:all.tar:${ref}`], { home, cwd: home });
  assert.equal(inspected.exit, 0, inspected.stderr);
  assert.equal(sha256(inspected.stdout), (await listing(home))[ref]);
  for (const name of [ref, '3.2.1', '']) {
    const archive = `from-skopeo-${name.length}.tar`;
    const copied = await runProgram(
      [
        'skopeo',
        '--insecure-policy',
        'copy',
        `oci-archive:all.tar:${ref}`,
        `oci-archive:${archive}${name && `:${name}`}`,
      ],
      { home, cwd: home },
    );
    assert.equal(copied.exit, 0, copied.stderr);
    const cache = join(home, `cache-${name.length}`);
    await ok(['--cache-dir', cache, 'unbundle', archive], at(home));
    assertValidLayout(cache);
    const { stdout } = await ok(['--cache-dir', cache, 'list', '-o', 'json'], at(home));
    const [{ ref: found, digest }] = JSON.parse(stdout);
    assert.equal(found, name === ref ? ref : 'webshop:3.2.1');
    assert.equal(digest, (await listing(home))[ref]);
    await ok(['bundle', 'verify', archive], at(home));
  }
});
