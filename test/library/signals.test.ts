/** One AbortSignal for many calls: it may be given to as many as one likes, and ends them all with nothing half-written. */
import assert from 'node:assert/strict';
import { getEventListeners, getMaxListeners } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import * as library from '../../src/index.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';

/** More than the ten listeners of which Node.js 20 warns. */
const COUNT = 12;

let work: string;
let host: string;
let layout: library.Layout;
let registry: library.Registry;
let stop: () => Promise<void>;

before(async (t) => {
  work = temporaryDirectory(t as never);
  const storage = library.openLayout(join(work, 'storage'));
  const server = createServer(library.createHandler(storage, { writable: true })).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  registry = library.openRegistry(host);
  layout = library.openLayout(join(work, 'cache'));
  stop = async () => {
    await registry.close();
    await layout.close();
    server.closeAllConnections();
    server.close();
    await storage.close();
  };
  for (let index = 0; index < COUNT; index++) writeChart(index);
});

after(() => stop());

/** Large enough that a blob is streamed, and of other content than the other charts'. */
function writeChart(index: number): void {
  mkdirSync(pathOf(index), { recursive: true });
  writeFileSync(join(pathOf(index), 'Chart.yaml'), `apiVersion: v2\nname: app-${index}\nversion: 1.0.0\n`);
  const content = Buffer.alloc(300_000);
  for (let at = 0; at < content.length; at++) content[at] = (at * at * (index + 3)) >> 4;
  writeFileSync(join(pathOf(index), 'content'), content);
}

const pathOf = (index: number): string => join(work, 'charts', `app-${index}`);
const refOf = (index: number): string => `${host}/team/app-${index}:1.0.0`;
const connect = () => registry;

/** Rejects with the first error once all calls are at their end. */
async function each<T>(call: (index: number) => Promise<T>): Promise<void> {
  const calls = Array.from({ length: COUNT }, (_, index) => call(index));
  await Promise.allSettled(calls);
  await Promise.all(calls);
}

/** The results of calls that take many and were given one. @throws the first error */
function resultOf<T>([outcome]: readonly library.Outcome<T>[]): T {
  if (outcome?.error) throw outcome.error;
  return outcome?.result as T;
}

/** Everything that takes a signal, many times at once. They run in this order, each on what those before have left. */
const CALLS: Record<string, (signal: AbortSignal, into: string) => Promise<unknown>> = {
  saveChart: (signal) =>
    each((index) => library.saveChart({ layout, signal }, { path: pathOf(index), ref: refOf(index) })),
  pushCharts: (signal) =>
    each(async (index) => resultOf(await library.pushCharts({ layout, connect, signal }, [refOf(index)]))),
  pullCharts: (signal, into) =>
    withLayout(into, (other) =>
      each(async (index) => resultOf(await library.pullCharts({ layout: other, connect, signal }, [refOf(index)]))),
    ),
  copy: (signal, into) =>
    withLayout(into, (other) =>
      each((index) =>
        library.copy(registry.repository(`team/app-${index}`), other.repository(`team/app-${index}`), '1.0.0', {
          tag: '1.0.0',
          signal,
        }),
      ),
    ),
  exportCharts: (signal, into) =>
    each(async (index) => {
      const input = { refs: [refOf(index)], directory: into };
      resultOf(await library.exportCharts({ layout, signal }, input));
      return resultOf(await library.exportCharts({ layout, signal }, { ...input, packed: true }));
    }),
  mirrorCharts: async (signal, into) =>
    withLayout(into, async (other) => {
      const entries = [{ source: `oci://${host}/team/*` }];
      const dependencies = { layout: other, connect, signal };
      const { charts } = await library.mirrorCharts(dependencies, { entries, target: 'cache', parallel: COUNT });
      assert.deepEqual(new Set(charts.map(({ status }) => status)), new Set(['copied']));
    }),
  writeBundles: (signal, into) =>
    each(async (index) => {
      const { plans } = await library.planBundles({ layout, signal }, { refs: [refOf(index)] });
      return library.writeBundles({ layout, signal }, plans, join(into, `${index}.tar`));
    }),
  verifyCache: (signal) => each(() => library.verifyCache({ layout, signal }, {})),
  tagChart: (signal) =>
    each((index) =>
      library.tagChart({ layout, signal }, { source: refOf(index), target: `other.example.com/app-${index}:1.0.0` }),
    ),
  removeCharts: async (signal) => {
    const refs = await Promise.all(
      Array.from({ length: COUNT }, async (_, index) => {
        const names = { source: refOf(index), target: `other.example.com/app-${index}:1.0.0` };
        return (await library.tagChart({ layout }, names)).ref;
      }),
    );
    await each(async (index) => resultOf(await library.removeCharts({ layout, signal }, [refs[index] as string])));
  },
};

async function withLayout(into: string, use: (other: library.Layout) => Promise<unknown>): Promise<void> {
  const other = library.openLayout(into);
  try {
    await use(other);
  } finally {
    await other.close();
  }
}

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name}: ${COUNT} calls with one signal warn of nothing, and nothing listens to it afterwards`, async (t) => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(String(warning));
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    const { signal } = new AbortController();
    const limit = getMaxListeners(signal);
    await call(signal, temporaryDirectory(t));
    // Warnings come a turn later.
    await turn();
    assert.deepEqual(warnings, []);
    assert.equal(getMaxListeners(signal), limit);
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
  });

  test(`${name}: aborted meanwhile, it rejects with CANCELLED and leaves nothing half-written`, async (t) => {
    // In turns of the event loop: none of these calls is done after one, and later some may be.
    for (const turns of [1, 6]) {
      const into = temporaryDirectory(t);
      const controller = new AbortController();
      const running = call(controller.signal, into);
      const ended = running.then(
        () => undefined,
        (error: unknown) => error,
      );
      for (let passed = 0; passed < turns; passed++) await turn();
      controller.abort(new Error('enough'));
      const error = await ended;
      if (turns === 1 || error !== undefined) assert.ok(library.isChartError(error, 'CANCELLED'), String(error));
      for (const cache of [into, join(work, 'cache'), join(work, 'storage')]) {
        if (existsSync(join(cache, 'index.json'))) assertValidLayout(cache);
      }
      const partial = readdirSync(into).filter((file) => /partial|\.tmp/.test(file));
      assert.deepEqual(partial, []);
      assert.deepEqual(getEventListeners(controller.signal, 'abort'), []);
    }
  });
}
