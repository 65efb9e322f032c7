/** `chart mirror`: credentials and TLS of each host, speed limit, what is attached, indexes that lead to registries or are large. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { startClassicServer } from '../helpers/classic-repository.js';
import { requireTools } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { getManifest, putArtifact, type RawDescriptor } from '../helpers/raw-artifact.js';
import { type RunningProgram, type RunOptions, runChart, startChart } from '../helpers/run.js';
import { makeAuthority } from '../registry/certificates.js';
import { writeCharts } from './charts.js';

const MIB = 1024 * 1024;
const SOAK = Number(process.env.CHART_TEST_SOAK ?? 0);

interface Report {
  readonly summary: Readonly<Record<string, number>>;
  readonly charts: readonly {
    name?: string;
    digest?: string;
    status: string;
    referrers?: number;
    error?: { code: string };
  }[];
}

let home: string;
let server: RunningProgram;
let host: string;
let ends: (() => void)[] = [];

/** A registry that is a chart repository, too: `team/a`, `team/b`, 100 KB each. */
before(async () => {
  home = temporaryDirectory({ after: (end: () => void) => void ends.push(end) } as unknown as TestContext);
  writeCharts(home, ['a', 'b'], 100_000);
  const served = join(home, 'served');
  server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', served]);
  [, host = ''] = (await server.waitFor(/^Listening on http:\/\/(\S+)$/m)) as unknown as [string, string];
  const saved = await runChart(['save', 'a', 'b', '--to', 'team', '--cache-dir', served], { home, cwd: home });
  assert.equal(saved.exit, 0, saved.stderr);
});

after(async () => {
  await server.stop();
  for (const end of ends) end();
  ends = [];
});

async function mirror(args: readonly string[], options: RunOptions) {
  const result = await runChart(['mirror', ...args, '-o', 'json'], options);
  return { ...result, report: JSON.parse(result.stdout || 'null') as Report };
}

function digests({ charts }: Report): Record<string, string | undefined> {
  return Object.fromEntries(charts.map(({ name, digest }) => [name, digest]));
}

describe('chart mirror', () => {
  it('--max-rate holds for what comes from a registry and from a chart repository', async (t) => {
    for (const source of [`oci://${host}/team/*`, `http://${host}/team`]) {
      const own = temporaryDirectory(t);
      const { exit, stderr, ms, report } = await mirror([source, 'cache', '--max-rate', '200K'], { home: own });
      assert.equal(exit, 0, stderr);
      const bytes = report.summary.copiedBytes as number;
      assert.ok(bytes > 200_000);
      // A slow machine only takes longer.
      assert.ok(ms > (bytes / (200 * 1024)) * 1000 * 0.9, `${bytes} bytes in ${ms} ms`);
    }
  });

  it('an index that leads to a registry gives what the registry has, byte for byte', async (t) => {
    const own = temporaryDirectory(t);
    const classic = await startClassicServer(t);
    const entry = (name: string) =>
      `  ${name}:\n  - {apiVersion: v2, name: ${name}, version: 1.0.0, urls: ["oci://${host}/team/${name}:1.0.0"]}\n`;
    classic.put('/index.yaml', `apiVersion: v1\nentries:\n${entry('a')}${entry('b')}`);
    const indexed = await mirror([classic.url, 'cache:x'], { home: own });
    assert.equal(indexed.exit, 0, indexed.stderr);
    const direct = await mirror([`oci://${host}/team/*`, 'cache:y'], { home: own });
    assert.deepEqual(digests(indexed.report), digests(direct.report));
    assert.deepEqual(Object.keys(digests(direct.report)), ['a', 'b']);
    assert.deepEqual(
      classic.seen.map(({ path }) => path),
      ['/index.yaml'],
    );
  });

  it('--referrers takes along what is attached, also later, and --check misses it', async (t) => {
    const own = temporaryDirectory(t);
    const target = join(own, 'target');
    const registry = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', target]);
    t.after(() => registry.stop());
    const [, to = ''] = await registry.waitFor(/^Listening on http:\/\/(\S+)$/m);
    const args = [`oci://${host}/team/a`, `oci://${to}/copy`, '--referrers'];
    const text = (await getManifest(`http://${host}`, 'team/a', '1.0.0')) as string;
    const plain = await mirror(args, { home: own });
    assert.deepEqual([plain.exit, plain.report.charts[0]?.referrers], [0, 0], plain.stderr);
    const digest = plain.report.charts[0]?.digest as string;
    const subject: RawDescriptor = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest,
      size: Buffer.byteLength(text),
    };
    const signature = await putArtifact(`http://${host}`, 'team/a', {
      subject,
      artifactType: 'application/vnd.example.signature',
      content: 'signed',
    });
    const tag = `${digest.replace(':', '-')}.sig`;
    const cosigned = await putArtifact(`http://${host}`, 'team/a', { tag, content: 'cosigned' });
    const check = await mirror([...args, '--check'], { home: own });
    assert.deepEqual([check.exit, check.report.summary.missing], [1, 1], check.stderr);
    const later = await mirror(args, { home: own });
    assert.deepEqual([later.exit, later.report.charts[0]?.referrers], [0, 2], later.stderr);
    for (const [reference, { digest: expected }] of [
      [signature.digest, signature],
      [tag, cosigned],
    ] as const) {
      const there = await getManifest(`http://${to}`, 'copy/a', reference);
      assert.equal(there, await getManifest(`http://${host}`, 'team/a', expected));
    }
    assert.equal((await mirror([...args, '--check'], { home: own })).exit, 0);
    await assertValidLayout(target);
  });

  it('reaches each host by what the file says of it: authorities, client certificates, passwords of the environment', {
    skip: requireTools('openssl'),
  }, async (t) => {
    const own = temporaryDirectory(t);
    const authority = makeAuthority(own);
    const [server, client] = [authority.issue('server'), authority.issue('client')];
    const expected = `Basic ${Buffer.from('ci:s3cret').toString('base64')}`;
    const [name, port] = host.split(':');
    const seen: string[] = [];
    const certified: unknown[] = [];
    const front = createHttps(
      { ...server.pem, ca: authority.pem.cert, requestCert: true, rejectUnauthorized: false },
      (incoming, response) => {
        const { authorization, ...headers } = incoming.headers;
        certified.push((incoming.socket as TLSSocket).getPeerCertificate().subject?.CN);
        seen.push(incoming.url ?? '');
        if (authorization !== expected) {
          response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
          return;
        }
        incoming.pipe(
          request({ host: name, port, path: incoming.url, method: incoming.method, headers }, (answer) => {
            response.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.pipe(response);
          }),
        );
      },
    );
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      front.closeAllConnections();
      front.close();
    });
    const place = `localhost:${(front.address() as AddressInfo).port}`;
    const run = async (settings: string, password: string | undefined) => {
      const sources = [`oci://${place}/team/a`, `https://${place}/team`];
      const entries = sources.map((source, i) => `  - {source: "${source}", include: a, target: "from${i}/{name}"}\n`);
      const file = join(own, 'mirror.yaml');
      writeFileSync(
        file,
        `version: 1\ntarget: cache:x\nregistries:\n  ${place}: {${settings}}\ncharts:\n${entries.join('')}`,
      );
      const { exit, stderr, report } = await mirror(['-f', file], { home: own, env: { MIRROR_SECRET: password } });
      return { exit, stderr, codes: report?.charts.map(({ error, status }) => error?.code ?? status) };
    };
    const login = 'username: ci, passwordEnv: MIRROR_SECRET';
    const unknown = await run(`plainHttp: false, ${login}`, 's3cret');
    assert.deepEqual(unknown.codes, ['REGISTRY_TLS', 'REGISTRY_TLS'], unknown.stderr);
    assert.deepEqual(seen, []);
    const wrong = await run(`caFile: ${basename(authority.cert)}, ${login}`, 'wrong');
    assert.deepEqual(wrong.codes, ['CREDENTIALS_REJECTED', 'CREDENTIALS_REJECTED'], wrong.stderr);
    const unset = await run(`caFile: ${basename(authority.cert)}, ${login}`, undefined);
    assert.match(unset.stderr, /MIRROR_SECRET/);
    const insecure = await run(`insecureSkipTlsVerify: true, ${login}`, 's3cret');
    assert.deepEqual(insecure.codes, ['copied', 'copied'], insecure.stderr);
    assert.ok(certified.length > 0 && certified.every((name) => name === undefined));
    certified.length = 0;
    const known = await run(
      `caFile: ${basename(authority.cert)}, certFile: ${basename(client.cert)}, keyFile: ${basename(client.key)}, ${login}`,
      's3cret',
    );
    assert.ok(certified.length > 0 && certified.every((name) => name === 'test client'));
    assert.deepEqual(known.codes, ['present', 'present'], known.stderr);
  });

  const size = SOAK > 0 ? 50 : 4;
  it(`reads an index of ${size} MB within 400 MiB`, async (t) => {
    const own = temporaryDirectory(t);
    const pieces = ['apiVersion: v1\nentries:\n'];
    let [written, versions] = [0, 0];
    for (let chart = 0; written < size * 1e6; chart += 1) {
      const lines = [`  chart${chart}:\n`];
      for (let version = 0; version < 40; version += 1, versions += 1) {
        lines.push(
          `  - apiVersion: v2\n    name: chart${chart}\n    version: 1.${version}.0\n    description: ${'words '.repeat(60)}\n` +
            `    keywords: [one, two]\n    digest: ${String(version).padStart(64, 'a')}\n    urls:\n    - chart${chart}-1.${version}.0.tgz\n`,
        );
      }
      const text = lines.join('');
      written += text.length;
      pieces.push(text);
    }
    const classic = await startClassicServer(t);
    classic.put('/index.yaml', Buffer.from(pieces.join('')));
    const script = "process.on('exit', () => process.stderr.write('PEAK ' + process.resourceUsage().maxRSS))";
    const { exit, stdout, stderr } = await runChart(['mirror', classic.url, 'cache', '--dry-run', '-o', 'json'], {
      home: own,
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` },
      timeout: 300_000,
    });
    assert.equal(exit, 0, stderr);
    assert.equal((JSON.parse(stdout) as Report).summary.planned, versions);
    const peak = Number(/PEAK (\d+)/.exec(stderr)?.[1]) * 1024;
    t.diagnostic(`${versions} versions, ${Math.round(peak / MIB)} MiB`);
    assert.ok(peak > 0 && peak < 400 * MIB, `${Math.round(peak / MIB)} MiB`);
  });
});
