/** Keys and signatures of GnuPG itself. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readKeyring, verifyProvenance } from '../../../src/chart/provenance/verify.js';
import { isChartError } from '../../../src/errors.js';
import { requireTools } from '../../helpers/docker-registry.js';
import { ARCHIVE, STATEMENT } from './signing.js';

const skip = requireTools('gpg');

interface Gpg {
  readonly home: string;
  run(args: readonly string[], input?: string): Buffer;
  clearSign(text: string, ...args: string[]): Buffer;
}

/** A GnuPG of its own. Its home has a short path: a socket lies in it. */
function gpg(t: TestContext, ...names: string[]): Gpg {
  const home = mkdtempSync(join(tmpdir(), 'gpg-'));
  const env = { ...process.env, GNUPGHOME: home };
  t.after(() => {
    execFileSync('gpgconf', ['--kill', 'all'], { env, stdio: 'ignore' });
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });
  const base = ['--batch', '--quiet', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', ''];
  const run = (args: readonly string[], input = ''): Buffer =>
    execFileSync('gpg', [...base, ...args], { env, input, stdio: ['pipe', 'pipe', 'ignore'] });
  for (const name of names) run(['--quick-generate-key', `${name} <${name}@example.com>`, 'rsa2048', 'sign', 'never']);
  return { home, run, clearSign: (text, ...args) => run([...args, '--clearsign'], text) };
}

function keyringFile(home: string, name: string, content: Buffer): string {
  const path = join(home, name);
  writeFileSync(path, content);
  return path;
}

async function verdict(provenance: Buffer, keyring: string): Promise<string> {
  try {
    const { signers } = await verifyProvenance(provenance, ARCHIVE, await readKeyring(keyring));
    return signers.flatMap(({ names }) => names).join(', ');
  } catch (error) {
    if (isChartError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
}

test('accepts what GnuPG signed, with a binary and with an armoured keyring of several keys', { skip }, async (t) => {
  const { home, run, clearSign } = gpg(t, 'alice', 'bob');
  const provenance = clearSign(STATEMENT, '-u', 'bob');
  const binary = keyringFile(home, 'keys.gpg', run(['--export']));
  const armoured = keyringFile(home, 'keys.asc', run(['--armor', '--export']));
  const each = ['alice', 'bob'].map((name) => run(['--armor', '--export', name]));
  const apart = keyringFile(home, 'apart.asc', Buffer.concat([Buffer.from('Our keys:\n\n'), ...each]));
  const secret = keyringFile(home, 'secring.gpg', run(['--export-secret-keys']));
  for (const keyring of [binary, armoured, apart, secret]) {
    assert.equal(await verdict(provenance, keyring), 'bob <bob@example.com>', keyring);
  }
  const onlyAlice = keyringFile(home, 'alice.gpg', run(['--export', 'alice']));
  assert.match(await verdict(provenance, onlyAlice), /^PROVENANCE_INVALID: signed by the key \w{16}, which is not in/);
});

test('refuses SHA-1, a binary signature beside the text, and two signatures of which one is unknown', {
  skip,
}, async (t) => {
  const { home, run, clearSign } = gpg(t, 'alice', 'bob');
  const keyring = keyringFile(home, 'alice.gpg', run(['--export', 'alice']));
  assert.equal(await verdict(clearSign(STATEMENT, '-u', 'alice'), keyring), 'alice <alice@example.com>');
  assert.match(
    await verdict(clearSign(STATEMENT, '-u', 'alice', '--digest-algo', 'SHA1'), keyring),
    /^PROVENANCE_INVALID/,
  );
  assert.match(await verdict(clearSign(STATEMENT, '-u', 'alice', '-u', 'bob'), keyring), /not in the keyring/);
  assert.match(await verdict(run(['-u', 'alice', '--sign'], STATEMENT), keyring), /^PROVENANCE_INVALID/);
  assert.match(await verdict(run(['-u', 'alice', '--armor', '--detach-sign'], STATEMENT), keyring), /not found/);
});

test('refuses a key that GnuPG revoked, and one that has expired', { skip }, async (t) => {
  const { home, run, clearSign } = gpg(t, 'alice');
  const provenance = clearSign(STATEMENT);
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(run(['--with-colons', '--list-keys']).toString())?.[1] ?? '';
  const certificate = readFileSync(join(home, 'openpgp-revocs.d', `${fingerprint}.rev`), 'utf8').replace(
    ':-----',
    '-----',
  );
  run(['--import'], certificate);
  assert.match(await verdict(provenance, keyringFile(home, 'revoked.gpg', run(['--export']))), /revoked/);

  const past = ['--faked-system-time', '20200101T000000'];
  run([...past, '--quick-generate-key', 'old <old@example.com>', 'rsa2048', 'sign', '1d']);
  const old = clearSign(STATEMENT, '-u', 'old', ...past);
  assert.match(await verdict(old, keyringFile(home, 'old.gpg', run(['--export', 'old']))), /expired/);
});

test('says how to get a keyring out of a GnuPG that has only a keybox', { skip }, async (t) => {
  const { home } = gpg(t, 'alice');
  const hintOf = (path: string): Promise<string | undefined> =>
    readKeyring(path).then(
      () => undefined,
      (error) => (isChartError(error, 'KEYRING_INVALID') ? error.hint : String(error)),
    );
  const missing = join(home, 'pubring.gpg');
  assert.equal(
    await hintOf(missing),
    `GnuPG keeps its keys in pubring.kbx there. Write them out with "gpg --export > ${missing}", or name a file with --keyring.`,
  );
  assert.match((await hintOf(join(home, 'pubring.kbx'))) ?? '', /gpg --export > keys\.gpg/);
});

test('refuses a keyring that is none', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'keys-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  mkdirSync(join(home, 'directory'));
  const files: [string, Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('not a key\n')],
    ['noise', Buffer.from(Array.from({ length: 500 }, (_, position) => (position * 37) & 0xff))],
    ['armour', Buffer.from('-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n')],
  ];
  const paths = [
    ...files.map(([name, bytes]) => keyringFile(home, name, bytes)),
    join(home, 'directory'),
    join(home, 'missing'),
  ];
  for (const path of paths) {
    await assert.rejects(readKeyring(path), (error) => isChartError(error, 'KEYRING_INVALID'), path);
  }
});
