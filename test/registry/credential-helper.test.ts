import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import type { HelperOptions } from '../../src/registry/credential-helper.js';
import { readCredentials, removeCredentials, saveCredentials } from '../../src/registry/credentials.js';
import { temporaryDirectory } from '../helpers/fixtures.js';

const POSIX = { skip: process.platform === 'win32' && 'the helpers of this test are scripts' };
const USER = { username: 'user', password: 'pass' };

/** A directory in which `docker-credential-NAME` keeps its secrets in NAME.json, and a file that names helpers. */
function setUp(
  t: TestContext,
  config: object,
  script = KEEPER,
): { file: string; store: string; options: HelperOptions } {
  const directory = temporaryDirectory(t);
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  for (const name of ['one', 'two']) {
    writeFileSync(
      join(bin, `docker-credential-${name}`),
      `#!${process.execPath}\n${script.replaceAll('STORE', join(directory, `${name}.json`))}`,
      {
        mode: 0o755,
      },
    );
  }
  const file = join(directory, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  return { file, store: join(directory, 'one.json'), options: { env: { PATH: bin } } };
}

const KEEPER = `
  const { existsSync, readFileSync, writeFileSync } = require('node:fs');
  const input = readFileSync(0, 'utf8');
  const all = existsSync('STORE') ? JSON.parse(readFileSync('STORE', 'utf8')) : {};
  const verb = process.argv[2];
  if (verb === 'store') {
    const entry = JSON.parse(input);
    all[entry.ServerURL] = entry;
  } else if (all[input] === undefined) {
    console.log('credentials not found in native keychain');
    process.exit(1);
  } else if (verb === 'get') {
    console.log(JSON.stringify(all[input]));
  } else {
    delete all[input];
  }
  writeFileSync('STORE', JSON.stringify(all));
`;

test('stores, finds and removes credentials where credsStore says', POSIX, async (t) => {
  const { file, store, options } = setUp(t, { credsStore: 'one' });
  await saveCredentials(file, 'h:5000', USER, options);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { credsStore: 'one', auths: { 'h:5000': {} } });
  assert.deepEqual(JSON.parse(readFileSync(store, 'utf8')), {
    'h:5000': { ServerURL: 'h:5000', Username: 'user', Secret: 'pass' },
  });
  assert.deepEqual(await readCredentials([file], 'h:5000', options), USER);
  assert.equal(await readCredentials([file], 'other', options), undefined);
  assert.equal(await removeCredentials([file], 'h:5000', options), true);
  assert.equal(readFileSync(store, 'utf8'), '{}');
  assert.equal(await removeCredentials([file], 'h:5000', options), false);
});

test('stores an identity token under the name that stands for one', POSIX, async (t) => {
  const { file, store, options } = setUp(t, { credsStore: 'one' });
  await saveCredentials(file, 'h', { identityToken: 'identity' }, options);
  assert.equal(JSON.parse(readFileSync(store, 'utf8')).h.Username, '<token>');
  assert.deepEqual(await readCredentials([file], 'h', options), { identityToken: 'identity' });
});

test('prefers the helper of a host to the one for all others', POSIX, async (t) => {
  const { file, store, options } = setUp(t, { credsStore: 'two', credHelpers: { h: 'one' } });
  await saveCredentials(file, 'h', USER, options);
  assert.ok(existsSync(store));
  assert.deepEqual(await readCredentials([file], 'h', options), USER);
  assert.equal(await readCredentials([file], 'other', options), undefined);
});

test('takes what the file itself has where the helper has nothing', POSIX, async (t) => {
  const auth = Buffer.from('user:pass').toString('base64');
  const { file, options } = setUp(t, { credsStore: 'one', auths: { h: { auth } } });
  assert.deepEqual(await readCredentials([file], 'h', options), USER);
});

test('asks for Docker Hub by its old name', POSIX, async (t) => {
  const { file, store, options } = setUp(t, { credsStore: 'one' });
  await saveCredentials(file, 'docker.io', USER, options);
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(store, 'utf8'))), ['https://index.docker.io/v1/']);
  assert.deepEqual(await readCredentials([file], 'docker.io', options), USER);
});

test('says that a helper is not installed, who names it, and what to do', POSIX, async (t) => {
  const { file, options } = setUp(t, { credsStore: 'desktop' });
  for (const work of [readCredentials([file], 'h', options), saveCredentials(file, 'h', USER, options)]) {
    await assert.rejects(work, (error) => {
      assert.ok(isChartError(error, 'CREDENTIALS_HELPER_FAILED'));
      assert.equal(error.message, 'docker-credential-desktop is not installed');
      assert.ok(error.hint?.startsWith(`${file} names it`));
      return true;
    });
  }
});

test('says how a helper failed, without the secret', POSIX, async (t) => {
  for (const [script, words] of [
    [
      `console.error('the keychain is \\x1b[1mlocked'); process.exit(2)`,
      /^docker-credential-one failed for h: the keychain is \[1mlocked$/,
    ],
    [`console.log('{"Username":"user"')`, /gave an answer for h that cannot be read$/],
    [`console.log('{"Username":"user"}')`, /gave an answer for h that cannot be read$/],
    ['setInterval(() => {}, 1000)', /did not answer in 0\.2 seconds$/],
    [
      `setInterval(() => {}, 1000); require('node:child_process').spawn('/bin/sleep', ['3'], { stdio: 'inherit' })`,
      /did not answer in 0\.2 seconds$/,
    ],
    [`process.kill(process.pid, 'SIGTERM')`, /was ended by SIGTERM$/],
  ] as const) {
    const { file, options } = setUp(t, { credsStore: 'one' }, script);
    await assert.rejects(
      readCredentials([file], 'h', { ...options, timeout: script.startsWith('set') ? 200 : 20_000 }),
      (error) => {
        assert.ok(isChartError(error, 'CREDENTIALS_HELPER_FAILED'));
        assert.match(error.message, words);
        return true;
      },
    );
  }
  const echo = `console.log('cannot keep ' + require('node:fs').readFileSync(0, 'utf8')); process.exit(1)`;
  const { file, options } = setUp(t, { credsStore: 'one' }, echo);
  await assert.rejects(saveCredentials(file, 'h', { username: 'user', password: 'hunter22' }, options), (error) => {
    assert.ok(isChartError(error, 'CREDENTIALS_HELPER_FAILED'));
    assert.doesNotMatch(error.message, /hunter22/);
    return true;
  });
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { credsStore: 'one' });
});

test('has no credentials where a helper answers with an empty secret', POSIX, async (t) => {
  const { file, options } = setUp(t, { credsStore: 'one' }, `console.log('{"Username":"","Secret":""}')`);
  assert.equal(await readCredentials([file], 'h', options), undefined);
});

test('ends a helper that hangs when cancelled, at once', POSIX, async (t) => {
  const { file, options } = setUp(t, { credsStore: 'one' }, 'setInterval(() => undefined, 1000);');
  const controller = new AbortController();
  const reading = readCredentials([file], 'h:5000', { ...options, signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(reading, (error) => isChartError(error, 'CANCELLED'));
  await assert.rejects(readCredentials([file], 'h:5000', { ...options, signal: controller.signal }), (error) =>
    isChartError(error, 'CANCELLED'),
  );
});
