/** The pages that need little beside a registry do what they say, and no page with commands is forgotten. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { digestOf } from '../../src/oci/digest.js';
import { makeKey, signed } from '../chart/provenance/signing.js';
import { runPage, skipPages } from '../helpers/doc-commands.js';
import { readPage } from '../helpers/doc-page.js';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { runChart, startChart } from '../helpers/run.js';

const DOCS = join(PROJECT, 'docs');

async function startRegistry(t: TestContext, ...options: string[]): Promise<string> {
  const storage = temporaryDirectory(t);
  const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', storage, ...options]);
  t.after(() => server.stop());
  return (await server.waitFor(/Listening on http:\/\/(\S+)/))[1] as string;
}

function writeChart(dir: string, version: string): void {
  mkdirSync(join(dir, 'app'), { recursive: true });
  writeFileSync(join(dir, 'app', 'Chart.yaml'), `apiVersion: v2\nname: app\nversion: ${version}\n`);
  writeFileSync(join(dir, 'app', 'values.yaml'), `version: ${version}\n`);
}

async function chart(home: string, work: string, ...args: string[]): Promise<void> {
  const { exit, stderr } = await runChart(args, { home, cwd: work });
  assert.equal(exit, 0, stderr);
}

test('docs/cache.md', { skip: skipPages() }, async (t) => {
  const run = await runPage(join(DOCS, 'cache.md'), {
    directory: temporaryDirectory(t),
    async prepare(_machine, work, home) {
      for (const version of ['1.0.0', '2.0.0']) {
        writeChart(work, version);
        await chart(home, work, 'save', 'app', 'registry.example.com/team/app');
      }
    },
  });
  assert.ok(run.commands >= 6);
});

test('docs/registries.md', { skip: skipPages() }, async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'users'), `me:${hashSync('secret', 4)}\n`);
  const run = await runPage(join(DOCS, 'registries.md'), {
    directory,
    values: { REGISTRY: await startRegistry(t, '--htpasswd', join(directory, 'users')) },
    prepare: (_machine, work) => writeFileSync(join(work, 'password.txt'), 'secret\n'),
  });
  assert.ok(run.commands >= 2);
});

test('docs/library.md', { skip: skipPages() }, async (t) => {
  const run = await runPage(join(DOCS, 'library.md'), {
    directory: temporaryDirectory(t),
    values: { REGISTRY: await startRegistry(t) },
    prepare(_machine, work) {
      writeChart(work, '1.0.0');
      mkdirSync(join(work, 'node_modules'));
      symlinkSync(PROJECT, join(work, 'node_modules', 'helm-chart-cache'), 'junction');
    },
  });
  assert.equal(run.commands, 3);
});

test('docs/tags-and-referrers.md', { skip: skipPages() }, async (t) => {
  const REGISTRY = await startRegistry(t);
  const run = await runPage(join(DOCS, 'tags-and-referrers.md'), {
    directory: temporaryDirectory(t),
    values: { REGISTRY, LAN: await startRegistry(t) },
    async prepare(_machine, work, home) {
      for (const version of ['1.0.0', '1.2.1', '2.0.0-rc.1']) {
        writeChart(work, version);
        await chart(home, work, 'save', 'app', `${REGISTRY}/team/app`);
        await chart(home, work, 'push', `${REGISTRY}/team/app:${version}`);
      }
    },
  });
  assert.ok(run.commands >= 7);
});

test('docs/provenance.md', { skip: skipPages() }, async (t) => {
  const { privateKey, publicKey } = await makeKey('Alice');
  const run = await runPage(join(DOCS, 'provenance.md'), {
    directory: temporaryDirectory(t),
    values: { REGISTRY: await startRegistry(t) },
    async prepare(_machine, work, home) {
      mkdirSync(join(home, '.gnupg'));
      writeFileSync(join(home, '.gnupg', 'pubring.gpg'), publicKey.write());
      writeChart(work, '1.0.0');
      await chart(home, work, 'save', 'app', 'packing.example.com/app', '--cache-dir', 'packing');
      await chart(home, work, 'export', 'packing.example.com/app:1.0.0', '--tgz', '--cache-dir', 'packing');
      const metadata = readFileSync(join(work, 'app', 'Chart.yaml'), 'utf8');
      const hash = digestOf(readFileSync(join(work, 'app-1.0.0.tgz')));
      const statement = `${metadata}\n...\nfiles:\n  app-1.0.0.tgz: ${hash}\n`;
      writeFileSync(join(work, 'app-1.0.0.tgz.prov'), await signed(statement, privateKey));
    },
  });
  assert.ok(run.commands >= 6);
});

test('every page with commands is run by a test, or says of each block why not', () => {
  const tests = readdirSync(join(PROJECT, 'test', 'docs'))
    .map((file) => readFileSync(join(PROJECT, 'test', 'docs', file), 'utf8'))
    .join('\n');
  const forgotten = readdirSync(DOCS)
    .filter((file) => file.endsWith('.md') && !tests.includes(`'${file}')`))
    .filter((file) => {
      const { blocks } = readPage(readFileSync(join(DOCS, file), 'utf8'));
      return blocks.some(({ notRun, commands }) => notRun === undefined && commands.length > 0);
    });
  assert.deepEqual(forgotten, []);
});

test('links between the pages lead somewhere', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...readdirSync(DOCS).map((file) => `docs/${file}`)];
  const broken = pages
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) => {
      const text = readFileSync(join(PROJECT, page), 'utf8').replace(/```[\s\S]*?```/g, '');
      return [...text.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
        .filter(([, path = '', anchor]) => !leadsSomewhere(page, path, anchor))
        .map(([link]) => `${page}: ${link}`);
    });
  assert.deepEqual(broken, []);
});

function leadsSomewhere(page: string, path: string, anchor: string | undefined): boolean {
  const file = path === '' ? join(PROJECT, page) : join(PROJECT, page, '..', path);
  try {
    if (anchor === undefined) return path.endsWith('/') ? readdirSync(file).length > 0 : readFileSync(file).length > 0;
    const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
    return headings.includes(anchor);
  } catch {
    return false;
  }
}
