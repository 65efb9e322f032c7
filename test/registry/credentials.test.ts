import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { isChartError } from '../../src/errors.js';
import { readCredentials, removeCredentials, saveCredentials } from '../../src/registry/credentials.js';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';

const USER = { username: 'user', password: 'pass' };
const POSIX = { skip: process.platform === 'win32' && 'modes and links are those of POSIX' };

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A file with that content in a fresh directory. */
function fileWith(t: Parameters<typeof temporaryDirectory>[0], content: unknown): string {
  const file = join(temporaryDirectory(t), 'config.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test('reads every form in which a file holds credentials', async (t) => {
  const file = fileWith(t, {
    auths: {
      'auth.example.com': { auth: base64('user:pa:ss') },
      'plain.example.com': { username: 'user', password: 'pass' },
      'identity.example.com': { auth: base64('00000000-0000-0000-0000-000000000000:'), identitytoken: 'identity' },
      'bare.example.com': { identitytoken: 'identity' },
      'token.example.com': { registrytoken: 'token' },
      'nul.example.com': { auth: base64('user:pass\0') },
      'empty.example.com': {},
      'unicode.example.com': { auth: base64('ü:ñ') },
    },
  });
  const read = (host: string): Promise<unknown> => readCredentials([file], host);
  assert.deepEqual(await read('auth.example.com'), { username: 'user', password: 'pa:ss' });
  assert.deepEqual(await read('plain.example.com'), USER);
  assert.deepEqual(await read('identity.example.com'), {
    identityToken: 'identity',
    username: '00000000-0000-0000-0000-000000000000',
  });
  assert.deepEqual(await read('bare.example.com'), { identityToken: 'identity' });
  assert.deepEqual(await read('token.example.com'), { registryToken: 'token' });
  assert.deepEqual(await read('nul.example.com'), USER);
  assert.deepEqual(await read('unicode.example.com'), { username: 'ü', password: 'ñ' });
  assert.equal(await read('empty.example.com'), undefined);
  assert.equal(await read('none.example.com'), undefined);
  assert.equal(await read('__proto__'), undefined);
});

test('takes the first file that has the host, and passes over files that do not exist or are empty', async (t) => {
  const directory = temporaryDirectory(t);
  const empty = fileWith(t, '');
  const first = fileWith(t, { auths: { 'a.example.com': { auth: base64('first:1') }, 'b.example.com': {} } });
  const second = fileWith(t, {
    auths: { 'a.example.com': { auth: base64('second:2') }, 'b.example.com': { auth: base64('b:2') } },
  });
  const files = [join(directory, 'none.json'), join(empty, 'below', 'a file'), empty, first, second];
  assert.deepEqual(await readCredentials(files, 'a.example.com'), { username: 'first', password: '1' });
  assert.deepEqual(await readCredentials(files, 'b.example.com'), { username: 'b', password: '2' });
});

test('finds a host that was stored with scheme or path, but no other spelling, as Helm does', async (t) => {
  for (const key of ['http://localhost:5002', 'https://localhost:5002', 'localhost:5002/', 'localhost:5002/v2/']) {
    const file = fileWith(t, { auths: { [key]: { auth: base64('user:pass') } } });
    assert.deepEqual(await readCredentials([file], 'localhost:5002'), USER, key);
  }
  for (const key of ['LOCALHOST:5002', '127.0.0.1:5002', 'localhost', 'localhost:50020', 'x.localhost:5002', '*']) {
    const file = fileWith(t, { auths: { [key]: { auth: base64('user:pass') } } });
    assert.equal(await readCredentials([file], 'localhost:5002'), undefined, key);
  }
});

test('prefers the exact host to one with scheme or path', async (t) => {
  const file = fileWith(t, { auths: { 'https://h/v1/': { auth: base64('a:1') }, h: { auth: base64('b:2') } } });
  assert.deepEqual(await readCredentials([file], 'h'), { username: 'b', password: '2' });
});

test('knows under which names Docker Hub may be stored', async (t) => {
  for (const key of ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io', 'registry-1.docker.io']) {
    const file = fileWith(t, { auths: { [key]: { auth: base64('user:pass') } } });
    for (const host of ['docker.io', 'index.docker.io', 'registry-1.docker.io']) {
      assert.deepEqual(await readCredentials([file], host), USER);
    }
  }
  const file = join(temporaryDirectory(t), 'config.json');
  await saveCredentials(file, 'docker.io', USER);
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(file, 'utf8')).auths), ['https://index.docker.io/v1/']);
  assert.equal(await removeCredentials([file], 'docker.io'), true);
});

test('names the place where a file is not what it should be, never its content', async (t) => {
  const secret = 'c2VjcmV0';
  for (const [content, words] of [
    [`{"auths": {"h": {"auth": "${secret}"}}`, /it is not JSON from line 1, column \d+ on$/],
    [`{\n\t"auths": {\n\t\t"h": {"auth": ${secret}}\n\t}\n}`, /it is not JSON from line 3, column 17 on$/],
    [`"${secret}"`, /it is not a JSON object$/],
    [`["${secret}"]`, /it is not a JSON object$/],
    [`{"auths": "${secret}"}`, /"auths" is not an object$/],
    [`{"auths": {"h": "${secret}"}}`, /"h" is not an object$/],
    ['{"auths": {"h": {"auth": "%%%"}}}', /"auth" of "h" is not USER:PASSWORD in base64$/],
    [`{"auths": {"h": {"auth": "${secret}"}}}`, /"auth" of "h" is not USER:PASSWORD in base64$/],
    ['{"credHelpers": []}', /"credHelpers" is not an object$/],
    ['{"credsStore": 5}', /it names a credential helper that is not a string$/],
    ['{"credsStore": "../x"}', /names a credential helper "\.\.\/x", which is no name$/],
  ] as const) {
    const file = fileWith(t, content);
    await assert.rejects(readCredentials([file], 'h'), (error) => {
      assert.ok(isChartError(error, 'CREDENTIALS_INVALID'), content);
      assert.ok(error.message.startsWith(file));
      assert.match(error.message, words);
      assert.ok(!`${error.stack}${error.hint}${error.cause}`.includes(secret));
      return true;
    });
  }
  const directory = temporaryDirectory(t);
  await assert.rejects(readCredentials([directory], 'h'), (error) => isChartError(error, 'CREDENTIALS_INVALID'));
});

test('writes what Helm 3.6.3 wrote: tabs, no line break at the end, 0600 in directories of 0700', POSIX, async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'd1', 'd2', 'config.json');
  await saveCredentials(file, 'localhost:5002', USER);
  assert.equal(
    readFileSync(file, 'utf8'),
    '{\n\t"auths": {\n\t\t"localhost:5002": {\n\t\t\t"auth": "dXNlcjpwYXNz"\n\t\t}\n\t}\n}',
  );
  assert.deepEqual([mode(file), mode(dirname(file)), mode(join(directory, 'd1'))], ['600', '700', '700']);
  assert.equal(await removeCredentials([file], 'localhost:5002'), true);
  assert.equal(readFileSync(file, 'utf8'), '{\n\t"auths": {}\n}');
  assert.equal(await removeCredentials([file], 'localhost:5002'), false);
  assert.deepEqual(readdirSync(dirname(file)), ['config.json']);
});

test('keeps what it does not know, the mode of a file, and the order of Helm', POSIX, async (t) => {
  const before =
    '{"auths":{"other.example.com":{"auth":"YTpi"},"tok.example.com":{"auth":"dTo=","identitytoken":"t0k","email":"x"}},' +
    '"HttpHeaders":{"X":"y"},"unknown":1}';
  const file = fileWith(t, before);
  chmodSync(file, 0o640);
  await saveCredentials(file, 'localhost:5002', USER);
  const after = JSON.parse(readFileSync(file, 'utf8'));
  assert.deepEqual(Object.keys(after.auths), ['localhost:5002', 'other.example.com', 'tok.example.com']);
  delete after.auths['localhost:5002'];
  assert.deepEqual(after, JSON.parse(before));
  assert.equal(mode(file), '640');
  await saveCredentials(file, 'tok.example.com', { identityToken: 'new' });
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')).auths['tok.example.com'], {
    identitytoken: 'new',
    email: 'x',
  });
});

test('writes through a link, also one whose end does not exist yet', POSIX, async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'real'));
  const [link, second] = [join(directory, 'link.json'), join(directory, 'second.json')];
  symlinkSync(join('real', 'config.json'), link);
  symlinkSync('link.json', second);
  await saveCredentials(second, 'h', USER);
  assert.ok(lstatSync(link).isSymbolicLink() && readlinkSync(second) === 'link.json');
  assert.deepEqual(await readCredentials([join(directory, 'real', 'config.json')], 'h'), USER);
  assert.equal(await removeCredentials([link], 'h'), true);
  assert.ok(lstatSync(link).isSymbolicLink());
});

test('removes a host from every file, and is not kept from it by one that is broken', async (t) => {
  const entry = { auths: { h: { auth: base64('a:b') }, other: { auth: base64('a:b') } } };
  const [one, broken, two] = [fileWith(t, entry), fileWith(t, '{'), fileWith(t, entry)];
  await assert.rejects(removeCredentials([one, broken, two], 'h'), (error) =>
    isChartError(error, 'CREDENTIALS_INVALID'),
  );
  for (const file of [one, two]) assert.deepEqual(Object.keys(JSON.parse(readFileSync(file, 'utf8')).auths), ['other']);
  assert.equal(await removeCredentials([one, join(dirname(one), 'none')], 'h'), false);
  assert.equal(existsSync(join(dirname(one), 'none')), false);
});

test('leaves a file that is broken as it is', async (t) => {
  const file = fileWith(t, '{"auths": ');
  await assert.rejects(saveCredentials(file, 'h', USER), (error) => isChartError(error, 'CREDENTIALS_INVALID'));
  assert.equal(readFileSync(file, 'utf8'), '{"auths": ');
  assert.deepEqual(readdirSync(dirname(file)), ['config.json']);
});

test('says that a file cannot be written', async (t) => {
  const file = join(fileWith(t, '{}'), 'config.json');
  await assert.rejects(saveCredentials(file, 'h', USER), (error) => {
    assert.ok(isChartError(error, 'CREDENTIALS_UNWRITABLE'));
    assert.ok(error.message.startsWith(`${file} cannot be written: `));
    return true;
  });
});

test('many logins at once, from several processes, lose none', async (t) => {
  const file = join(temporaryDirectory(t), 'config.json');
  const script = `
    import { saveCredentials } from ${JSON.stringify(join(PROJECT, 'src/registry/credentials.ts'))};
    const [file, name] = process.argv.slice(-2);
    const hosts = [0, 1, 2, 3, 4].map((n) => name + n + '.example.com');
    await Promise.all(hosts.map((host) => saveCredentials(file, host, { username: host, password: 'x' })));
  `;
  const run = (name: string): Promise<unknown> =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, file, name], {
      cwd: PROJECT,
    });
  await Promise.all(['a', 'b', 'c'].map(run));
  assert.equal(Object.keys(JSON.parse(readFileSync(file, 'utf8')).auths).length, 15);
  assert.deepEqual(readdirSync(dirname(file)), ['config.json']);
});

test('takes over from a writer that has died, and removes what it left', async (t) => {
  const file = fileWith(t, '{}');
  writeFileSync(`${file}.lock`, '{"half":');
  const long = new Date(Date.now() - 3_600_000);
  utimesSync(`${file}.lock`, long, long);
  await saveCredentials(file, 'h', USER);
  assert.deepEqual(await readCredentials([file], 'h'), USER);
  assert.deepEqual(readdirSync(dirname(file)), ['config.json']);
});
