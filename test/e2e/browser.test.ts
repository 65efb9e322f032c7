/** The pages of `chart serve` in a browser: found, read and used as a person does, on a phone, in the dark, without a script. */
import assert from 'node:assert/strict';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { requireTools } from '../helpers/docker-registry.js';
import { REAL_CHARTS } from '../helpers/fixtures.js';
import { type RunningProgram, runChart, startChart } from '../helpers/run.js';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Evaluated from outside: the page itself may run nothing. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const HOSTILE_README = `# Hostile

<img src="https://evil.example/pixel.png" onerror="alert(1)"> ![seen](https://evil.example/image.png)
<script>alert(1)</script><svg onload="alert(1)"></svg><iframe src="https://evil.example"></iframe>
<style>@import "https://evil.example/style.css"; main { display: none }</style>
<a href="javascript:alert(1)">act</a>

| key | default |
|---|---|
| \`a.key.with.a.very.long.name.that.does.not.break\` | \`${'x'.repeat(120)}\` |

\`\`\`
${'a line of code without an end '.repeat(10)}
\`\`\`
`;

describe('pages in a browser', { skip: requireTools('chromium') }, () => {
  const faults: string[] = [];
  let browser: Browser;
  let server: RunningProgram;
  let url: string;
  let home: string;

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'chart-browser-'));
    const hostile = join(home, 'hostile');
    mkdirSync(hostile);
    writeFileSync(
      join(hostile, 'Chart.yaml'),
      [
        'apiVersion: v2',
        `name: ${'a-long-name-'.repeat(20)}x`,
        'version: 1.0.0',
        `description: "<script>alert(1)</script> ${'unbreakable'.repeat(40)}"`,
        'deprecated: true',
        'keywords: ["<b>", web]',
        'home: "javascript:alert(1)"',
        'dependencies: [{name: redis, version: ^7, repository: "https://charts.example.com/with/a/long/path"}]',
      ].join('\n'),
    );
    writeFileSync(join(hostile, 'README.md'), HOSTILE_README);
    writeFileSync(join(hostile, 'values.yaml'), `key: "${'value '.repeat(100)}"\n`);
    const cache = join(home, 'cache');
    for (const args of [
      [...REAL_CHARTS, '--to', 'registry.example.com/team'],
      [hostile, 'registry.example.com/team/hostile:1.0.0'],
    ]) {
      const saved = await runChart(['save', ...args, '--cache-dir', cache]);
      assert.equal(saved.exit, 0, saved.stderr);
    }
    server = startChart(['serve', '--port', '0', '--cache-dir', cache]);
    url = (await server.waitFor(/^Listening on (\S+)$/m))[1] as string;
    browser = await chromium.launch({ executablePath: find('chromium'), headless: true, args: ARGUMENTS });
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  /** A page on which every fault is noted: messages of the console, dialogs, and requests to anywhere else. */
  async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.on('console', (message) => faults.push(`${path}: ${message.text()}`));
    page.on('pageerror', (error) => faults.push(`${path}: ${error.message}`));
    page.on('dialog', (dialog) => {
      faults.push(`${path}: a dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(`${url}/`)) faults.push(`${path}: asked for ${request.url()}`);
    });
    await page.goto(url + path);
    return page;
  }

  async function close(page: Page): Promise<void> {
    await page.context().close();
    assert.deepEqual(faults.splice(0), []);
  }

  it('finds a chart and shows it', async () => {
    const page = await open('/');
    assert.equal(await page.title(), 'Charts');
    await page.getByRole('searchbox', { name: 'Search charts' }).fill('stateless ingress');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\?q=stateless\+ingress$/);
    assert.deepEqual(await page.getByRole('main').getByRole('heading', { level: 2 }).allInnerTexts(), [
      'webshop 3.2.1',
    ]);
    await page.getByRole('link', { name: 'webshop' }).click();
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'webshop 3.2.1');
    assert.equal(await page.getByRole('table').getByText('ingress.enabled').isVisible(), true);
    await page.getByText('values.yaml').click();
    assert.equal(await page.getByText('replicaCount: 2').isVisible(), true);
    await close(page);
  });

  it('selects the whole of a line at one click', async () => {
    const page = await open('/team/webshop:3.2.1');
    const { host } = new URL(url);
    const lines: [string, string][] = [
      ['Install', `helm install webshop oci://${host}/team/webshop --version 3.2.1 --plain-http`],
      ['Pull', `helm pull oci://${host}/team/webshop --version 3.2.1 --plain-http`],
      ['Pull with Helm before 3.8', `helm pull webshop --repo http://${host}/team/webshop --version 3.2.1`],
    ];
    for (const [label, line] of lines) {
      await page.getByRole('figure', { name: label, exact: true }).getByRole('code').click();
      assert.equal(await page.evaluate('getSelection().toString().trim()'), line);
    }
    await close(page);
  });

  it('can be used by keyboard alone, from a link that skips what is on every page', async () => {
    const page = await open('/');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate('document.activeElement.id'), 'content');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/team\/[^/]+$/);
    await close(page);
  });

  it('works without JavaScript', async () => {
    const page = await open('/', { javaScriptEnabled: false });
    await page.getByRole('searchbox').fill('MAIL');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: 'mailroom' }).click();
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'mailroom 1.9.12');
    await page.getByRole('link', { name: 'Charts', exact: true }).click();
    assert.equal(await page.locator('.charts h2').count(), 4);
    await close(page);
  });

  const paths = [
    '/',
    '/?q=nothing',
    '/team/webshop',
    '/team/ledgerdb',
    '/team/hostile',
    '/team/hostile?versions',
    '/no',
  ];

  for (const [width, colorScheme] of [
    [390, 'dark'],
    [1280, 'light'],
  ] as const) {
    it(`fits ${width} pixels in the ${colorScheme}, and can be read by who cannot see it`, async () => {
      const page = await open('/', { viewport: { width, height: 800 }, colorScheme });
      for (const path of paths) {
        await page.goto(url + path);
        const over = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
        assert.equal(await page.evaluate(over), 0, `${path} is wider than ${width} pixels`);
        await page.locator('details').evaluateAll((all) => {
          for (const details of all) details.setAttribute('open', '');
        });
        await page.evaluate(AXE);
        const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${path}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`),
          [],
        );
      }
      // The browser tells of the page that is not there.
      faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('status of 404')));
      await close(page);
    });
  }
});

function find(name: string): string {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return join(directory, name);
    } catch {}
  }
  throw new Error(`${name} is not on the PATH`);
}
