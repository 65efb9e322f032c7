/**
 * A mirror from registry to registry beside regsync, at the same parallelism: nothing is at the target, and everything is; as it is,
 * and with time added to every round trip to either registry. Ratios, since absolute times say little on a machine that others use.
 *
 *     node --import tsx test/bench/mirror.ts [CHARTS] [ROUNDS] [MILLISECONDS]
 *
 * regsync and docker-registry are found on PATH.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled, startDockerRegistry } from '../helpers/docker-registry.js';
import { PROJECT } from '../helpers/fixtures.js';
import { type RunResult, runProgram } from '../helpers/run.js';

const VERSIONS = 7;
const PARALLEL = 8;
const TIMEOUT = 600_000;

for (const name of ['regsync', 'docker-registry']) if (!isInstalled(name)) throw new Error(`${name} is not on PATH`);
const [charts = 280, rounds = 5, latency = 50] = process.argv.slice(2).map(Number);
const home = mkdtempSync(join(tmpdir(), 'chart-bench-'));
const names = Array.from({ length: Math.ceil(charts / VERSIONS) }, (_, position) => `chart${position}`);
const source = await startDockerRegistry();
const ends: (() => unknown)[] = [() => rmSync(home, { recursive: true, force: true }), source.stop];

try {
  await fill(source.host);
  console.log(`${names.length * VERSIONS} charts, ${PARALLEL} at a time, ${rounds} rounds; chart beside regsync`);
  for (const added of [0, latency]) {
    const [from, full] = [await far(source.port, added), await startDockerRegistry()];
    ends.push(full.stop);
    const to = await far(full.port, added);
    await chart(from, to);
    await compare(`all present${nameOf(added)}`, async (side) => measure(() => side(from, to)));
    await compare(`nothing there${nameOf(added)}`, async (side) => {
      const empty = await startDockerRegistry();
      try {
        const place = await far(empty.port, added);
        return await measure(() => side(from, place));
      } finally {
        await empty.stop();
      }
    });
  }
} finally {
  for (const end of ends.reverse()) await end();
}

type Side = (from: string, to: string) => Promise<void>;

async function chart(from: string, to: string): Promise<void> {
  const file = join(home, 'mirror.yaml');
  const entries = names.map((name) => `  - source: oci://${from}/bench/${name}\n`);
  writeFileSync(file, `version: 1\ntarget: oci://${to}/bench\ncharts:\n${entries.join('')}`);
  await chartDoes('mirror', '-f', file, '--parallel', `${PARALLEL}`);
}

async function regsync(from: string, to: string): Promise<void> {
  const file = join(home, 'regsync.yaml');
  const hosts = [from, to].map((host) => `  - {registry: "${host}", tls: disabled, reqConcurrent: ${2 * PARALLEL}}\n`);
  const entries = names.map(
    (name) => `  - {source: "${from}/bench/${name}", target: "${to}/bench/${name}", type: repository}\n`,
  );
  writeFileSync(
    file,
    `version: 1\ncreds:\n${hosts.join('')}defaults: {parallel: ${PARALLEL}}\nsync:\n${entries.join('')}`,
  );
  succeeded(await runProgram(['regsync', 'once', '-c', file], { home, timeout: TIMEOUT }));
}

/** Both in turn, so that both meet the same load. */
async function compare(what: string, time: (side: Side) => Promise<number>): Promise<void> {
  const ratios: number[] = [];
  const times: [number, number][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const sides = round % 2 === 0 ? [chart, regsync] : [regsync, chart];
    const taken = new Map<Side, number>();
    for (const side of sides) taken.set(side, await time(side));
    const [ours, theirs] = [taken.get(chart) as number, taken.get(regsync) as number];
    ratios.push(ours / theirs);
    times.push([ours, theirs]);
  }
  const each = times.map((pair) => pair.map((ms) => (ms / 1000).toFixed(2)).join('/')).join(' ');
  console.log(`${what.padEnd(32)} ${median(ratios).toFixed(2)} times the time   (seconds: ${each})`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function nameOf(added: number): string {
  return added > 0 ? `, ${added} ms added` : '';
}

async function fill(host: string): Promise<void> {
  const paths = names.flatMap((name) => Array.from({ length: VERSIONS }, (_, minor) => write(name, `1.${minor}.0`)));
  await chartDoes('save', ...paths, '--to', `${host}/bench`);
  const refs = names.flatMap((name) => Array.from({ length: VERSIONS }, (_, i) => `${host}/bench/${name}:1.${i}.0`));
  await chartDoes('push', ...refs);
}

function write(name: string, version: string): string {
  const directory = join(home, 'charts', `${name}-${version}`);
  mkdirSync(join(directory, 'templates'), { recursive: true });
  writeFileSync(join(directory, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: ${version}\n`);
  writeFileSync(join(directory, 'values.yaml'), `# ${name} ${version}\nreplicas: 1\n`);
  for (let file = 0; file < 20; file += 1) {
    writeFileSync(
      join(directory, 'templates', `t${file}.yaml`),
      `kind: ConfigMap\nname: ${name}-${version}-${file}\n`.repeat(40),
    );
  }
  return directory;
}

async function chartDoes(...args: readonly string[]): Promise<void> {
  const program = [process.execPath, join(PROJECT, 'bin', 'chart.js')];
  succeeded(await runProgram([...program, ...args], { home, timeout: TIMEOUT }));
}

function succeeded({ exit, stderr }: RunResult): void {
  if (exit !== 0) throw new Error(stderr);
}

async function measure(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The registry at a distance: half of a round trip for what is sent each way, and one for the opening of a connection. */
async function far(port: number, roundTrip: number): Promise<string> {
  if (roundTrip === 0) return `localhost:${port}`;
  const server = createServer((client) => {
    const registry = dial(port, '127.0.0.1').setNoDelay();
    late(client.setNoDelay(), registry, roundTrip / 2, roundTrip);
    late(registry, client, roundTrip / 2, 0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  return `localhost:${(server.address() as AddressInfo).port}`;
}

/** Passes on in order what comes, `delay` milliseconds later; nothing before the connection is `opening` milliseconds old. */
function late(from: Socket, to: Socket, delay: number, opening: number): void {
  const open = performance.now() + opening;
  const after = (work: () => void): void => {
    setTimeout(work, Math.max(0, open - performance.now()) + delay);
  };
  from.on('data', (chunk) => after(() => to.write(chunk)));
  from.on('close', () => after(() => to.destroy()));
  from.on('error', () => undefined);
}
