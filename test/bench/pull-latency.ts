/**
 * How much faster many charts are pulled by one command than one by one, with time added to every round trip.
 *
 *     node --import tsx test/bench/pull-latency.ts [CHARTS] [MILLISECONDS]
 *
 * One by one in two ways: a command for each chart, and one process that keeps its connection and waits for each chart before
 * it asks for the next, which is the fastest that one by one can be.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLayout, openRegistry, pullCharts } from '../../src/index.js';
import { writeCharts } from '../e2e/charts.js';
import { startFaultProxy } from '../helpers/fault-proxy.js';
import { runChart, startChart } from '../helpers/run.js';

const [charts = 100, latency = 50] = process.argv.slice(2).map(Number);
const home = mkdtempSync(join(tmpdir(), 'chart-bench-'));
const ends: (() => unknown)[] = [];
const t = { after: (end: () => unknown): void => void ends.push(end) } as Parameters<typeof startFaultProxy>[0];

const server = startChart(['serve', '--writable', '--addr', '127.0.0.1:0', '--cache-dir', join(home, 'served')]);
const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
const fast = await startFaultProxy(t, url, { faults: {} });
const slow = await startFaultProxy(t, url, { faults: {}, latency });

const names = Array.from({ length: charts }, (_, position) => `chart${position}`);
writeCharts(home, names, 10_000);
const prefix = `${fast.host}/bench`;
await succeed(['save', ...names, '--to', prefix], 'source');
const pushed = names.map((name) => `${prefix}/${name}:1.0.0`);
await succeed(['push', ...pushed], 'source');
const refs = pushed.map((ref) => ref.replace(fast.host, slow.host));

const together = await measure(() => succeed(['pull', ...refs], 'together'));
const inOne = await measure(async () => {
  const registry = openRegistry(slow.host);
  const layout = openLayout(join(home, 'one-process'));
  for (const ref of refs) {
    const [outcome] = await pullCharts({ layout, connect: () => registry }, [ref], { onStart() {}, onOutcome() {} });
    if (outcome?.error) throw outcome.error;
  }
  await layout.close();
  await registry.close();
});
const commands = await measure(async () => {
  for (const ref of refs) await succeed(['pull', ref], 'commands');
});
console.log(`${charts} charts, ${latency} ms a round trip`);
console.log(`one command:                    ${together} ms`);
console.log(`one by one, in one process:     ${inOne} ms, ${(inOne / together).toFixed(1)} times as long`);
console.log(`one by one, a command for each: ${commands} ms, ${(commands / together).toFixed(1)} times as long`);

await server.stop();
for (const end of ends) await end();
rmSync(home, { recursive: true, force: true });

async function succeed(args: readonly string[], cache: string): Promise<void> {
  const { exit, stderr } = await runChart([...args, '--cache-dir', join(home, cache)], { home, timeout: 600_000 });
  if (exit !== 0) throw new Error(stderr);
}

async function measure(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round(performance.now() - start);
}
