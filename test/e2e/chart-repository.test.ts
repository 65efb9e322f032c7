/** `chart serve` as a classic chart repository: what was saved, pushed and removed, as Helm would find it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { parse } from 'yaml';
import { REAL_CHARTS, temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';

interface Index {
  readonly entries: Record<string, { version: string; digest: string; created: string; urls: [string] }[]>;
}

it('offers what the cache holds, as it changes, byte for byte', async (t) => {
  const home = temporaryDirectory(t);
  const cache = join(home, 'cache');
  const chart = async (...args: string[]) => {
    const { exit, stderr, stdout } = await runChart([...args, '--cache-dir', cache], { home });
    assert.equal(exit, 0, stderr);
    return stdout;
  };
  const source = join(home, 'webshop');
  await cp(REAL_CHARTS[0] as string, source, { recursive: true });
  await chart('save', source, 'registry.example.com/team/webshop:3.2.1');
  await chart('export', '--tgz', 'registry.example.com/team/webshop:3.2.1', '-d', home);
  const server = startChart(['serve', '--addr', '127.0.0.1:0', '--cache-dir', cache], { home });
  t.after(() => server.stop());
  const [, url] = await server.waitFor(/^Listening on (\S+)$/m);
  const get = async (path: string) => {
    const answer = await fetch(new URL(path, `${url}/`));
    assert.equal(answer.status, 200, path);
    return Buffer.from(await answer.arrayBuffer());
  };
  const index = async (path = 'index.yaml') => parse((await get(path)).toString()) as Index;

  const before = await index();
  assert.deepEqual(Object.keys(before.entries), ['webshop']);
  const [entry] = before.entries.webshop ?? [];
  const archive = readFileSync(join(home, 'webshop-3.2.1.tgz'));
  assert.deepEqual(await get(entry?.urls[0] ?? ''), archive);
  assert.equal(entry?.digest, createHash('sha256').update(archive).digest('hex'));
  assert.ok(Math.abs(Date.now() - Date.parse(entry?.created ?? '')) < 600_000, 'created when it was saved');
  assert.deepEqual(await index('team/index.yaml'), before, 'under its short name');
  assert.deepEqual(await index('registry.example.com/team/index.yaml'), before, 'and its long one');

  const metadata = join(source, 'Chart.yaml');
  await writeFile(metadata, (await readFile(metadata, 'utf8')).replace('version: 3.2.1', 'version: 3.3.0'));
  await chart('save', source, 'registry.example.com/team/webshop:3.3.0');
  await chart('tag', 'registry.example.com/team/webshop:3.3.0', 'registry.example.com/team/webshop:latest');
  const after = await index();
  assert.deepEqual(
    after.entries.webshop?.map(({ version }) => version),
    ['3.3.0', '3.2.1'],
  );
  assert.deepEqual(after.entries.webshop?.[1], entry);

  await chart('remove', 'registry.example.com/team/webshop:3.2.1');
  assert.deepEqual((await index()).entries.webshop, after.entries.webshop?.slice(0, 1));
  assert.equal((await fetch(`${url}/charts/webshop-3.2.1.tgz`)).status, 404);
  assertValidLayout(cache);
});

it('leaves out what is damaged, and takes it up again when it is mended', async (t) => {
  const home = temporaryDirectory(t);
  const cache = join(home, 'cache');
  for (const source of REAL_CHARTS) await runChart(['save', source, '--to', 'team', '--cache-dir', cache], { home });
  const { stdout } = await runChart(['list', '-o', 'json', '--cache-dir', cache], { home });
  const [first] = (JSON.parse(stdout) as { digest: string; name: string }[]).filter(({ name }) => name === 'webshop');
  const manifest = join(cache, 'blobs', 'sha256', first?.digest.replace('sha256:', '') ?? '');
  const bytes = await readFile(manifest);
  await writeFile(manifest, 'damaged');
  const server = startChart(['serve', '--addr', '127.0.0.1:0', '--cache-dir', cache], { home });
  t.after(() => server.stop());
  const [, url] = await server.waitFor(/^Listening on (\S+)$/m);
  const names = async () => Object.keys((parse(await (await fetch(`${url}/index.yaml`)).text()) as Index).entries);
  assert.deepEqual(await names(), ['ledgerdb', 'mailroom']);
  await writeFile(manifest, bytes);
  await runChart(['save', REAL_CHARTS[0] as string, 'team/again:1.0.0', '--cache-dir', cache], { home });
  assert.deepEqual(await names(), ['ledgerdb', 'mailroom', 'webshop']);
});

it('gives a path that two hosts share to the preferred one, and serves what the prefix lets it', async (t) => {
  const home = temporaryDirectory(t);
  const cache = join(home, 'cache');
  const [webshop, ledgerdb, mailroom] = REAL_CHARTS as [string, string, string];
  for (const [source, repository] of [
    [webshop, 'a.example/team/app'],
    [ledgerdb, 'b.example/team/app'],
    [mailroom, 'b.example/only'],
  ] as const) {
    const { exit, stderr } = await runChart(['save', source, `${repository}:1.0.0`, '--cache-dir', cache], { home });
    assert.equal(exit, 0, stderr);
  }
  /** The names of the charts below each path, or the status where there is no index. */
  const serve = async (...options: string[]) => {
    const server = startChart(['serve', '--port', '0', '--cache-dir', cache, ...options], { home });
    const [, url] = await server.waitFor(/^Listening on (\S+)$/m);
    const found: Record<string, string[] | number> = {};
    for (const path of ['', 'team/', 'team/app/', 'a.example/', 'b.example/', 'only/']) {
      const answer = await fetch(`${url}/${path}index.yaml`);
      const text = await answer.text();
      found[path] = answer.ok ? Object.keys((parse(text) as Index).entries) : answer.status;
    }
    await server.stop();
    return found;
  };
  const long = { 'a.example/': ['webshop'], 'b.example/': ['ledgerdb', 'mailroom'], 'only/': ['mailroom'] };
  const all = { '': ['ledgerdb', 'mailroom', 'webshop'], ...long };
  assert.deepEqual(await serve(), { ...all, 'team/': 404, 'team/app/': 404 });
  assert.deepEqual(await serve('--prefer', 'b.example'), { ...all, 'team/': ['ledgerdb'], 'team/app/': ['ledgerdb'] });
  assert.deepEqual(await serve('--prefix', 'a.example/team'), {
    '': ['webshop'],
    'team/': ['webshop'],
    'team/app/': ['webshop'],
    'a.example/': ['webshop'],
    'b.example/': 404,
    'only/': 404,
  });
});
