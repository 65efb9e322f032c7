/** docs/air-gap.md does what it says, from a chart repository and a registry to Helm on another machine. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { saveCharts } from '../helpers/bundles.js';
import { runPage, skipPages } from '../helpers/doc-commands.js';
import { freePort } from '../helpers/docker-registry.js';
import { PROJECT, REAL_CHARTS, temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';

interface Listed {
  readonly ref: string;
  readonly digest: string;
}

test('docs/air-gap.md', { skip: skipPages() }, async (t) => {
  const directory = temporaryDirectory(t);
  const usb = join(directory, 'usb');
  mkdirSync(usb);
  const classic = await startRepository(t, join(directory, 'classic'));
  const registry = await startRegistry(t, join(directory, 'registry'));
  const served = `127.0.0.1:${await freePort()}`;
  const inside = `127.0.0.1:${await freePort()}`;
  const list = async (machine: string): Promise<Listed[]> => {
    const { stdout } = await runChart(['list', '-o', 'json'], { home: join(directory, machine, 'home') });
    return JSON.parse(stdout);
  };
  await runPage(join(PROJECT, 'docs', 'air-gap.md'), {
    directory,
    values: {
      CLASSIC_URL: `http://${classic}`,
      CLASSIC: classic,
      REGISTRY: registry,
      SERVED: served,
      INSIDE: inside,
      USB: usb,
    },
    // What Helm does, without Helm: the tag, the manifest, the layer.
    atEnd: async () => {
      const outside = await list('outside');
      const ours = (await list('inside')).filter(({ ref }) => !ref.startsWith(inside));
      assert.deepEqual(
        ours.map(({ ref, digest }) => [ref, digest]),
        outside.map(({ ref, digest }) => [ref, digest]),
      );
      for (const { ref, digest } of outside) {
        const [, path, tag] = /^[^/]+\/(.*):(.*)$/.exec(ref) as unknown as [string, string, string];
        for (const [host, name] of [
          [served, path],
          [inside, `acme/${path}`],
        ] as const) {
          if (host === inside && tag === '1.0.0') continue;
          const url = `http://${host}/v2/${name}`;
          const manifest = await get(`${url}/manifests/${tag.replace('+', '_')}`);
          assert.equal(sha256(manifest), digest, `${url}:${tag}`);
          const { layers } = JSON.parse(manifest.toString()) as { layers: { digest: string }[] };
          assert.equal(sha256(await get(`${url}/blobs/${layers[0]?.digest}`)), layers[0]?.digest);
        }
      }
    },
  });
  for (const machine of ['outside', 'inside']) {
    assertValidLayout(join(directory, machine, 'home', '.cache', 'helm', 'registry', 'cache'));
  }
});

async function get(url: string): Promise<Buffer> {
  const response = await fetch(url, { headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } });
  assert.equal(response.status, 200, url);
  return Buffer.from(await response.arrayBuffer());
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A directory of packed charts with an index.yaml, as any web server gives it out. @returns its host and port */
async function startRepository(t: TestContext, directory: string): Promise<string> {
  const home = temporaryDirectory(t);
  const saved = await runChart(['save', ...REAL_CHARTS, '--to', 'local', '-q'], { home });
  const exported = await runChart(['export', '--tgz', ...saved.stdout.trim().split('\n'), '-d', directory], { home });
  assert.equal(exported.exit, 0, exported.stderr);
  const entries: Record<string, object[]> = {};
  for (const file of readdirSync(directory)) {
    const [, name, version] = /^([a-z]+)-(.*)\.tgz$/.exec(file) as unknown as [string, string, string];
    const digest = createHash('sha256')
      .update(readFileSync(join(directory, file)))
      .digest('hex');
    entries[name] = [{ apiVersion: 'v2', name, version, digest, urls: [file], created: '2026-01-01T00:00:00Z' }];
  }
  writeFileSync(
    join(directory, 'index.yaml'),
    JSON.stringify({ apiVersion: 'v1', entries, generated: '2026-01-01T00:00:00Z' }),
  );
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '').slice(1));
    if (readdirSync(directory).includes(name)) response.end(readFileSync(join(directory, name)));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A registry with three versions of one chart. @returns its host and port */
async function startRegistry(t: TestContext, directory: string): Promise<string> {
  const home = temporaryDirectory(t);
  const server = startChart(['--cache-dir', directory, 'serve', '--writable', '--addr', '127.0.0.1:0'], { home });
  t.after(() => server.stop());
  const [, port] = await server.waitFor(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\n/);
  // After 127.0.0.1 in the order of references, whatever the ports are.
  const host = `localhost:${port}`;
  const charts = ['1.0.0', '1.1.0', '1.2.0'].map((version) => ({ name: 'api', version }));
  const refs = await saveCharts(home, charts, `${host}/team`);
  const pushed = await runChart(['push', ...refs], { home });
  assert.equal(pushed.exit, 0, pushed.stderr);
  return host;
}
