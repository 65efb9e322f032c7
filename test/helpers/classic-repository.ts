/** A classic chart repository on loopback: charts that are made here, packed by the program itself. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { runChart } from './run.js';

export interface SampleChart {
  readonly name: string;
  readonly version: string;
  /** Lines of Chart.yaml from `dependencies:` on. */
  readonly dependencies?: readonly {
    name: string;
    version: string;
    repository: string;
    alias?: string;
    condition?: string;
  }[];
  /** Content of a `.prov`. */
  readonly provenance?: string;
}

export interface PackedChart extends SampleChart {
  readonly file: string;
  readonly bytes: Buffer;
}

/** Packs charts; the files lie in `home`. */
export async function packCharts(home: string, charts: readonly SampleChart[]): Promise<PackedChart[]> {
  const packed: PackedChart[] = [];
  const own = join(home, 'packing');
  for (const chart of charts) {
    const { name, version, dependencies = [] } = chart;
    const directory = join(own, `${name}-${version}`);
    mkdirSync(directory, { recursive: true });
    const yaml = JSON.stringify({ apiVersion: 'v2', name, version, description: `the chart ${name}`, dependencies });
    writeFileSync(join(directory, 'Chart.yaml'), yaml);
    writeFileSync(join(directory, 'values.yaml'), `id: ${name}-${version}\n`);
  }
  const paths = charts.map(({ name, version }) => join(own, `${name}-${version}`));
  const saved = await runChart(['save', ...paths, '--to', 'packing', '-q'], { home: own, cwd: own });
  if (saved.exit !== 0) throw new Error(saved.stderr);
  const refs = saved.stdout.trim().split('\n');
  const out = await runChart(['export', ...refs, '--tgz', '-d', join(own, 'out')], { home: own, cwd: own });
  if (out.exit !== 0) throw new Error(out.stderr);
  for (const chart of charts) {
    const file = `${chart.name}-${chart.version}.tgz`;
    packed.push({ ...chart, file, bytes: readFileSync(join(own, 'out', file)) });
  }
  return packed;
}

/** An index.yaml as `helm repo index` writes it. `url` gives the URL of a file; relative if absent. */
export function indexOf(charts: readonly PackedChart[], url: (file: string) => string = (file) => file): string {
  const names = [...new Set(charts.map(({ name }) => name))].sort();
  const entries = names.map((name) => {
    const versions = charts
      .filter((chart) => chart.name === name)
      .map(({ version, file, bytes, dependencies = [] }) => {
        const digest = createHash('sha256').update(bytes).digest('hex');
        const known = dependencies.length > 0 ? `    dependencies: ${JSON.stringify(dependencies)}\n` : '';
        return `  - apiVersion: v2\n    created: "2026-01-01T00:00:00Z"\n${known}    digest: ${digest}\n    name: ${name}\n    urls:\n    - ${url(file)}\n    version: ${version}\n`;
      });
    return `  ${name}:\n${versions.join('')}`;
  });
  return `apiVersion: v1\nentries:\n${entries.join('')}generated: "2026-01-01T00:00:00Z"\n`;
}

export interface ClassicServer {
  readonly url: string;
  /** `METHOD PATH` and the authorization of every request so far. */
  readonly seen: { readonly path: string; readonly authorization: string | undefined }[];
  /** Replaces the files. */
  put(path: string, content: string | Buffer): void;
}

/** Serves files by path; `/index.yaml` and each chart are put there by `put`. */
export async function startClassicServer(
  t: Pick<TestContext, 'after'>,
  options: { readonly password?: string } = {},
): Promise<ClassicServer> {
  const files = new Map<string, string | Buffer>();
  const seen: { path: string; authorization: string | undefined }[] = [];
  const expected = `Basic ${Buffer.from(`me:${options.password}`).toString('base64')}`;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { authorization } = request.headers;
    seen.push({ path: request.url ?? '', authorization });
    const content = files.get(request.url ?? '');
    if (options.password !== undefined && authorization !== expected) response.writeHead(401).end();
    else if (content === undefined) response.writeHead(404).end();
    else response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    put: (path, content) => void files.set(path, content),
  };
}
