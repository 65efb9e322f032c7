/** The bad network of test/helpers, before its faults are held against anything. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Fault, type FaultProxy, type FaultProxyOptions, startFaultProxy } from '../helpers/fault-proxy.js';

const BODY = 'content of some length';
const BLOB = '/v2/a/blobs/sha256:1';

interface Behind {
  readonly network: FaultProxy;
  /** What the server heard whole: `METHOD PATH BODY`. */
  readonly heard: string[];
}

async function behind(t: TestContext, options: FaultProxyOptions): Promise<Behind> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    void read(request).then(
      (body) => {
        heard.push(`${request.method} ${request.url} ${body}`);
        response.end(request.method === 'GET' ? BODY : '');
      },
      () => undefined,
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const network = await startFaultProxy(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, options);
  return { network, heard };
}

async function read(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const only = (fault: Fault): FaultProxyOptions => ({ faults: { [fault]: 1 } });

for (const fault of ['cut', 'cut-answer', 'cut-body'] as const) {
  test(`"${fault}" breaks a request off`, async (t) => {
    const { network, heard } = await behind(t, only(fault));
    await assert.rejects(fetch(`${network.url}${BLOB}`).then((response) => response.text()));
    assert.deepEqual(heard, fault === 'cut' ? [] : [`GET ${BLOB} `]);
    assert.deepEqual(
      network.met.map(({ at, ...met }) => ({ ...met, isTimed: at > 0 })),
      [{ method: 'GET', path: BLOB, fault, isTimed: true }],
    );
  });
}

test('"cut-upload" breaks a request off before the server has all of it', async (t) => {
  const { network, heard } = await behind(t, only('cut-upload'));
  await assert.rejects(fetch(`${network.url}/v2/a/blobs/uploads/1`, { method: 'PUT', body: BODY }));
  assert.deepEqual(heard, []);
});

test('"truncate" ends a body early, without a sign of it', async (t) => {
  const { network } = await behind(t, only('truncate'));
  const text = await (await fetch(`${network.url}${BLOB}`)).text();
  assert.ok(text.length < BODY.length && BODY.startsWith(text));
});

test('"corrupt" changes one bit of what comes, "corrupt-upload" one of what is sent', async (t) => {
  const down = await behind(t, only('corrupt'));
  const text = await (await fetch(`${down.network.url}${BLOB}`)).text();
  assert.equal(changedBits(text), 1);
  const up = await behind(t, only('corrupt-upload'));
  await fetch(`${up.network.url}/v2/a/blobs/uploads/1`, { method: 'PUT', body: BODY });
  assert.equal(changedBits(up.heard[0]?.split(' ').slice(2).join(' ') ?? ''), 1);
});

function changedBits(text: string): number {
  const [a, b] = [Buffer.from(text, 'latin1'), Buffer.from(BODY, 'latin1')];
  assert.equal(a.length, b.length);
  return a.reduce((sum, byte, at) => sum + (byte ^ (b[at] as number)).toString(2).replaceAll('0', '').length, 0);
}

for (const status of ['429', '500', '503'] as const) {
  test(`"${status}" refuses, and the server hears nothing`, async (t) => {
    const { network, heard } = await behind(t, { ...only(status), retryAfter: '7' });
    const response = await fetch(`${network.url}${BLOB}`);
    assert.deepEqual(
      [response.status, response.headers.get('retry-after'), heard],
      [Number(status), status === '500' ? null : '7', []],
    );
  });
}

test('"redirect" leads to the content under a signed URL of another origin', async (t) => {
  const { network } = await behind(t, only('redirect'));
  const response = await fetch(`${network.url}${BLOB}`);
  assert.equal(await response.text(), BODY);
  assert.ok(response.url.startsWith(`${network.elsewhereUrl}${BLOB}?X-Signature=`));
  assert.equal(network.elsewhere.length, 1);
  assert.equal((await fetch(`${network.elsewhereUrl}${BLOB}?X-Signature=other`)).status, 403);
  await fetch(`${network.url}${BLOB}`, { method: 'DELETE' });
  assert.equal(network.met.at(-1)?.fault, undefined);
});

test('the same seed gives the same faults, in whatever order requests come', async (t) => {
  const paths = Array.from({ length: 40 }, (_, index) => `/v2/a/blobs/${index}`);
  const faults = { '500': 0.3, '429': 0.3 };
  const ask = async (seed: number, order: readonly string[]): Promise<string[]> => {
    const { network } = await behind(t, { seed, faults });
    for (const path of order) await (await fetch(`${network.url}${path}`)).text();
    return network.met.map(({ path, fault }) => `${path} ${fault}`).sort();
  };
  const first = await ask(1, paths);
  assert.deepEqual(await ask(1, [...paths].reverse()), first);
  assert.notDeepEqual(await ask(2, paths), first);
});

test('the same request meets as many faults as it may, and no more', async (t) => {
  const { network } = await behind(t, { ...only('500'), atMost: 2 });
  const statuses: number[] = [];
  for (let times = 0; times < 4; times += 1) statuses.push((await fetch(`${network.url}${BLOB}`)).status);
  assert.deepEqual(statuses, [500, 500, 200, 200]);
  network.setFaults({});
  assert.equal((await fetch(`${network.url}/v2/b`)).status, 200);
});
