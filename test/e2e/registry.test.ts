/** A real registry with passwords and TLS, as a user meets it. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type DockerRegistry, requireTools, startDockerRegistry } from '../helpers/docker-registry.js';
import { startFaultProxy } from '../helpers/fault-proxy.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { type RunResult, runChart } from '../helpers/run.js';
import { type Authority, type IssueOptions, makeAuthority } from '../registry/certificates.js';
import { startTokenServer } from '../registry/token-server.js';
import { writeCharts } from './charts.js';

const skip = requireTools('docker-registry', 'htpasswd', 'openssl');
const PASSWORD = 'p4ss:w0rd "§';

interface Stage {
  readonly home: string;
  readonly authority: Authority;
  chart(args: readonly string[], stdin?: string): Promise<RunResult>;
  registry(certificate?: IssueOptions): Promise<DockerRegistry>;
}

function stage(t: TestContext): Stage {
  const directory = temporaryDirectory(t);
  const home = join(directory, 'home');
  mkdirSync(home);
  const authority = makeAuthority(directory);
  writeCharts(home, ['web']);
  return {
    home,
    authority,
    chart: (args, stdin) => runChart(args, { home, stdin }),
    async registry(certificate = {}) {
      const tls = authority.issue('server', certificate);
      const registry = await startDockerRegistry({ tls, htpasswd: { 'me@example.com': PASSWORD } });
      t.after(() => registry.stop());
      return registry;
    },
  };
}

const LOGIN = ['-u', 'me@example.com', '--password-stdin'];

describe('a registry with passwords and a certificate of its own authority', { skip }, () => {
  it('is logged in to, pushed to, pulled from and logged out of; credentials are readable by their owner alone', async (t) => {
    const { home, authority, chart, registry } = stage(t);
    const { host } = await registry();
    const trust = ['--ca-file', authority.cert];
    const login = await chart(['registry', 'login', host, ...LOGIN, ...trust], `${PASSWORD}\n`);
    assert.deepEqual([login.stdout, login.stderr, login.exit], ['Login succeeded\n', '', 0]);
    const file = join(home, '.config', 'helm', 'registry', 'config.json');
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(file, 'utf8')).auths), [host]);
    if (process.platform !== 'win32') {
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700);
    }
    assert.deepEqual(readdirSync(join(file, '..')), ['config.json']);
    const ref = `${host}/team/web:1.0.0`;
    await chart(['save', 'web', ref]);
    const push = await chart(['push', ref, ...trust]);
    assert.equal(push.exit, 0, push.stderr);
    assert.equal((await chart(['remove', ref])).exit, 0);
    const pull = await chart(['pull', ref, ...trust]);
    assert.equal(pull.exit, 0, pull.stderr);
    assert.match(pull.stdout, /Downloaded newer chart/);
    assertValidLayout(join(home, '.cache', 'helm', 'registry', 'cache'));
    const logout = await chart(['registry', 'logout', host]);
    assert.deepEqual([logout.stdout, logout.exit], ['Logout succeeded\n', 0]);
    assert.doesNotMatch(readFileSync(file, 'utf8'), new RegExp(host));
    const after = await chart(['push', ref, ...trust]);
    assert.equal(after.exit, 1);
    assert.ok(after.stderr.includes(`chart registry login ${host}`), after.stderr);
  });

  it('says that the password is wrong, and stores nothing', async (t) => {
    const { home, authority, chart, registry } = stage(t);
    const { host, url } = await registry();
    const { exit, stderr } = await chart(['registry', 'login', host, ...LOGIN, '--ca-file', authority.cert], 'other');
    assert.equal(exit, 1);
    assert.match(stderr, /failed with status: 401 Unauthorized/);
    assert.ok(stderr.includes(url), stderr);
    assert.match(stderr, /authentication|user name and the password/i);
    assert.throws(() => statSync(join(home, '.config', 'helm', 'registry', 'config.json')));
  });

  const faults: [string, IssueOptions | undefined, RegExp, RegExp][] = [
    ['its authority is not the one that was named', undefined, /signed by unknown authority/, /--ca-file/],
    [
      'it is for another host name',
      { names: 'DNS:other.example.com' },
      /valid for other\.example\.com, not localhost/,
      /Use a name that the certificate/,
    ],
    ['it has expired', { days: [-3, -1] }, /certificate has expired/, /must be renewed/],
  ];
  for (const [what, certificate, words, hint] of faults) {
    it(`says of a certificate that ${what}, and what to do, for login, push and pull`, async (t) => {
      const { home, authority, chart, registry } = stage(t);
      const { host } = await registry(certificate);
      const trusted = certificate ? authority : makeAuthority(home, 'stranger');
      const ref = `${host}/team/web:1.0.0`;
      await chart(['save', 'web', ref]);
      for (const args of [
        ['registry', 'login', host, ...LOGIN],
        ['push', ref],
        ['pull', ref],
      ]) {
        const { exit, stderr } = await chart([...args, '--ca-file', trusted.cert], PASSWORD);
        assert.equal(exit, 1);
        assert.match(stderr, words);
        assert.match(stderr, hint);
        assert.doesNotMatch(stderr, /plain-http/);
      }
    });
  }
});

describe('GHSA-5jhf-2qmf-m8c5: the debug log', { skip }, () => {
  it('of a login, a push and a pull holds no password, token or signed query', async (t) => {
    const { home, authority, chart } = stage(t);
    const tokens = await startTokenServer({ signer: authority, users: { me: PASSWORD.replace(':', '') } });
    t.after(() => tokens.stop());
    const { realm, service, issuer } = tokens;
    const registry = await startDockerRegistry({ token: { realm, service, issuer, certificates: authority.cert } });
    t.after(() => registry.stop());
    const network = await startFaultProxy(t, registry.url, { faults: { redirect: 1 } });
    const ref = `${network.host}/team/web:1.0.0`;
    await chart(['save', 'web', ref]);
    const password = PASSWORD.replace(':', '');
    const log: string[] = [];
    for (const args of [
      ['registry', 'login', network.host, '-u', 'me', '--password-stdin'],
      ['push', ref],
      ['remove', ref],
      ['pull', ref],
    ]) {
      const { exit, stdout, stderr } = await chart(['--debug', ...args], password);
      assert.equal(exit, 0, stderr);
      log.push(stdout, stderr);
    }
    const text = log.join('\n');
    assert.match(text, /debug: GET http:\/\/127\.0\.0\.1:\d+\/token\?.*scope=repository:team\/web:pull,push 200/);
    assert.match(text, /debug: PUT .*_state=\*\*\*/);
    assert.match(text, /debug: GET .*X-Signature=\*\*\* 200/);
    const signatures = network.elsewhere.map(({ path }) => /X-Signature=(\w+)/.exec(path)?.[1] as string);
    assert.ok(signatures.length > 0);
    for (const secret of [password, Buffer.from(`me:${password}`).toString('base64'), ...signatures]) {
      assert.ok(!text.includes(secret), `the log holds ${secret}`);
    }
    // What a token and the state of an upload look like.
    assert.doesNotMatch(text, /eyJ[\w-]{8}|_state=[\w-]{8}/);
    assert.deepEqual(
      network.elsewhere.filter(({ headers }) => headers.authorization !== undefined),
      [],
      'GHSA-vh4v-2xq2-g5cg',
    );
    assertValidLayout(join(home, '.cache', 'helm', 'registry', 'cache'));
  });
});
