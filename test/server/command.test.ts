/** `chart serve` as an operator runs it: the built program, its options, its signals and what it prints. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import bcrypt from 'bcryptjs';
import { digestOf } from '../../src/oci/digest.js';
import { requireTools } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { type RunningProgram, runChart, startChart } from '../helpers/run.js';
import { makeAuthority } from '../registry/certificates.js';
import { assertRefused } from './fixture.js';
import { exchangeBytes, Line, talk } from './talk.js';

interface Started {
  readonly server: RunningProgram;
  readonly url: string;
  readonly port: number;
}

async function serve(t: TestContext, dir: string, ...args: string[]): Promise<Started> {
  const server = startChart(['serve', '--port', '0', '--cache-dir', join(dir, 'cache'), ...args]);
  t.after(() => server.stop('SIGKILL'));
  const [, url = ''] = await server.waitFor(/^Listening on (https?:\/\/\S+)$/m);
  return { server, url, port: Number(new URL(url).port) };
}

async function pushBlob(url: string, content: string, headers: Record<string, string> = {}): Promise<Response> {
  const digest = digestOf(Buffer.from(content));
  return fetch(`${url}/v2/team/app/blobs/uploads/?digest=${digest}`, { method: 'POST', body: content, headers });
}

function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

async function refusal(dir: string, ...args: string[]): Promise<string> {
  const { exit, stderr, stdout } = await runChart(['serve', '--port', '0', '--cache-dir', join(dir, 'cache'), ...args]);
  assert.equal(exit, 1, stdout);
  assert.equal(stdout, '');
  return stderr;
}

describe('chart serve', () => {
  it('prints where it listens in one line, and ends with 0 at SIGTERM and SIGINT', async (t) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const dir = temporaryDirectory(t);
      mkdirSync(join(dir, 'cache'));
      const { server, url } = await serve(t, dir);
      assert.equal((await fetch(`${url}/v2/`)).status, 200);
      const { exit, stdout, stderr } = await server.stop(signal);
      assert.deepEqual({ exit, stdout, stderr }, { exit: 0, stdout: `Listening on ${url}\n`, stderr: '' });
    }
  });

  it('refuses every change unless it is writable', async (t) => {
    const dir = temporaryDirectory(t);
    const { url } = await serve(t, dir);
    assert.equal((await pushBlob(url, 'hello')).status, 405);
  });

  it('serves what comes after its start, and lists what was pushed', async (t) => {
    const dir = temporaryDirectory(t);
    const { url } = await serve(t, dir, '--writable');
    const cache = ['--cache-dir', join(dir, 'cache')];
    writeChart(dir);
    assert.equal((await fetch(`${url}/v2/team/app/tags/list`)).status, 404);
    const ref = 'registry.example.com/team/app:1.0.0';
    assert.equal((await runChart(['save', join(dir, 'app'), ref, ...cache])).exit, 0);
    const tags = await (await fetch(`${url}/v2/team/app/tags/list`)).json();
    assert.deepEqual(tags, { name: 'team/app', tags: ['1.0.0'] });
    const host = new URL(url).host;
    assert.equal((await runChart(['tag', ref, `${host}/team/other:2.0.0`, ...cache])).exit, 0);
    const other = ['--cache-dir', join(dir, 'other')];
    assert.equal((await runChart(['save', join(dir, 'app'), `${host}/pushed/app:3.0.0`, ...other])).exit, 0);
    const push = await runChart(['push', `${host}/pushed/app:3.0.0`, ...other]);
    assert.equal(push.exit, 0, push.stderr);
    assert.match((await runChart(['list', '-q', ...cache])).stdout, /^pushed\/app:3\.0\.0$/m);
    assert.equal((await runChart(['remove', ref, ...cache])).exit, 0);
    assert.equal((await fetch(`${url}/v2/registry.example.com/team/app/manifests/1.0.0`)).status, 404);
  });

  it('serves only what --prefix says, and --prefer decides between hosts', async (t) => {
    const dir = temporaryDirectory(t);
    writeChart(dir);
    const cache = ['--cache-dir', join(dir, 'cache')];
    const refs = ['a.example.com/team/app:1.0.0', 'b.example.com/team/app:2.0.0'];
    for (const ref of refs) assert.equal((await runChart(['save', join(dir, 'app'), ref, ...cache])).exit, 0);
    const tagsOf = async (args: string[]) => {
      const { url, server } = await serve(t, dir, ...args);
      const reply = await fetch(`${url}/v2/team/app/tags/list`);
      const text = await reply.text();
      await server.stop();
      return { status: reply.status, text };
    };
    const both = await tagsOf([]);
    assert.equal(both.status, 404);
    for (const ref of refs) assert.ok(both.text.includes(ref.replace(/:.*/, '')));
    assert.match((await tagsOf(['--prefer', 'b.example.com'])).text, /"2\.0\.0"/);
    assert.match((await tagsOf(['--prefix', 'a.example.com'])).text, /"1\.0\.0"/);
    assert.equal((await tagsOf(['--prefix', 'a.example.com/other'])).status, 404);
    assert.match(await refusal(dir, '--prefer', 'not a host'), /It is a host/);
    assert.match(await refusal(dir, '--prefix', '../up'), /It is a host or a repository/);
  });

  it('finishes what is under way at SIGTERM', async (t) => {
    const { server, url, port } = await serve(t, temporaryDirectory(t), '--writable');
    const content = 'hello, world';
    const digest = digestOf(Buffer.from(content));
    const line = new Line(port);
    const head = `POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n`;
    line.write(`${head}Content-Length: ${content.length}\r\n\r\n`);
    assert.equal((await line.reply()).status, 100);
    line.write(content.slice(0, 5));
    const ended = server.stop();
    while (
      await fetch(`${url}/v2/`).then(
        () => true,
        () => false,
      )
    );
    line.write(content.slice(5));
    assert.equal((await line.reply()).status, 201);
    assert.equal((await ended).exit, 0);
  });

  it('cuts off at SIGTERM what takes longer than --shutdown-timeout', async (t) => {
    const { server, port } = await serve(t, temporaryDirectory(t), '--writable', '--shutdown-timeout', '100ms');
    const line = new Line(port);
    line.write('POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
    await line.reply();
    assert.equal((await server.stop()).exit, 0);
    await line.closed;
  });

  it('lets others write only with passwords, or when it is told to', async (t) => {
    const dir = temporaryDirectory(t);
    for (const addr of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0']) {
      const stderr = await refusal(dir, '--addr', addr, '--writable');
      assert.match(stderr, /everybody could push and delete.*--htpasswd.*--insecure-allow-anonymous-write/s);
    }
    const { url, server } = await serve(
      t,
      dir,
      '--addr',
      '0.0.0.0:0',
      '--writable',
      '--insecure-allow-anonymous-write',
    );
    assert.equal((await pushBlob(url, 'hello')).status, 201);
    await server.stop();
    // Reading alone is nothing to ask about.
    await (await serve(t, dir, '--addr', '0.0.0.0:0')).server.stop();
    await (await serve(t, dir, '--addr', 'localhost:0', '--writable')).server.stop();
  });

  it('refuses options that do not go together or say nothing', async (t) => {
    const dir = temporaryDirectory(t);
    const wrong: [args: string[], message: RegExp][] = [
      [['--tls-cert', 'x'], /--tls-cert and --tls-key go together/],
      [['--anonymous-read'], /--anonymous-read needs --htpasswd/],
      [['--insecure-allow-anonymous-write'], /needs --writable/],
      [['--htpasswd', join(dir, 'missing')], /cannot read .*missing/],
      [['--tls-cert', join(dir, 'missing'), '--tls-key', join(dir, 'missing')], /cannot read .*missing/],
      [['--addr', 'nonsense'], /is not HOST:PORT/],
      [['--port', '70000'], /from 0, for a free one, to 65535/],
      [['--max-blob-size', '0'], /a size such as/],
      [['--max-manifest-size', '5MiB'], /at most 4MiB/],
      [['--max-uploads', '-1'], /whole number above 0/],
      [['--idle-timeout', '5'], /a time such as/],
      [['--idle-timeout', '9999h'], /a time such as/],
      [['--access-log', 'xml'], /combined, json/],
    ];
    for (const [args, message] of wrong) assert.match(await refusal(dir, ...args), message);
  });

  it('keeps to the limits that it is given', async (t) => {
    const limits = [
      '--max-blob-size',
      '1KiB',
      '--max-manifest-size',
      '100',
      '--max-header-size',
      '2K',
      '--max-uploads',
      '1',
    ];
    const { url } = await serve(t, temporaryDirectory(t), '--writable', ...limits);
    assert.equal((await pushBlob(url, 'x'.repeat(1024))).status, 201);
    assert.equal((await pushBlob(url, 'x'.repeat(1025))).status, 413);
    const put = await fetch(`${url}/v2/a/manifests/1`, { method: 'PUT', body: ' '.repeat(101) });
    assert.equal(put.status, 413);
    assert.equal((await fetch(`${url}/v2/`, { headers: { x: 'x'.repeat(3000) } })).status, 431);
    assert.equal((await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST' })).status, 202);
    assert.equal((await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST' })).status, 429);
  });

  it('tells who watches over it how it is, and Prometheus what it did', async (t) => {
    const dir = temporaryDirectory(t);
    const { url } = await serve(t, dir, '--writable');
    assert.equal(await (await fetch(`${url}/healthz`)).text(), 'ok\n');
    assert.equal(await (await fetch(`${url}/readyz`)).text(), 'ready\n');
    assert.equal((await pushBlob(url, 'hello')).status, 201);
    assert.equal((await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST' })).status, 202);
    assert.equal((await fetch(`${url}/v2/none/manifests/1`)).status, 404);
    const reply = await fetch(`${url}/metrics`);
    assert.match(reply.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const text = await reply.text();
    assert.match(text, /^chart_http_requests_total\{method="POST",kind="uploads",code="201"\} 1$/m);
    assert.match(text, /^chart_http_requests_total\{method="GET",kind="manifest",code="404"\} 1$/m);
    assert.match(text, /^chart_http_request_duration_seconds_count\{kind="uploads"\} 2$/m);
    assert.match(text, /^chart_uploads_open 1$/m);
    assert.match(text, /^chart_http_requests_in_flight 1$/m);
    assert.match(text, /^process_resident_memory_bytes \d+$/m);
    writeFileSync(join(dir, 'cache', 'index.json'), 'not json at all');
    assert.equal((await fetch(`${url}/readyz`)).status, 503);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
  });

  it('writes an access log after the line that says where it listens', async (t) => {
    for (const format of ['combined', 'json']) {
      const { server, url } = await serve(t, temporaryDirectory(t), '--access-log', format);
      await (await fetch(`${url}/v2/a/tags/list`, { headers: { 'user-agent': 'te"st' } })).text();
      const { stdout } = await server.stop();
      const [first, line = '', ...rest] = stdout.trimEnd().split('\n');
      assert.equal(first, `Listening on ${url}`);
      assert.deepEqual(rest, []);
      if (format === 'combined')
        assert.match(line, /^127\.0\.0\.1 - - \[[^\]]+\] "GET \/v2\/a\/tags\/list HTTP\/1\.1" 404 \d+ "-" "te\\"st"$/);
      else assert.deepEqual([JSON.parse(line).status, JSON.parse(line).userAgent], [404, 'te"st']);
    }
  });
});

describe('chart serve --htpasswd', () => {
  it('asks for passwords, and reads the file again at SIGHUP', { skip: noSighup() }, async (t) => {
    const dir = temporaryDirectory(t);
    const file = join(dir, 'users');
    writeFileSync(file, `ann:${bcrypt.hashSync('one', 4)}\n`);
    const { server, url } = await serve(t, dir, '--writable', '--htpasswd', file, '--addr', '127.0.0.1:0');
    assert.equal((await fetch(`${url}/v2/`)).status, 401);
    assert.equal((await fetch(`${url}/metrics`)).status, 401);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.equal((await pushBlob(url, 'hello', basic('ann', 'one'))).status, 201);
    assert.equal((await pushBlob(url, 'hello', basic('ann', 'two'))).status, 401);

    writeFileSync(file, `ann:${bcrypt.hashSync('two', 4)}\n`);
    server.child.kill('SIGHUP');
    await server.waitFor(/Read the certificate and the passwords again/, 'stderr');
    assert.equal((await fetch(`${url}/v2/`, { headers: basic('ann', 'one') })).status, 401);
    assert.equal((await fetch(`${url}/v2/`, { headers: basic('ann', 'two') })).status, 200);

    writeFileSync(file, 'ann:plain\n');
    server.child.kill('SIGHUP');
    await server.waitFor(/everything stays as it was: .*line 1 has no bcrypt hash/, 'stderr');
    assert.equal((await fetch(`${url}/v2/`, { headers: basic('ann', 'two') })).status, 200);
    const { stderr } = await server.stop();
    assert.doesNotMatch(stderr, /ann/);
  });

  it('takes what htpasswd -B writes', { skip: requireTools('htpasswd') }, async (t) => {
    const dir = temporaryDirectory(t);
    const file = join(dir, 'users');
    execFileSync('htpasswd', ['-Bbc', file, 'bob', 'päss'], { stdio: 'ignore' });
    const { url } = await serve(t, dir, '--htpasswd', file, '--anonymous-read');
    assert.equal((await fetch(`${url}/v2/`, { headers: basic('bob', 'päss') })).status, 200);
    assert.equal((await fetch(`${url}/v2/`)).status, 401);
    assert.equal((await fetch(`${url}/v2/_catalog`)).status, 200);
    execFileSync('htpasswd', ['-mb', file, 'eve', 'x'], { stdio: 'ignore' });
    assert.match(await refusal(dir, '--htpasswd', file), /line 2 has no bcrypt hash/);
  });

  it('is what chart registry login, push and pull work with', async (t) => {
    const dir = temporaryDirectory(t);
    const file = join(dir, 'users');
    writeFileSync(file, `ann:${bcrypt.hashSync('one', 4)}\n`);
    const { url } = await serve(t, dir, '--writable', '--htpasswd', file, '--anonymous-read');
    const { host } = new URL(url);
    writeChart(dir);
    const own = ['--cache-dir', join(dir, 'own'), '--registry-config', join(dir, 'auth.json')];
    const login = (password: string) =>
      runChart(['registry', 'login', host, '-u', 'ann', '--password-stdin', '--plain-http', ...own], {
        stdin: password,
      });
    assert.equal((await runChart(['save', join(dir, 'app'), `${host}/team/app:1.0.0`, ...own])).exit, 0);
    assert.equal((await runChart(['push', `${host}/team/app:1.0.0`, ...own])).exit, 1);
    assert.equal((await login('wrong')).exit, 1);
    assert.equal((await login('one')).exit, 0);
    assert.equal((await runChart(['push', `${host}/team/app:1.0.0`, ...own])).exit, 0);
    const empty = ['--cache-dir', join(dir, 'empty'), '--registry-config', join(dir, 'none.json')];
    assert.equal((await runChart(['pull', `${host}/team/app:1.0.0`, ...empty])).exit, 0);
  });
});

describe('chart serve --tls-cert', { skip: requireTools('openssl') }, () => {
  it('serves HTTPS, and another certificate after SIGHUP', { skip: noSighup() }, async (t) => {
    const dir = temporaryDirectory(t);
    const authority = makeAuthority(dir);
    const [first, second] = [authority.issue('first'), authority.issue('second')];
    const [cert, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
    const install = (pair: { cert: string; key: string }) => {
      copyFileSync(pair.cert, cert);
      copyFileSync(pair.key, key);
    };
    install(first);
    const { server, url } = await serve(t, dir, '--tls-cert', cert, '--tls-key', key);
    assert.match(url, /^https:/);
    const subject = () => subjectOf(`${url}/v2/`, authority.pem.cert);
    assert.equal(await subject(), 'test first');
    install(second);
    server.child.kill('SIGHUP');
    await server.waitFor(/Read the certificate and the passwords again/, 'stderr');
    assert.equal(await subject(), 'test second');
    copyFileSync(first.key, key);
    server.child.kill('SIGHUP');
    await server.waitFor(/everything stays as it was: the certificate and its key cannot be used/, 'stderr');
    assert.equal(await subject(), 'test second');
    assert.match(
      await refusal(dir, '--tls-cert', cert, '--tls-key', key),
      /the certificate and its key cannot be used/,
    );
  });

  it('tells clients of plain HTTP what it is, and goes on for the others', async (t) => {
    const dir = temporaryDirectory(t);
    const authority = makeAuthority(dir);
    const pair = authority.issue('first');
    const { url, port } = await serve(t, dir, '--tls-cert', pair.cert, '--tls-key', pair.key);
    const silent = connect({ port, host: '127.0.0.1' });
    t.after(() => silent.destroy());
    const page = await talk(port, 'GET / HTTP/1.1');
    assert.equal(page.status, 400);
    assert.match(page.body.toString(), /^this is an HTTPS server.* use https:\/\/\n$/);
    const api = await talk(port, 'PUT /v2/team/app/manifests/1.0.0 HTTP/1.1', '{}');
    assert.equal(api.headers['content-type'], 'application/json');
    assertRefused(api, 400, 'UNSUPPORTED');
    const noise = await exchangeBytes(port, Buffer.from('no request, no handshake\r\n\r\n'));
    assert.doesNotMatch(noise.toString('latin1'), /HTTP/);
    assert.equal(await subjectOf(`${url}/v2/`, authority.pem.cert), 'test first');
  });
});

it('a client of HTTPS that reaches plain HTTP is told of in one line, and no other client notices', async (t) => {
  const dir = temporaryDirectory(t);
  mkdirSync(join(dir, 'cache'));
  const { server, url, port } = await serve(t, dir);
  for (let round = 0; round < 3; round += 1) {
    const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'error');
  }
  assert.equal(
    (await exchangeBytes(port, 'garbage\r\n\r\n')).toString(),
    'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n',
  );
  assert.equal((await fetch(`${url}/v2/`)).status, 200);
  const { stderr } = await server.stop();
  assert.equal(
    stderr,
    'Warning: 127.0.0.1 speaks TLS, and this is plain HTTP: have the client use http:// (--plain-http), or serve HTTPS with --tls-cert and --tls-key\n',
  );
});

function subjectOf(url: string, ca: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { ca, agent: false }, (response) => {
      response.resume();
      assert.equal(response.statusCode, 200);
      const socket = response.socket as TLSSocket;
      resolve(String(socket.getPeerCertificate().subject.CN));
    });
    request.on('error', reject);
    request.end();
  });
}

function writeChart(dir: string): void {
  mkdirSync(join(dir, 'app'), { recursive: true });
  writeFileSync(join(dir, 'app', 'Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 1.0.0\n');
}

function noSighup(): string | false {
  return process.platform === 'win32' && 'no SIGHUP on Windows';
}
