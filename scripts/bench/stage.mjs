// What the rows work on: charts, caches, a registry.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from './measure.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** @param work an empty directory */
export async function openStage(work, { peers, count, many }) {
  const charts = makeCharts(work, count);
  const registry = await startRegistry(work);
  // Where it is set, Node reads certificates at every start, before any program of its own: that would pass for bare Node.
  const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
  const environment = {
    ...inherited,
    HOME: work,
    HELM_EXPERIMENTAL_OCI: '1',
    HELM_CACHE_HOME: join(work, 'helm-cache'),
    HELM_CONFIG_HOME: join(work, 'helm-config'),
    HELM_DATA_HOME: join(work, 'helm-data'),
  };
  return {
    work,
    count,
    many,
    charts,
    registry,
    peer: (name) => peers.find((peer) => peer.name === name)?.file,
    chart: (...args) => [process.execPath, join(root, 'bin', 'chart.js'), ...args],
    node: [process.execPath, '-e', '0'],
    path: (...names) => join(work, ...names),
    /** The environment in which Helm and chart use that cache. */
    cache: (name) => ({ HELM_CACHE_HOME: join(work, name) }),
    layoutOf: (name) => join(work, name, 'registry', 'cache'),
    run: (command, env) => runCommand(command, { cwd: work, env: { ...environment, ...env } }),
    remove: (...names) => rmSync(join(work, ...names), { recursive: true, force: true }),
    close: async () => registry?.stop(),
  };
}

/** Charts like real ones in number and size of files, each with content of its own. */
function makeCharts(work, count) {
  const real = join(root, 'fixtures', 'real');
  const sources = readdirSync(real).map((name) => join(real, name));
  return Array.from({ length: count }, (_, i) => {
    const path = join(work, 'charts', `c${i}`);
    cpSync(sources[i % sources.length], path, { recursive: true });
    const file = join(path, 'Chart.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/^name:.*$/m, `name: c${i}`).replace(/^version:.*$/m, `version: 1.0.${i}`));
    return { path, name: `c${i}`, version: `1.0.${i}` };
  });
}

/** A cache of so many distinct charts, written without the program. */
export function writeCache(dir, count) {
  mkdirSync(join(dir, 'blobs', 'sha256'), { recursive: true });
  mkdirSync(join(dir, 'ingest'), { recursive: true });
  const put = (text, mediaType) => {
    const bytes = Buffer.from(text);
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(dir, 'blobs', 'sha256', hex), bytes, { mode: 0o444 });
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const manifests = Array.from({ length: count }, (_, i) => {
    const metadata = { name: `many${i}`, version: `1.0.${i}`, description: 'One of many charts', apiVersion: 'v2' };
    const config = put(JSON.stringify(metadata), 'application/vnd.cncf.helm.config.v1+json');
    const layer = put(`layer ${i}`, 'application/tar+gzip');
    const manifest = JSON.stringify({ schemaVersion: 2, config, layers: [layer] });
    const annotations = { 'org.opencontainers.image.ref.name': `registry.example.com/many/many${i}:1.0.${i}` };
    return { ...put(manifest, 'application/vnd.oci.image.manifest.v1+json'), annotations };
  });
  writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}

/** Debian's docker-registry (Distribution), or undefined where it is not on PATH. */
async function startRegistry(work) {
  const file = (process.env.PATH ?? '')
    .split(delimiter)
    .map((dir) => join(dir, 'docker-registry'))
    .find(isExecutable);
  if (file === undefined) return undefined;
  const port = await freePort();
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(work, 'registry-storage') } },
    http: { addr: `127.0.0.1:${port}`, secret: 'bench' },
  };
  writeFileSync(join(work, 'registry.json'), JSON.stringify(config));
  const child = spawn(file, ['serve', join(work, 'registry.json')], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH },
  });
  const stop = () =>
    new Promise((resolve) => {
      if (child.exitCode !== null) return resolve();
      child.once('exit', resolve);
      child.kill('SIGKILL');
    });
  for (let waited = 0; waited < 20_000; waited += 50) {
    if (
      await fetch(`http://127.0.0.1:${port}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { host: `localhost:${port}`, stop };
    await delay(50);
  }
  await stop();
  throw new Error('docker-registry does not start');
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
