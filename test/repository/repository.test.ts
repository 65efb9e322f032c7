/** A classic repository over HTTP and on disk. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isChartError } from '../../src/errors.js';
import { type DownloadsOptions, openDownloads } from '../../src/registry/downloads.js';
import { parseFileAddress, parseWebAddress, resolveUrl } from '../../src/repository/address.js';
import { ClassicRepository } from '../../src/repository/repository.js';
import { temporaryDirectory } from '../helpers/fixtures.js';

const CHART = Buffer.from('the packed chart');
const HASH = createHash('sha256').update(CHART).digest('hex');
const PROV = '-----BEGIN PGP SIGNED MESSAGE-----\n';

function indexWith(url: string, digest = HASH): string {
  return `apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    digest: ${digest}\n    urls: [${url}]\n`;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(t: TestContext, answer: Answer): Promise<{ url: string; seen: [string, string | undefined][] }> {
  const seen: [string, string | undefined][] = [];
  const server: Server = createServer((request, response) => {
    seen.push([request.url ?? '', request.headers.authorization]);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function open(t: TestContext, url: string, options: DownloadsOptions = {}): ClassicRepository {
  const address = parseWebAddress(url);
  const downloads = openDownloads(address.base, {
    credentials: address.credentials,
    retry: { firstPause: 1 },
    ...options,
  });
  t.after(() => downloads.close());
  return new ClassicRepository({ address, fetch: (...args) => downloads.read(...args) });
}

async function fetchOnly(repository: ClassicRepository) {
  const { charts } = await repository.readIndex();
  const fetched = await repository.fetchChart(charts.get('a')![0]!);
  const pieces: Buffer[] = [];
  for await (const piece of await fetched.archive.open()) pieces.push(piece as Buffer);
  await fetched.archive.discard();
  return { bytes: Buffer.concat(pieces), provenance: fetched.provenance };
}

describe('a classic repository', () => {
  it('gives the chart byte for byte with its provenance, by relative URL, and goes on where a connection breaks', async (t) => {
    let cut = true;
    const { url } = await serve(t, (request, response) => {
      if (request.url === '/stable/index.yaml?key=1')
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(indexWith('charts/a.tgz')));
      else if (request.url === '/stable/charts/a.tgz?key=1' && cut) {
        cut = false;
        response.writeHead(200, { 'content-length': `${CHART.length}` }).write(CHART.subarray(0, 3));
        setTimeout(() => response.destroy(), 20);
      } else if (request.url === '/stable/charts/a.tgz?key=1') response.end(CHART);
      else if (request.url === '/stable/charts/a.tgz.prov?key=1') response.end(PROV);
      else response.writeHead(404).end();
    });
    const { bytes, provenance } = await fetchOnly(open(t, `${url}/stable/?key=1`));
    assert.deepEqual(bytes, CHART);
    assert.equal(Buffer.from(provenance ?? []).toString(), PROV);
    assert.equal(cut, false);
  });

  it('refuses a chart that is not the one of the index', async (t) => {
    const { url } = await serve(t, (request, response) => {
      response.end(request.url === '/index.yaml' ? indexWith('a.tgz', 'b'.repeat(64)) : CHART);
    });
    await assert.rejects(fetchOnly(open(t, url)), (error) => isChartError(error, 'BLOB_DIGEST_MISMATCH'));
  });

  it('CVE-2021-32690: credentials go to its own origin only, unless they are meant for all', async (t) => {
    const other = await serve(t, (request, response) => {
      if (request.url?.endsWith('.prov')) response.writeHead(404).end();
      else response.end(CHART);
    });
    const own = await serve(t, (request, response) => {
      if (request.url === '/index.yaml') response.end(indexWith(`${other.url}/a.tgz`));
      else response.writeHead(404).end();
    });
    const address = own.url.replace('http://', 'http://me:secret@');
    const header = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    await fetchOnly(open(t, address));
    assert.deepEqual(own.seen, [['/index.yaml', header]]);
    assert.deepEqual(
      other.seen.map(([, authorization]) => authorization),
      [undefined, undefined],
    );
    await fetchOnly(open(t, address, { passCredentials: true }));
    assert.deepEqual(
      other.seen.slice(2).map(([, authorization]) => authorization),
      [header, header],
    );
  });

  it('does not carry credentials along a redirect to another origin', async (t) => {
    const other = await serve(t, (request, response) => {
      response.end(request.url === '/index.yaml' ? indexWith('a.tgz') : CHART);
    });
    const own = await serve(t, (request, response) => {
      response.writeHead(302, { location: `${other.url}${request.url}` }).end();
    });
    await open(t, own.url.replace('http://', 'http://me:secret@')).readIndex();
    assert.deepEqual(other.seen, [['/index.yaml', undefined]]);
  });

  it('waits as Retry-After says, and says what a server that refuses for good answers', async (t) => {
    const waits: number[] = [];
    const clock = { now: () => 0, random: () => 0, sleep: async (ms: number) => void waits.push(ms) };
    let asked = 0;
    const { url } = await serve(t, (_request, response) => {
      asked += 1;
      if (asked === 1) response.writeHead(429, { 'retry-after': '7' }).end();
      else if (asked === 2) response.writeHead(503).end();
      else response.writeHead(401).end();
    });
    await assert.rejects(open(t, url, { clock }).readIndex(), (error) => isChartError(error, 'REGISTRY_UNAUTHORIZED'));
    assert.equal(waits[0], 7000);
    assert.equal(asked, 3);
  });

  it('is read from disk, and refers to no file of this machine from elsewhere', async (t) => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, 'index.yaml'), indexWith('a.tgz'));
    writeFileSync(join(directory, 'a.tgz'), CHART);
    const fetch = () => assert.fail('nothing is asked for over the network');
    const address = parseFileAddress(directory);
    assert.deepEqual(parseFileAddress(join(directory, 'index.yaml')).base, address.base);
    assert.deepEqual(parseFileAddress(address.base.href).base, address.base);
    const { bytes, provenance } = await fetchOnly(new ClassicRepository({ address, fetch }));
    assert.deepEqual([bytes, provenance], [CHART, undefined]);
    rmSync(join(directory, 'a.tgz'));
    await assert.rejects(fetchOnly(new ClassicRepository({ address, fetch })), {
      code: 'REPOSITORY_NOT_FOUND',
      message: `cannot read ${join(directory, 'a.tgz')}: no such file or directory`,
    });
    const web = new URL('https://charts.example.com/x/');
    assert.equal(resolveUrl(web, 'a/b.tgz').href, 'https://charts.example.com/x/a/b.tgz');
    assert.equal(resolveUrl(web, '/b.tgz').href, 'https://charts.example.com/b.tgz');
    assert.equal(resolveUrl(web, 'https://u:p@h/b.tgz').href, 'https://h/b.tgz');
    for (const url of ['file:///etc/passwd', 'ftp://h/x', 'data:text/plain,x', 'javascript:1', 'http://']) {
      assert.throws(
        () => resolveUrl(web, url),
        (error) => isChartError(error, 'REPOSITORY_INVALID'),
        url,
      );
    }
  });
});
