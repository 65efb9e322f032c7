import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import { type ChartShape, type MemorySite, serveCharts } from './memory-catalog.js';

const PAGE = { Accept: 'text/html,*/*' };

async function textOf(site: MemorySite, path: string): Promise<string> {
  const answer = await site.get(path, PAGE);
  assert.equal(answer.status, 200, path);
  return answer.text();
}

/** The text of a page's main part, without tags. */
function shown(page: string): string {
  return page
    .slice(page.indexOf('<main'))
    .replace(/<[^>]*>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ');
}

function linksOf(page: string): string[] {
  return [...page.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href]) => (href as string).replaceAll('&amp;', '&'));
}

describe('the list of charts', () => {
  const CHARTS: ChartShape[] = [
    {
      repository: 'a.example/team/web',
      shortName: 'team/web',
      metadata: { description: 'Serves pages', keywords: ['http'] },
    },
    {
      repository: 'a.example/team/web',
      shortName: 'team/web',
      reference: '1.1.0',
      metadata: { description: 'Serves files' },
    },
    { repository: 'a.example/team/web', shortName: 'team/web', reference: '2.0.0-rc.1' },
    { repository: 'b.example/jobs/cron', metadata: { description: 'Runs on time, for web pages' } },
  ];

  it('has each chart once, in its newest release, with what it is', async (t) => {
    const page = await textOf(await serveCharts(t, CHARTS), '/');
    assert.match(
      shown(page),
      /Charts 2 charts\. cron 1\.0\.0 Runs on time, for web pages b\.example\/jobs\/cron 1 version/,
    );
    assert.match(shown(page), /web 1\.1\.0 Serves files team\/web 3 versions 2 Jan 2026/);
    assert.ok(linksOf(page).includes('./team/web:1.1.0'));
    assert.ok(linksOf(page).includes('./b.example/jobs/cron:1.0.0'));
    assert.match(page, /helm repo add charts http:\/\/127\.0\.0\.1:\d+\//);
  });

  it('is searched by all words, in any case, those first that have them in the name', async (t) => {
    const site = await serveCharts(t, CHARTS);
    const found = async (query: string) =>
      linksOf(await textOf(site, `/?q=${encodeURIComponent(query)}`)).filter((link) => link.includes(':'));
    assert.deepEqual(await found('WEB'), ['./team/web:1.1.0', './b.example/jobs/cron:1.0.0']);
    assert.deepEqual(await found('time web'), ['./b.example/jobs/cron:1.0.0']);
    assert.deepEqual(await found('a.example'), ['./team/web:1.1.0']);
    assert.deepEqual(await found('nothing'), []);
    assert.match(shown(await textOf(site, '/?q=nothing')), /Nothing was found for nothing/);
  });

  it('does not take what is searched for as HTML', async (t) => {
    const page = await textOf(await serveCharts(t, CHARTS), `/?q=${encodeURIComponent('"><script>x</script>\u202e')}`);
    assert.doesNotMatch(page, /<script|\u202e/);
    assert.match(page, /value="&quot;&gt;&lt;script&gt;x&lt;\/script&gt;"/);
  });

  it('comes in pages of 50', async (t) => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({ repository: `x/chart-${String(i).padStart(5, '0')}` }));
    const site = await serveCharts(t, many);
    const first = await textOf(site, '/');
    assert.equal(first.match(/<li>/g)?.length, 50);
    assert.match(shown(first), /10,000 charts\..*Page 1 of 200/);
    assert.ok(linksOf(first).includes('./?page=2'));
    assert.match(await textOf(site, '/?page=200'), /chart-09999/);
    assert.match(await textOf(site, '/?page=9999'), /chart-09999/);
    for (const page of ['0', '-1', 'x', '1e9', '']) await textOf(site, `/?page=${page}`);
    assert.ok(linksOf(await textOf(site, '/?q=chart&page=3')).includes('./?q=chart&page=2'));
    assert.ok(first.length < 64 * 1024);
  });

  it('can be of one path', async (t) => {
    const site = await serveCharts(t, CHARTS);
    const page = await textOf(site, '/b.example');
    assert.match(shown(page), /b\.example 1 chart\./);
    assert.match(page, /helm repo add b\.example http:\/\/127\.0\.0\.1:\d+\/b\.example</);
    assert.ok(linksOf(await textOf(site, '/b.example/jobs')).includes('../b.example/jobs/cron:1.0.0'));
    assert.equal((await site.get('/b.exa', PAGE)).status, 404);
  });

  it('says when nothing is here', async (t) => {
    assert.match(shown(await textOf(await serveCharts(t, []), '/')), /No charts are here yet/);
  });
});

describe('the page of a chart', () => {
  const WEB: ChartShape = {
    repository: 'a.example/team/web',
    shortName: 'team/web',
    reference: '1.0.0+b1',
    provenance: 'signed',
    readme: '# Web\n\nIt *serves*.\n\n## Set up\n\nSee [there](#set-up).',
    values: 'replicas: 1\n',
    metadata: {
      description: 'Serves pages',
      appVersion: '7',
      kubeVersion: '>=1.20',
      home: 'https://web.example.com',
      maintainers: [{ name: 'Ada', email: 'ada@example.com' }],
      keywords: ['http'],
      dependencies: [
        { name: 'redis', version: '^7', repository: 'https://charts.example.com', condition: 'redis.enabled' },
      ],
    },
  };

  it('has all that is known of it', async (t) => {
    const site = await serveCharts(t, [WEB, { ...WEB, reference: '0.9.0' }]);
    const page = await textOf(site, '/team/web:1.0.0+b1');
    const text = shown(page);
    assert.match(text, /web 1\.0\.0\+b1 Serves pages App 7 Kubernetes >=1\.20/);
    assert.match(page, /<h3 id="readme-web">Web<\/h3>\s*<p>It <em>serves<\/em>\.<\/p>\s*<h4 id="readme-set-up">/);
    assert.match(page, /<a href="#readme-set-up">/);
    assert.match(text, /Values values\.yaml replicas: 1/);
    assert.match(text, /redis \^7 https:\/\/charts\.example\.com redis\.enabled/);
    assert.match(text, /Reference team\/web:1\.0\.0\+b1 From a\.example\/team\/web Digest sha256:[0-9a-f]{64}/);
    assert.match(text, /web-1\.0\.0\+b1\.tgz , 27 bytes/);
    assert.match(text, /Maintainers Ada ada@example\.com/);
    const links = linksOf(page);
    for (const link of ['../team/web:0.9.0', '../?q=http', 'https://web.example.com', 'mailto:ada@example.com']) {
      assert.ok(links.includes(link), link);
    }
    const [archive, signature] = links
      .filter((link) => link.includes('.tgz'))
      .map((link) => new URL(link, `${site.url}/team/x`));
    assert.equal(await (await site.get(archive?.pathname ?? '')).text(), 'a.example/team/web 1.0.0+b1');
    assert.equal(await (await site.get(signature?.pathname ?? '')).text(), 'signed');
  });

  it('is found by every form of its reference, and by the repository alone in the newest release', async (t) => {
    const site = await serveCharts(t, [WEB, { ...WEB, reference: '2.0.0-rc.1' }]);
    const paths = ['team/web', 'team/web/', 'a.example/team/web', 'team/web:1.0.0_b1', 'a.example/team/web:1.0.0+b1'];
    for (const path of paths) assert.match(shown(await textOf(site, `/${path}`)), /^ web 1\.0\.0\+b1/, path);
    const [, digest] = /Digest (sha256:\w+)/.exec(shown(await textOf(site, '/team/web'))) ?? [];
    assert.match(shown(await textOf(site, `/team/web@${digest}`)), /^ web 1\.0\.0\+b1/);
    assert.match(shown(await textOf(site, '/team/web:2.0.0-rc.1')), /^ web 2\.0\.0-rc\.1/);
    for (const path of ['team/web:3', 'team/web:', 'team/web@sha256:12', 'web', 'team/web/x', ':1', '@']) {
      assert.equal((await site.get(`/${path}`, PAGE)).status, path === 'team/web:' ? 200 : 404, path);
    }
  });

  it('has the lines that install and pull it from here', async (t) => {
    const site = await serveCharts(t, [WEB]);
    const { host } = new URL(site.url);
    const text = shown(await textOf(site, '/team/web'));
    assert.ok(text.includes(` Install helm install web oci://${host}/team/web --version 1.0.0+b1 --plain-http `), text);
    assert.ok(text.includes(` Pull helm pull oci://${host}/team/web --version 1.0.0+b1 --plain-http `));
    assert.ok(text.includes(` helm pull web --repo http://${host}/team/web --version 1.0.0+b1 `));
    const secure = await serveCharts(t, [WEB], { publicUrl: 'https://charts.example.com/below/' });
    const line = shown(await textOf(secure, '/team/web'));
    assert.match(line, / helm install web oci:\/\/charts\.example\.com\/team\/web --version 1\.0\.0\+b1 Pull /);
    assert.match(line, / helm pull web --repo https:\/\/charts\.example\.com\/below\/team\/web --version 1\.0\.0\+b1 /);
  });

  it('names by its digest what Helm could not find by version, and installs no library', async (t) => {
    const site = await serveCharts(t, [
      { repository: 'x/web', reference: 'latest', metadata: { version: '1.0.0' } },
      { repository: 'x/lib', metadata: { type: 'library' } },
      { repository: 'x/Odd', metadata: { name: `it's`, version: '1.0.0' } },
    ]);
    assert.match(shown(await textOf(site, '/x/web')), /helm pull oci:\/\/\S+\/x\/web@sha256:[0-9a-f]{64} --plain-http/);
    assert.doesNotMatch(await textOf(site, '/x/lib'), /helm install/);
    assert.match(shown(await textOf(site, '/x/Odd')), /helm pull 'it'\\''s' --repo/);
  });

  it('does not take its host from a header that is none', async (t) => {
    const site = await serveCharts(t, [WEB]);
    for (const host of ['evil.example"><script>', 'a b', 'x;rm -rf', '$(id)']) {
      const page = await new Promise<string>((resolve, reject) => {
        request(`${site.url}/team/web`, { headers: { Host: host } }, (response) => {
          let text = '';
          response
            .setEncoding('utf8')
            .on('data', (piece) => (text += piece))
            .on('end', () => resolve(text));
        })
          .on('error', reject)
          .end();
      });
      assert.ok(page.includes(`oci://${new URL(site.url).host}/team/web`), host);
      assert.ok(!page.includes(host));
    }
  });

  it('says what is missing or unreadable', async (t) => {
    const site = await serveCharts(t, [{ repository: 'x/bare' }, { repository: 'x/bad', archive: 'bad' }]);
    assert.match(shown(await textOf(site, '/x/bare')), /This chart has no README/);
    site.damaged.add(`sha256:${createHash('sha256').update('bad').digest('hex')}`);
    assert.match(shown(await textOf(site, '/x/bad')), /archive of this chart cannot be read here/);
    site.damaged.clear();
    assert.match(shown(await textOf(site, '/x/bad')), /This chart has no README/, 'once it is mended');
  });

  it('lists 500 versions apart, in pages', async (t) => {
    const versions = Array.from({ length: 500 }, (_, i) => ({ repository: 'x/web', reference: `1.${i}.0` }));
    const site = await serveCharts(t, versions);
    const page = await textOf(site, '/x/web:1.3.0');
    assert.ok(linksOf(page).filter((link) => link.startsWith('../x/web:')).length <= 10);
    assert.ok(linksOf(page).includes('../x/web?versions'));
    const first = await textOf(site, '/x/web?versions');
    assert.equal(linksOf(first).filter((link) => link.startsWith('../x/web:')).length, 100);
    assert.ok(linksOf(first).includes('../x/web:1.499.0'));
    assert.match(shown(first), /500 versions of x\/web .* Page 1 of 5 Next/);
    assert.ok(linksOf(await textOf(site, '/x/web?versions&page=5')).includes('../x/web:1.0.0'));
  });
});

describe('what a chart says of itself', () => {
  const ATTACK = `"'><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>\u202e`;

  it('is text, wherever it stands', async (t) => {
    const metadata = {
      name: 'x"><b>',
      description: ATTACK,
      appVersion: ATTACK,
      kubeVersion: ATTACK,
      home: 'javascript:alert(1)',
      sources: ['data:text/html,<script>', 'https://example.com/"onclick="x', 'vbscript:x', 'java\nscript:x', ATTACK],
      keywords: [ATTACK],
      maintainers: [{ name: ATTACK, email: ATTACK, url: 'javascript:x' }],
      dependencies: [{ name: ATTACK, version: ATTACK, repository: 'javascript:x', condition: ATTACK, alias: ATTACK }],
    };
    const site = await serveCharts(t, [{ repository: 'x/web', metadata, values: ATTACK, readme: ATTACK }]);
    for (const path of ['/', '/x/web', '/x/web?versions']) {
      const page = await textOf(site, path);
      assert.doesNotMatch(page, /<script|<img|<b>|onerror=[^&]*>$|\u202e|href="(?!https?:|mailto:|\.|#)/im, path);
      assert.doesNotMatch(page, /<[^>]*\son\w+\s*=/i, path);
    }
    assert.match(await textOf(site, '/x/web'), /<mark>U\+202E<\/mark>/, 'shown by its number in code');
  });

  it('is rendered from Markdown and HTML, with nothing that acts, loads or lays over', async (t) => {
    const readme = [
      '<script>alert(1)</script><style>*{}</style><iframe src="https://evil.example"></iframe>',
      '<svg/onload=alert(1)><math><mi xlink:href="javascript:alert(1)">x</mi></math>',
      '<img src=x onerror=alert(1) alt="a picture"> ![drawn](https://evil.example/a.png)',
      '<a href="JaVaScRiPt:alert(1)">1</a> <a href="java&#9;script:alert(1)">2</a> <a href="//evil.example">3</a>',
      '[4](javascript:alert(1)) [5](data:text/html;base64,x) [6](<java\nscript:x>) [7](docs/more.md) [8](&#106;avascript:x)',
      '<div style="position:fixed" class="top" id="content" onclick="x">laid over</div>',
      '<form action="https://evil.example"><input name="q"><button>send</button></form>',
      '<base href="https://evil.example"><meta http-equiv="refresh" content="0;url=x"><link rel="stylesheet" href="x">',
      '<details><summary>more</summary><b>kept</b> <!-- gone --></details>',
      '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
      '<a name="here"></a> \u202eevil\u2066 \u0000\u200f',
      '- [x] done',
      '<h1 id="q">Top</h1>',
    ].join('\n\n');
    const page = await textOf(await serveCharts(t, [{ repository: 'x/web', readme }]), '/x/web');
    const part = page.slice(
      page.indexOf('<div class="readme"'),
      page.indexOf('</section>', page.indexOf('class="readme"')),
    );
    const tags = new Set([...part.matchAll(/<([a-z0-9]+)/g)].map(([, tag]) => tag));
    for (const tag of tags) assert.match(tag ?? '', /^(?:div|p|a|span|details|summary|b|ul|li|h3|h2)$/);
    assert.deepEqual(
      [...part.matchAll(/ ([a-z-]+)=/g)]
        .map(([, name]) => name)
        .filter((name) => !['dir', 'class', 'id'].includes(name ?? '')),
      [],
    );
    assert.match(part, /\[a picture\].*\[drawn\]/);
    assert.match(part, /<summary>more<\/summary><b>kept<\/b>/);
    assert.match(part, /id="readme-here"/);
    assert.match(part, /<h3 id="readme-q">Top/);
    assert.match(part, /\u200f/, 'marks of direction are kept');
    assert.doesNotMatch(part, /[\u202e\u2066\0]|evil\.example|gone/);
  });

  it('may be very long, and is cut', async (t) => {
    const site = await serveCharts(t, [
      {
        repository: 'x/web',
        readme: 'word '.repeat(100_000),
        values: 'key: value\n'.repeat(100_000),
        metadata: {
          name: 'n'.repeat(300),
          description: 'd'.repeat(100_000),
          keywords: Array(5000).fill('k'),
          maintainers: Array(5000).fill({ name: 'm' }),
          dependencies: Array(5000).fill({ name: 'd', repository: '' }),
        },
      },
    ]);
    const page = await textOf(site, '/x/web');
    assert.ok(page.length < 512 * 1024, String(page.length));
    assert.match(shown(page), /longer than what is shown here/);
    assert.match(shown(page), /And 4900 more/);
  });

  it('does not take long to render, however it is nested', async (t) => {
    const nested = [
      '['.repeat(50_000),
      '*a '.repeat(40_000),
      '> '.repeat(60_000),
      '<div>'.repeat(20_000),
      '![['.repeat(30_000),
    ];
    nested.push(
      '`a'.repeat(40_000),
      '<!--'.repeat(30_000),
      '[a](<'.repeat(20_000),
      '|'.repeat(120_000),
      '- '.repeat(60_000),
    );
    const site = await serveCharts(
      t,
      nested.map((readme, i) => ({ repository: `x/n${i}`, readme })),
    );
    for (const i of nested.keys()) assert.ok((await textOf(site, `/x/n${i}`)).length < 2 * 1024 * 1024);
  });
});

describe('a page', () => {
  const CHARTS: ChartShape[] = [{ repository: 'team/web' }];

  it('may run nothing, and load only its style and its icon from here', async (t) => {
    const site = await serveCharts(t, CHARTS);
    for (const path of ['/', '/team/web', '/nothing']) {
      const answer = await site.get(path, PAGE);
      const policy = answer.headers.get('content-security-policy') ?? '';
      assert.match(
        policy,
        /^default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'/,
      );
      assert.doesNotMatch(policy, /unsafe|script-src|https?:|\*/);
      assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
      const page = await answer.text();
      assert.doesNotMatch(page, /<script|<style|\sstyle=|\son[a-z]+=/);
      for (const [, address] of page.matchAll(/<link [^>]*href="([^"]+)"/g)) {
        const file = await site.get(new URL(address as string, site.url + path).pathname);
        assert.equal(file.status, 200);
        assert.match(file.headers.get('cache-control') ?? '', /immutable/);
      }
    }
  });

  it('is not sent again to who has it', async (t) => {
    const site = await serveCharts(t, CHARTS);
    const etag = (await site.get('/team/web', PAGE)).headers.get('etag') ?? '';
    assert.equal((await site.get('/team/web', { ...PAGE, 'If-None-Match': etag })).status, 304);
    site.fill([{ repository: 'team/web', metadata: { description: 'new' } }]);
    assert.equal((await site.get('/team/web', { ...PAGE, 'If-None-Match': etag })).status, 200);
  });

  it('tells people that there is nothing, and leaves other clients to the status', async (t) => {
    const site = await serveCharts(t, CHARTS);
    const missing = await site.get('/a/b/c', PAGE);
    assert.equal(missing.status, 404);
    assert.match(await missing.text(), /<h1>Not found<\/h1>.*href="\.\.\/\.\.\/"/s);
    const bare = await site.get('/a/b/c', { Accept: '*/*' });
    assert.equal(bare.status, 404);
    assert.equal(await bare.text(), '');
    for (const path of ['/%zz', '/%00', '/-/style.css', '/favicon.ico', '/..%2f..%2fetc/passwd']) {
      assert.equal((await site.get(path, PAGE)).status, 404, path);
    }
  });
});
