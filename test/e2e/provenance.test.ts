/** Signed charts from the packed file to the registry and back, as a user would carry them. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { PrivateKey } from 'openpgp';
import { digestOf } from '../../src/oci/digest.js';
import { makeKey, signed } from '../chart/provenance/signing.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunResult, runChart, startChart } from '../helpers/run.js';

const alice = await makeKey('Alice');
const mallory = await makeKey('Mallory');
const FINGERPRINT = alice.publicKey.getFingerprint().toUpperCase();

interface Stage {
  readonly dir: string;
  readonly cache: string;
  chart(...args: string[]): Promise<RunResult>;
  /** Packs and signs a chart; returns the path of its .tgz, relative to `dir`. */
  pack(name: string, key?: PrivateKey): Promise<string>;
  hash(file: string): string;
}

/** A place to work in, with a keyring `keys.gpg` that holds Alice's key. */
function stage(t: TestContext): Stage {
  const dir = temporaryDirectory(t);
  const home = join(dir, 'home');
  mkdirSync(home);
  const cache = join(home, '.cache', 'helm', 'registry', 'cache');
  writeFileSync(join(dir, 'keys.gpg'), alice.publicKey.write());
  const chart = (...args: string[]): Promise<RunResult> => runChart(args, { cwd: dir, home });
  const hash = (file: string): string => digestOf(readFileSync(join(dir, file)));
  return {
    dir,
    cache,
    chart,
    hash,
    async pack(name, key) {
      const metadata = `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`;
      mkdirSync(join(dir, name));
      writeFileSync(join(dir, name, 'Chart.yaml'), metadata);
      await chart('save', name, `packing.example.com/${name}`, '--cache-dir', 'packing');
      await chart('export', `packing.example.com/${name}:1.0.0`, '--tgz', '--cache-dir', 'packing');
      const file = `${name}-1.0.0.tgz`;
      const sums = `files:\n  ${file}: ${hash(file)}\n`;
      if (key) writeFileSync(join(dir, `${file}.prov`), await signed(`${metadata}\n...\n${sums}`, key));
      return file;
    },
  };
}

function proof(hash: string): string {
  return `Signed by: Alice <alice@example.com>\nUsing Key With Fingerprint: ${FINGERPRINT}\nChart Hash Verified: ${hash}\n`;
}

function refused({ exit, stdout, stderr }: RunResult, words: RegExp): void {
  assert.match(stderr, words);
  assert.deepEqual([exit, stdout], [1, '']);
}

describe('chart verify --provenance', () => {
  it('prints what helm verify prints, for a chart in the cache and for a packed chart', async (t) => {
    const { chart, pack, hash, cache } = stage(t);
    const file = await pack('app', alice.privateKey);
    for (const type of ['legacy', 'current']) {
      await chart('save', file, `r.example.com/t/app:${type}`, '--media-type', type);
      const { stdout, stderr, exit } = await chart(
        'verify',
        '--provenance',
        `r.example.com/t/app:${type}`,
        '--keyring',
        'keys.gpg',
      );
      assert.deepEqual([stdout, stderr, exit], [proof(hash(file)), '', 0]);
    }
    assert.equal(
      (await chart('verify', '--provenance', `./${file}`, '--keyring', 'keys.gpg')).stdout,
      proof(hash(file)),
    );
    assertValidLayout(cache);
  });

  it('reports several, each by its name, and fails if one of them does', async (t) => {
    const { chart, pack, hash } = stage(t);
    const file = await pack('app', alice.privateKey);
    await pack('forged', mallory.privateKey);
    await chart('save', file, 'r.example.com/t/app:1');
    await chart('save', 'app', 'r.example.com/t/plain:1');
    const refs = ['r.example.com/t/app:1', 'r.example.com/t/plain:1', 'forged-1.0.0.tgz', 'app'];
    const text = await chart('verify', '--provenance', '--keyring', 'keys.gpg', ...refs);
    assert.equal(text.stdout, `ref:     r.example.com/t/app:1\n${proof(hash(file))}`);
    assert.match(text.stderr, /Error: r\.example\.com\/t\/plain:1 has no provenance file\n/);
    assert.match(
      text.stderr,
      /Error: forged-1\.0\.0\.tgz: signed by the key [0-9A-F]{16}, which is not in the keyring\n/,
    );
    assert.equal(text.exit, 1);
    const json = await chart('verify', '--provenance', '--keyring', 'keys.gpg', ...refs, '-o', 'json');
    const [first, ...others] = JSON.parse(json.stdout);
    assert.deepEqual(first, {
      item: refs[0],
      ref: refs[0],
      name: 'app',
      version: '1.0.0',
      status: 'verified',
      signedBy: [{ names: ['Alice <alice@example.com>'], fingerprint: FINGERPRINT }],
      hash: hash(file),
    });
    assert.deepEqual(
      others.map(({ status, error }: { status: string; error: { code: string } }) => [status, error.code]),
      [
        ['failed', 'PROVENANCE_MISSING'],
        ['failed', 'PROVENANCE_INVALID'],
        ['failed', 'CHART_NOT_FOUND'],
      ],
    );
  });

  it('GHSA-q5jf-9vfq-h4h7: fails where there is no provenance file, no keyring and no signature', async (t) => {
    const { dir, chart, pack } = stage(t);
    const file = await pack('app');
    refused(await chart('verify', '--provenance', file, '--keyring', 'keys.gpg'), /could not load provenance file/);
    writeFileSync(join(dir, `${file}.prov`), '');
    refused(await chart('verify', '--provenance', file, '--keyring', 'keys.gpg'), /signature block not found/);
    await chart('save', file, 'r.example.com/t/app');
    refused(await chart('verify', '--provenance', 'r.example.com/t/app:1.0.0', '--keyring', 'keys.gpg'), /not found/);
    refused(
      await chart('verify', '--provenance', file),
      /cannot read the keyring .*pubring\.gpg: no such file.*\n.*--keyring/,
    );
  });

  it('refuses a chart under the provenance of another, and one that was renamed', async (t) => {
    const { dir, chart, pack } = stage(t);
    const [app, other] = [await pack('app', alice.privateKey), await pack('other', alice.privateKey)];
    copyFileSync(join(dir, `${app}.prov`), join(dir, `${other}.prov`));
    const words = /provenance does not contain a SHA for a file named "other-1\.0\.0\.tgz"/;
    refused(await chart('verify', '--provenance', other, '--keyring', 'keys.gpg'), words);
    await chart('save', other, 'r.example.com/t/app:1.0.0');
    refused(await chart('verify', '--provenance', 'r.example.com/t/app:1.0.0', '--keyring', 'keys.gpg'), words);
    for (const end of ['', '.prov']) copyFileSync(join(dir, `${app}${end}`), join(dir, `renamed.tgz${end}`));
    refused(await chart('verify', '--provenance', 'renamed.tgz', '--keyring', 'keys.gpg'), /"renamed\.tgz"/);
  });

  it('finds the keyring where GnuPG has it', async (t) => {
    const { dir, pack, hash } = stage(t);
    const file = await pack('app', alice.privateKey);
    mkdirSync(join(dir, 'gnupg'));
    copyFileSync(join(dir, 'keys.gpg'), join(dir, 'gnupg', 'pubring.gpg'));
    const { stdout } = await runChart(['verify', '--provenance', file], {
      cwd: dir,
      env: { GNUPGHOME: join(dir, 'gnupg') },
    });
    assert.equal(stdout, proof(hash(file)));
  });
});

describe('a signed chart', () => {
  it('keeps its provenance through save, push, pull and export', async (t) => {
    const { dir, chart, pack, hash } = stage(t);
    const host = await serve(t, dir);
    const file = await pack('app', alice.privateKey);
    for (const type of ['legacy', 'current']) {
      const ref = `${host}/t/app:${type}`;
      await chart('save', file, ref, '--media-type', type);
      assert.match((await chart('push', ref)).stdout, /pushed to remote \(2 layers/);
      await chart('remove', ref);
      await chart('prune');
      const pulled = await chart('pull', '--verify', '--keyring', 'keys.gpg', ref);
      assert.deepEqual([pulled.stderr, pulled.exit], ['', 0]);
      assert.ok(pulled.stdout.endsWith(`Status: Downloaded newer chart for ${ref}\n${proof(hash(file))}`));
      const again = await chart('pull', '--verify', '--keyring', 'keys.gpg', ref, '-o', 'json');
      const [{ status, signedBy }] = JSON.parse(again.stdout);
      assert.deepEqual([status, signedBy[0].fingerprint], ['current', FINGERPRINT]);
      await chart('export', '--tgz', ref, '-d', `out-${type}`);
      for (const end of ['', '.prov']) {
        const found = readFileSync(join(dir, `out-${type}`, `${file}${end}`));
        assert.deepEqual(found, readFileSync(join(dir, `${file}${end}`)));
      }
    }
  });

  it('GHSA-q5jf-9vfq-h4h7: chart pull --verify stores nothing that is not signed, or not by a known key', async (t) => {
    const { dir, chart, pack, cache } = stage(t);
    const host = await serve(t, dir);
    const files = [
      await pack('app'),
      await pack('forged', mallory.privateKey),
      await pack('swapped', alice.privateKey),
    ];
    await pack('good', alice.privateKey);
    copyFileSync(join(dir, 'good-1.0.0.tgz.prov'), join(dir, 'swapped-1.0.0.tgz.prov'));
    const refs = files.map((file) => `${host}/t/${file.split('-')[0]}:1.0.0`);
    for (const [position, file] of files.entries()) await chart('save', file, refs[position] as string);
    assert.equal((await chart('push', ...refs)).exit, 0);
    await chart('remove', ...refs);
    await chart('prune');
    const result = await chart('pull', '--verify', '--keyring', 'keys.gpg', ...refs, '-o', 'json');
    assert.equal(result.exit, 1);
    assert.deepEqual(
      JSON.parse(result.stdout).map(({ error }: { error: { code: string } }) => error.code),
      ['PROVENANCE_MISSING', 'PROVENANCE_INVALID', 'PROVENANCE_INVALID'],
    );
    assert.equal((await chart('list', '-q')).stdout, '');
    const blobs = join(cache, 'blobs', 'sha256');
    assert.deepEqual(existsSync(blobs) ? readdirSync(blobs) : [], []);
    assertValidLayout(cache);
  });

  it('is verified by chart pull --verify also where the cache has it already', async (t) => {
    const { dir, chart } = stage(t);
    const host = await serve(t, dir);
    mkdirSync(join(dir, 'plain'));
    writeFileSync(join(dir, 'plain', 'Chart.yaml'), 'apiVersion: v2\nname: plain\nversion: 1.0.0\n');
    await chart('save', 'plain', `${host}/t/plain`);
    await chart('push', `${host}/t/plain:1.0.0`);
    const result = await chart('pull', '--verify', '--keyring', 'keys.gpg', `${host}/t/plain:1.0.0`, '-q');
    refused(result, /plain:1\.0\.0 has no provenance file/);
  });
});

/** @returns `127.0.0.1:PORT` of a registry of this program */
async function serve(t: TestContext, dir: string): Promise<string> {
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', join(dir, 'registry')]);
  t.after(() => server.stop());
  const [, host] = await server.waitFor(/Listening on http:\/\/(\S+)/);
  return host as string;
}
