import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enums, type PublicKey, revokeKey } from 'openpgp';
import { verifyProvenance } from '../../../src/chart/provenance/verify.js';
import type { ChartErrorCode } from '../../../src/errors.js';
import { isChartError } from '../../../src/errors.js';
import { ARCHIVE, METADATA, makeKey, STATEMENT, SUMS, signed } from './signing.js';

const DAY = 24 * 3600_000;

function check(message: string, keys: PublicKey[], archive = ARCHIVE) {
  return verifyProvenance(Buffer.from(message), archive, keys);
}

async function refuses(work: Promise<unknown>, words: RegExp, code: ChartErrorCode = 'PROVENANCE_INVALID') {
  await assert.rejects(work, (error) => {
    assert.ok(isChartError(error, code), `${code} expected, got ${error}`);
    assert.match(error.message, words);
    return true;
  });
}

const alice = await makeKey('Alice');
const good = (await signed(STATEMENT, alice.privateKey)).replaceAll('\r', '');

test('says who signed, by the names that the key itself vouches for', async () => {
  const { signers, hash } = await check(good, [alice.publicKey]);
  assert.deepEqual(signers, [
    { names: ['Alice <alice@example.com>'], fingerprint: alice.publicKey.getFingerprint().toUpperCase() },
  ]);
  assert.equal(hash, ARCHIVE.hash);
});

test('takes CR LF at the ends of lines, and blank lines around', async () => {
  assert.ok(await check(`\n${good.replaceAll('\n', '\r\n')}\r\n\r\n`, [alice.publicKey]));
});

test('refuses a key that is not in the keyring, and names it', async () => {
  const bob = await makeKey('Bob');
  const id = alice.publicKey.getKeyID().toHex().toUpperCase();
  await refuses(check(good, [bob.publicKey]), new RegExp(`signed by the key ${id}, which is not in the keyring`));
  await refuses(check(good, []), /not in the keyring/);
});

test('refuses a key that is expired by now, also where it was valid when it signed', async () => {
  const then = new Date(Date.now() - 10 * DAY);
  const old = await makeKey('Old', { date: then, keyExpirationTime: 5 * 24 * 3600 });
  const message = await signed(STATEMENT, old.privateKey, { date: new Date(then.getTime() + DAY) });
  await refuses(check(message, [old.publicKey]), /expired/);
});

test('refuses a revoked key', async () => {
  const { publicKey } = await revokeKey({
    key: alice.privateKey,
    reasonForRevocation: { flag: enums.reasonForRevocation.keyCompromised },
    format: 'object',
  });
  await refuses(check(good, [publicKey]), /revoked/);
});

test('refuses a key that was retired after it signed', async () => {
  const then = new Date(Date.now() - 10 * DAY);
  const key = await makeKey('Carol', { date: then });
  const message = await signed(STATEMENT, key.privateKey, { date: new Date(then.getTime() + DAY) });
  assert.ok(await check(message, [key.publicKey]));
  const { publicKey } = await revokeKey({
    key: key.privateKey,
    reasonForRevocation: { flag: enums.reasonForRevocation.keyRetired },
    format: 'object',
  });
  await refuses(check(message, [publicKey]), /revoked/);
});

test('refuses a signature from the future', async () => {
  const message = await signed(STATEMENT, alice.privateKey, { date: new Date(Date.now() + DAY) });
  await refuses(check(message, [alice.publicKey]), /future/);
});

test('refuses short RSA keys', async () => {
  const key = await makeKey('Short', { type: 'rsa', rsaBits: 1024, config: { minRSABits: 1024 } });
  const message = await signed(STATEMENT, key.privateKey, { config: { minRSABits: 1024 } });
  await refuses(check(message, [key.publicKey]), /2047/);
});

test('takes two signatures where both are good, and refuses them where one is not', async () => {
  const bob = await makeKey('Bob');
  const both = await signed(STATEMENT, [alice.privateKey, bob.privateKey]);
  const { signers } = await check(both, [alice.publicKey, bob.publicKey]);
  assert.deepEqual(signers.map(({ names }) => names[0]).sort(), ['Alice <alice@example.com>', 'Bob <bob@example.com>']);
  await refuses(check(both, [alice.publicKey]), /not in the keyring/);
  await refuses(check(both, [bob.publicKey]), /not in the keyring/);
});

test('refuses a message without a signature packet', async () => {
  const empty = good.replace(/(-----BEGIN PGP SIGNATURE-----\r?\n\r?\n)[\s\S]*(-----END)/, '$1=twTO\n$2');
  await refuses(check(empty, [alice.publicKey]), /./);
});

test('refuses a text that was changed after it was signed', async () => {
  const changes: [string | RegExp, string][] = [
    ['name: app', 'name: apq'],
    [ARCHIVE.hash, `sha256:${'cd'.repeat(32)}`],
    ['version: 1.0.0', 'version: 1.0.0\nextra: x'],
    ['\n...\n', '\n... \n\n'],
  ];
  for (const [from, to] of changes) {
    assert.notEqual(good.replace(from, to), good);
    await refuses(check(good.replace(from, to), [alice.publicKey]), /signature|message/i);
  }
});

test('refuses a header that names another hash, or says more than that', async () => {
  const names = /^Hash: SHA\d+/m.exec(good)?.[0] ?? '';
  await refuses(check(good.replace(names, 'Hash: SHA1'), [alice.publicKey]), /./);
  for (const line of [
    'Comment: files: {}',
    'NotDashEscaped: You need GnuPG to verify this message',
    'files:',
    'x: y',
  ]) {
    await refuses(check(good.replace(names, `${names}\n${line}`), [alice.publicKey]), /its header holds/);
  }
});

test('refuses text before and after the signed part, and a second message', async () => {
  await refuses(check(`files: {}\n${good}`, [alice.publicKey]), /text before the signed message/);
  await refuses(check(`${good}\nfiles: {}\n`, [alice.publicKey]), /text after the signed message/);
  await refuses(check(good + good, [alice.publicKey]), /text after the signed message/);
  await refuses(check(`${good.slice(0, good.indexOf('-----BEGIN PGP SIGNATURE'))}${good}`, [alice.publicKey]), /dash/);
  const signature = good.slice(good.indexOf('-----BEGIN PGP SIGNATURE'));
  await refuses(check(good + signature, [alice.publicKey]), /text after/);
});

test('refuses what is no clear-signed message', async () => {
  for (const text of ['', '\n', STATEMENT, good.slice(0, 200), good.replace('-----END PGP SIGNATURE-----', '')]) {
    await refuses(check(text, [alice.publicKey]), /./);
  }
  await refuses(verifyProvenance(Buffer.from([0xff, 0xfe, 0x00]), ARCHIVE, [alice.publicKey]), /not text in UTF-8/);
  await refuses(check(' '.repeat(1024 * 1024 + 1), [alice.publicKey]), /at most/);
});

test('refuses a good signature over other sums', async () => {
  const hash = `sha256:${'cd'.repeat(32)}`;
  await refuses(
    check(good, [alice.publicKey], { ...ARCHIVE, hash }),
    /^sha256 sum does not match for app-1\.0\.0\.tgz/,
  );
  await refuses(
    check(good, [alice.publicKey], { ...ARCHIVE, fileName: 'other-1.0.0.tgz' }),
    /^provenance does not contain a SHA for a file named "other-1\.0\.0\.tgz"$/,
  );
});

test('refuses a good signature over metadata of another chart', async () => {
  for (const metadata of [
    'apiVersion: v2\nname: api\nversion: 1.0.0\n',
    'apiVersion: v2\nname: app\nversion: 1.0.1\n',
  ]) {
    const message = await signed(`${metadata}\n...\n${SUMS}`, alice.privateKey);
    await refuses(check(message, [alice.publicKey]), /^what was signed is (?:api 1\.0\.0|app 1\.0\.1), but/);
  }
});

test('refuses a signed text that is not metadata and sums, each once', async () => {
  const texts: [string, RegExp][] = [
    ['hello', /not metadata and sums/],
    [METADATA, /not metadata and sums/],
    [`${STATEMENT}\n...\n${SUMS}`, /not metadata and sums/],
    [`${METADATA}\n...\n`, /does not contain a SHA/],
    [`${METADATA}\n...\nfiles: {}\n`, /does not contain a SHA/],
    [`${METADATA}\n...\nfiles: [app-1.0.0.tgz]\n`, /cannot unmarshal/],
    [`${METADATA}\n...\nfiles:\n  app-1.0.0.tgz: ${ARCHIVE.hash}\n  app-1.0.0.tgz: sha256:00\n`, /sum does not match/],
    [`not: [yaml\n...\n${SUMS}`, /./],
    [`name: app\n\n...\n${SUMS}`, /version is required/],
    [`${METADATA}\n...\nfiles:\n  app-1.0.0.tgz: ${ARCHIVE.hash.toUpperCase()}\n`, /sum does not match/],
    [`${METADATA}\n...\nfiles:\n  __proto__: ${ARCHIVE.hash}\n`, /does not contain a SHA/],
  ];
  for (const [text, words] of texts) {
    await refuses(check(await signed(text, alice.privateKey), [alice.publicKey]), words);
  }
});

test('a signature by a subkey counts only with the bond of its primary key', async () => {
  const key = await makeKey('Sub', { subkeys: [{ sign: true }] });
  const message = await signed(STATEMENT, key.privateKey);
  assert.ok(await check(message, [key.publicKey]));
  const stray = key.publicKey.subkeys;
  key.publicKey.subkeys = [];
  await refuses(check(message, [key.publicKey]), /not in the keyring/);
  const other = (await makeKey('Other')).publicKey;
  other.subkeys = stray;
  await refuses(check(message, [other]), /signature by/);
});
