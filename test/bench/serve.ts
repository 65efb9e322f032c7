/**
 * `chart serve` beside Distribution (`docker-registry`): pushes and reads, in turn, on the same disk. Prints ratios.
 *
 *     node --import tsx test/bench/serve.ts [--rounds 5] [--only push,pull,chart] [--large 64] [--no-fsync]
 *
 * A ratio is the time, or the server's processor time, of `chart serve` by that of Distribution: below 1 is faster. It is the
 * median of the pairs of all rounds, and the smallest and the largest stand beside it. Before each side's turn what the other
 * left to be written is written (`sync`). Reads are made by wrk, and left out where that is not installed.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { digestOf } from '../../src/oci/digest.js';
import { isInstalled, startDockerRegistry } from '../helpers/docker-registry.js';
import { runChart, startChart } from '../helpers/run.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'push,pull,chart' },
    large: { type: 'string', default: '64' },
    'no-fsync': { type: 'boolean', default: false },
  },
});
const ROUNDS = Number(values.rounds);
const LARGE = Number(values.large) * 1024 * 1024;
const SMALL = 38 * 1024;
const pattern = randomBytes(LARGE);
const parts = new Set(values.only.split(','));

interface Side {
  readonly host: string;
  readonly pid: number;
}

/** Milliseconds that passed, and that the server's processor was at work. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

const home = mkdtempSync(join(tmpdir(), 'chart-bench-'));
const agent = new Agent({ keepAlive: true });
const distribution = await startDockerRegistry();
const storage = values['no-fsync'] ? ['--no-fsync'] : [];
const chart = startChart(['serve', '--writable', '--port', '0', '--cache-dir', join(home, 'served'), ...storage]);
const [, host = ''] = await chart.waitFor(/^Listening on http:\/\/(\S+)$/m);
const ours: Side = { host, pid: chart.child.pid as number };
const theirs: Side = { host: distribution.host.replace('localhost', '127.0.0.1'), pid: distribution.pid };

try {
  console.log(
    `rounds: ${ROUNDS}; below 1, chart serve is faster${values['no-fsync'] ? ', and does not wait for the disk' : ''}`,
  );
  console.log('what                                          time                processor');
  if (parts.has('push')) await pushes();
  if (parts.has('chart')) await charts();
  if (parts.has('pull')) await pulls();
} finally {
  agent.destroy();
  await chart.stop();
  await distribution.stop();
  rmSync(home, { recursive: true, force: true });
}

async function pushes(): Promise<void> {
  for (const [name, size, counts] of [
    [`${LARGE / 1024 / 1024} MiB`, LARGE, [1, 16]],
    ['38 KiB', SMALL, [1, 64]],
  ] as const) {
    for (const way of ['PUT', 'PATCH'] as const) {
      for (const count of counts) {
        await compare(`push ${name}, ${way}, ${count} at once`, async (side) => {
          const blobs = Array.from({ length: size === SMALL && count === 1 ? 64 : count }, () => freshBlob(size));
          return async () => {
            const send = ({ content, digest }: Blob) => pushBlob(side, way, content, digest);
            if (count === 1) for (const blob of blobs) await send(blob);
            else await Promise.all(blobs.map(send));
          };
        });
      }
    }
  }
}

/** `chart push` itself, from its start to its end. */
async function charts(): Promise<void> {
  let version = 0;
  await compare(`chart push of ${LARGE / 1024 / 1024} MiB`, async (side) => {
    const dir = join(home, 'large');
    mkdirSync(dir, { recursive: true });
    version += 1;
    writeFileSync(join(dir, 'Chart.yaml'), `apiVersion: v2\nname: large\nversion: ${version}.0.0\n`);
    writeFileSync(join(dir, 'content'), randomBytes(LARGE));
    const ref = `${side.host}/bench/large:${version}.0.0`;
    await succeed(['save', dir, ref]);
    return () => succeed(['push', ref]);
  });
}

async function pulls(): Promise<void> {
  if (!isInstalled('wrk')) return console.log('wrk is not installed: no reads');
  for (const [name, size] of [
    [`${LARGE / 1024 / 1024} MiB`, LARGE],
    ['38 KiB', SMALL],
  ] as const) {
    const { content, digest } = freshBlob(size);
    for (const side of [ours, theirs]) await pushBlob(side, 'PUT', content, digest);
    for (const connections of [1, 16]) {
      await compare(`pull ${name}, ${connections} at once`, async (side) => {
        const args = ['-t1', `-c${connections}`, '-d4s', `http://${side.host}/v2/bench/blobs/blobs/${digest}`];
        return async () => {
          const { stdout } = spawnSync('wrk', args, { encoding: 'utf8' });
          const [, requests, seconds] = /(\d+) requests in ([\d.]+)s/.exec(stdout) ?? [];
          return (Number(seconds) * 1000) / Number(requests);
        };
      });
    }
  }
}

interface Blob {
  readonly content: Buffer;
  readonly digest: string;
}

/** Content that no two blobs share. */
function freshBlob(size: number): Blob {
  const content = Buffer.from(pattern.subarray(0, size));
  randomBytes(32).copy(content);
  return { content, digest: digestOf(content) };
}

async function pushBlob({ host }: Side, way: 'PUT' | 'PATCH', content: Buffer, digest: string): Promise<void> {
  let location = await send(new URL(`http://${host}/v2/bench/blobs/blobs/uploads/`), 'POST', undefined, 202);
  if (way === 'PATCH') location = await send(location, 'PATCH', content, 202);
  location.searchParams.set('digest', digest);
  await send(location, 'PUT', way === 'PUT' ? content : undefined, 201);
}

/** @returns where the answer points to */
function send(url: URL, method: string, body: Buffer | undefined, expected: number): Promise<URL> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': body?.length ?? 0 };
    const sent = request(url, { agent, method, headers }, (response: IncomingMessage) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === expected) resolve(new URL(response.headers.location ?? '', url));
        else reject(new Error(`${method} ${url}: ${response.statusCode}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function succeed(args: readonly string[]): Promise<void> {
  const all = [...args, '--cache-dir', join(home, 'client'), '--plain-http'];
  const { exit, stderr } = await runChart(all, { home, timeout: 600_000 });
  if (exit !== 0) throw new Error(stderr);
}

/**
 * Has both sides do the same by turns; who begins changes with the round.
 *
 * @param prepare what comes before the clock runs; resolves to what is measured, which may give its own time in milliseconds
 */
async function compare(name: string, prepare: (side: Side) => Promise<() => Promise<unknown>>): Promise<void> {
  const pairs: { ours: Cost; theirs: Cost }[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const costs = new Map<Side, Cost>();
    for (const side of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) {
      const work = await prepare(side);
      spawnSync('sync');
      const [start, cpu] = [performance.now(), processorTime(side.pid)];
      const own = await work();
      costs.set(side, {
        wall: typeof own === 'number' ? own : performance.now() - start,
        cpu: processorTime(side.pid) - cpu,
      });
    }
    // The first round warms up.
    if (round > 0) pairs.push({ ours: costs.get(ours) as Cost, theirs: costs.get(theirs) as Cost });
  }
  const time = pairs.map((pair) => pair.ours.wall / pair.theirs.wall);
  const processor = pairs.map((pair) => pair.ours.cpu / pair.theirs.cpu);
  const shown = Number.isFinite(processor[0]) ? spread(processor) : '-';
  console.log(`${name.padEnd(40)} ${spread(time).padEnd(24)} ${shown}`);
}

function spread(ratios: readonly number[]): string {
  const sorted = [...ratios].sort((a, b) => a - b);
  const [middle = 0, least = 0, most = 0] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)];
  return `${middle.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

/** Milliseconds of a process with all its threads, where the system tells (Linux). */
function processorTime(pid: number): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return Number.NaN;
  const fields = readFileSync(path, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
