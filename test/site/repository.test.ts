import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { type ChartShape, serveCharts } from './memory-catalog.js';

interface Entry {
  readonly name: string;
  readonly version: string;
  readonly urls: string[];
  readonly [field: string]: unknown;
}

interface Index {
  readonly apiVersion: string;
  readonly entries: Record<string, Entry[]>;
  readonly generated: string;
}

async function indexOf(answer: Promise<Response>): Promise<Index> {
  return parse(await (await answer).text(), { version: '1.1', strict: true, uniqueKeys: true });
}

function versionsOf({ entries }: Index): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, versions]) => [name, versions.map(({ version }) => version)]),
  );
}

describe('the index of a chart repository', () => {
  it('has every version of every chart, newest first, with its archive', async (t) => {
    const site = await serveCharts(t, [
      { repository: 'team/web', reference: '1.9.0' },
      { repository: 'team/web', reference: '1.10.0-rc.1' },
      {
        repository: 'team/web',
        reference: '1.10.0',
        archive: 'the archive',
        metadata: { description: 'A web server' },
      },
      { repository: 'team/api', reference: '0.1.0' },
    ]);
    const index = await indexOf(site.get('/index.yaml'));
    assert.equal(index.apiVersion, 'v1');
    assert.equal(index.generated, '2026-02-03T04:05:06.000Z');
    assert.deepEqual(versionsOf(index), { api: ['0.1.0'], web: ['1.10.0', '1.10.0-rc.1', '1.9.0'] });
    assert.deepEqual(index.entries.web?.[0], {
      apiVersion: 'v2',
      name: 'web',
      version: '1.10.0',
      description: 'A web server',
      created: '2026-01-02T03:04:05.000Z',
      digest: 'c8d18c54d108f4f0237eb4e1c4473cfd3dbd267afe97c2d967003bda0f546e08',
      urls: ['charts/web-1.10.0.tgz'],
    });
  });

  it('is a repository for each path, by the long name and by the short one', async (t) => {
    const charts: ChartShape[] = [
      { repository: 'a.example/team/web', shortName: 'team/web' },
      { repository: 'a.example/charts/api', shortName: 'charts/api' },
      { repository: 'b.example/team/job' },
      { repository: 'teams/other' },
    ];
    const site = await serveCharts(t, charts);
    const names = async (path: string) => Object.keys((await indexOf(site.get(path))).entries);
    assert.deepEqual(await names('/index.yaml'), ['api', 'job', 'other', 'web']);
    assert.deepEqual(await names('/a.example/index.yaml'), ['api', 'web']);
    assert.deepEqual(await names('/team/index.yaml'), ['web']);
    assert.deepEqual(await names('/b.example/team/index.yaml'), ['job']);
    assert.deepEqual(await names('/b.example/team/job/index.yaml'), ['job']);
    assert.deepEqual(await names('/charts/index.yaml'), ['api']);
    assert.equal((await site.get('/charts/charts/api-1.0.0.tgz')).status, 200);
    assert.equal((await site.get('/charts/charts/web-1.0.0.tgz')).status, 404);
    for (const path of ['/tea/index.yaml', '/team/nothing/index.yaml', '/..%2Findex.yaml', '/%zz/index.yaml']) {
      const answer = await site.get(path);
      assert.equal(answer.status, 404, path);
    }
  });

  it('offers nothing where one name and version are two different charts, and says so', async (t) => {
    const site = await serveCharts(t, [
      { repository: 'a.example/one/web' },
      { repository: 'b.example/two/web' },
      { repository: 'b.example/two/web', reference: '2.0.0' },
    ]);
    const text = await (await site.get('/index.yaml')).text();
    assert.match(text, /^# Not here, .*: web 1\.0\.0 of a\.example\/one\/web, b\.example\/two\/web$/m);
    assert.deepEqual(versionsOf(parse(text)), { web: ['2.0.0'] });
    assert.equal((await site.get('/charts/web-1.0.0.tgz')).status, 404);
    assert.equal(await (await site.get('/a.example/charts/web-1.0.0.tgz')).text(), 'a.example/one/web 1.0.0');
    assert.equal(await (await site.get('/b.example/charts/web-1.0.0.tgz')).text(), 'b.example/two/web 1.0.0');
  });

  it('takes the one on the preferred host, and the one whose tag is the version', async (t) => {
    const preferred = await serveCharts(t, [
      { repository: 'a.example/one/web' },
      { repository: 'b.example/two/web', isPreferred: true },
    ]);
    assert.equal(await (await preferred.get('/charts/web-1.0.0.tgz')).text(), 'b.example/two/web 1.0.0');
    const tagged = await serveCharts(t, [
      { repository: 'team/web', reference: 'latest', metadata: { version: '1.0.0+b' } },
      { repository: 'team/web', reference: '1.0.0_b', metadata: { version: '1.0.0+b' } },
    ]);
    assert.equal(await (await tagged.get('/charts/web-1.0.0%2Bb.tgz')).text(), 'team/web 1.0.0_b');
    assert.equal(await (await tagged.get('/charts/web-1.0.0+b.tgz')).text(), 'team/web 1.0.0_b');
  });

  it('has one entry for one archive under many names', async (t) => {
    const site = await serveCharts(t, [
      { repository: 'a.example/one/web', archive: 'same' },
      { repository: 'b.example/two/web', archive: 'same' },
      { repository: 'b.example/two/web', reference: 'latest', archive: 'same', metadata: { version: '1.0.0' } },
    ]);
    const index = await indexOf(site.get('/index.yaml'));
    assert.equal(index.entries.web?.length, 1);
    assert.doesNotMatch(await (await site.get('/index.yaml')).text(), /#/);
  });

  it('tells charts apart whose names and versions make the same file name', async (t) => {
    const site = await serveCharts(t, [
      { repository: 'x/a-1', reference: '2.0.0', archive: 'first' },
      { repository: 'x/a', reference: '1-2.0.0', archive: 'second' },
    ]);
    const { entries } = await indexOf(site.get('/index.yaml'));
    const [first] = entries['a-1']?.[0]?.urls ?? [];
    const [second] = entries.a?.[0]?.urls ?? [];
    assert.notEqual(first, second);
    assert.equal(await (await site.get(`/${first}`)).text(), 'first');
    assert.equal(await (await site.get(`/${second}`)).text(), 'second');
    assert.equal((await site.get('/charts/a-1-2.0.0.tgz')).status, 404);
    assert.equal((await site.get(`/${first?.replace('a-1-2.0.0', 'other-1.0.0')}`)).status, 404);
  });

  it('stays YAML, and means what was written, whatever a chart says of itself', async (t) => {
    const description = 'a: b # c - ? "d" \'e\' \\ {f} [g] &h *i !j %k @l `m` |n >o \u{1f600} \u05e9\u05dc\u05d5\u05dd';
    const hidden = '\u0000\u0007\u007f\u0085\u009f\u200b\u2028\u202e\u2066\ufeff\ufffe\uffff\ud800';
    const site = await serveCharts(t, [
      {
        repository: 'x/web',
        metadata: {
          description: description + hidden,
          appVersion: 'yes',
          keywords: ['no', '1.0', '~', '0x1f', '12:30:45', hidden],
          annotations: { yes: 'no', 'a: b': 'line\r\nline\u0085\ud800', ['k'.repeat(2000)]: 'x', __proto__x: 'y' },
          dependencies: [
            { name: 'on', repository: 'https://example.com', 'import-values': [{ child: '\u009f', n: 1 }] },
          ],
        },
      },
      { repository: 'x/up', metadata: { name: '../up' } },
      { repository: 'x/odd', metadata: { version: '<script>' } },
      { repository: 'x/big', metadata: { description: 'x'.repeat(100_000), appVersion: '7' } },
    ]);
    const text = await (await site.get('/index.yaml')).text();
    assert.doesNotMatch(text, /[^\P{C}\n]/u, 'nothing that YAML would have to escape');
    const index: Index = parse(text, { version: '1.1', strict: true });
    assert.deepEqual(Object.keys(index.entries), ['big', 'web']);
    const [web] = index.entries.web ?? [];
    assert.equal(web?.description, `${description}  `, 'U+0085 and U+2028 are white space, as for Helm');
    assert.equal(web?.appVersion, 'yes');
    assert.deepEqual(web?.keywords, ['no', '1.0', '~', '0x1f', '12:30:45', '  ']);
    assert.deepEqual(web?.annotations, { yes: 'no', 'a: b': 'line\nline', __proto__x: 'y' });
    assert.deepEqual(web?.dependencies, [
      { name: 'on', repository: 'https://example.com', 'import-values': [{ child: '', n: 1 }] },
    ]);
    const [big] = index.entries.big ?? [];
    assert.equal(big?.description, undefined);
    assert.equal(big?.appVersion, '7');
  });
});

describe('an answer of a chart repository', () => {
  const CHARTS: ChartShape[] = Array.from({ length: 20 }, (_, i) => ({ repository: `x/chart-${i}` }));

  it('is not sent again to who has it, until something changes', async (t) => {
    const site = await serveCharts(t, CHARTS);
    const first = await site.get('/index.yaml');
    const etag = first.headers.get('etag') ?? '';
    assert.match(etag, /^"[\w-]+"$/);
    assert.equal(first.headers.get('last-modified'), 'Tue, 03 Feb 2026 04:05:06 GMT');
    const again = await site.get('/index.yaml', { 'If-None-Match': etag });
    assert.equal(again.status, 304);
    assert.equal(await again.text(), '');
    assert.equal(again.headers.get('etag'), etag);
    const since = { 'If-Modified-Since': 'Tue, 03 Feb 2026 04:05:06 GMT' };
    assert.equal((await site.get('/index.yaml', since)).status, 304);
    site.fill(CHARTS.slice(1));
    const changed = await site.get('/index.yaml', { 'If-None-Match': etag });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.get('etag'), etag);
  });

  it('is compressed for who takes it, under another entity tag', async (t) => {
    const { url } = await serveCharts(t, CHARTS);
    const plain = await raw(`${url}/index.yaml`, {});
    const gzip = await raw(`${url}/index.yaml`, { 'Accept-Encoding': 'gzip' });
    const brotli = await raw(`${url}/index.yaml`, { 'Accept-Encoding': 'gzip, br' });
    const none = await raw(`${url}/index.yaml`, { 'Accept-Encoding': 'gzip;q=0, br;q=0' });
    assert.deepEqual(gunzipSync(gzip.body), plain.body);
    assert.deepEqual(brotliDecompressSync(brotli.body), plain.body);
    assert.deepEqual(none.body, plain.body);
    assert.equal(new Set([plain, gzip, brotli].map(({ headers }) => headers.etag)).size, 3);
    for (const { headers, body } of [plain, gzip, brotli]) {
      assert.equal(headers.vary, 'Accept-Encoding');
      assert.equal(Number(headers['content-length']), body.length);
    }
    const head = await raw(`${url}/index.yaml`, { 'Accept-Encoding': 'gzip' }, 'HEAD');
    assert.equal(head.body.length, 0);
    assert.equal(head.headers['content-length'], gzip.headers['content-length']);
    assert.equal(head.headers.etag, gzip.headers.etag);
  });

  it('gives an archive whole, in part and not at all', async (t) => {
    const site = await serveCharts(t, [{ repository: 'x/web', archive: '0123456789', provenance: 'signed' }]);
    const path = '/charts/web-1.0.0.tgz';
    const whole = await site.get(path);
    assert.equal(await whole.text(), '0123456789');
    assert.equal(whole.headers.get('content-type'), 'application/gzip');
    assert.equal(whole.headers.get('accept-ranges'), 'bytes');
    const etag = whole.headers.get('etag') ?? '';
    const part = await site.get(path, { Range: 'bytes=2-4' });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get('content-range'), 'bytes 2-4/10');
    assert.equal(await part.text(), '234');
    assert.equal(await (await site.get(path, { Range: 'bytes=-3', 'If-Range': etag })).text(), '789');
    assert.equal((await site.get(path, { Range: 'bytes=2-4', 'If-Range': '"other"' })).status, 200);
    assert.equal((await site.get(path, { Range: 'bytes=0-1,4-5' })).status, 200);
    const beyond = await site.get(path, { Range: 'bytes=10-' });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers.get('content-range'), 'bytes */10');
    assert.equal((await site.get(path, { 'If-None-Match': etag })).status, 304);
    assert.equal(await (await site.get(`${path}.prov`)).text(), 'signed');
    assert.equal((await site.get('/charts/web-2.0.0.tgz')).status, 404);
  });

  it('has no provenance file for a chart that nobody signed', async (t) => {
    const site = await serveCharts(t, [{ repository: 'x/web' }]);
    assert.equal((await site.get('/charts/web-1.0.0.tgz.prov')).status, 404);
  });

  it('does not arrive whole where the archive is damaged', async (t) => {
    const site = await serveCharts(t, [{ repository: 'x/web', archive: 'content' }]);
    site.damaged.add('sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73');
    await assert.rejects(async () => (await site.get('/charts/web-1.0.0.tgz')).text());
  });
});

/** As it is on the wire. */
function raw(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ headers: Record<string, unknown>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, method }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(pieces) }));
    });
    sent.on('error', reject).end();
  });
}
