/**
 * Many clients push and pull at once while other processes save and prune: no fault, and no byte that is wrong. For some seconds;
 * CHART_TEST_SOAK=N multiplies them (12: a minute).
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import { OCI_MANIFEST } from '../../src/oci/media-types.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { runChart, startChart } from '../helpers/run.js';

const SECONDS = 5 * Number(process.env.CHART_TEST_SOAK ?? 1);
const CLIENTS = 64;
const REPOSITORIES = 8;

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

test('64 clients and other processes at once: no fault, no wrong byte', async (t) => {
  const dir = temporaryDirectory(t);
  const cache = ['--cache-dir', join(dir, 'cache')];
  mkdirSync(join(dir, 'app'));
  writeFileSync(join(dir, 'app', 'Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 1.0.0\n');
  const server = startChart(['serve', '--port', '0', '--writable', ...cache]);
  t.after(() => server.stop('SIGKILL'));
  const [, url = ''] = await server.waitFor(/^Listening on (\S+)$/m);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const faults: string[] = [];
  let answers = 0;

  const send = async (method: string, path: string, body?: Buffer): Promise<Reply> => {
    const reply = await exchange(agent, new URL(path, url), method, body);
    answers += 1;
    if (reply.status >= 500) faults.push(`${method} ${path}: ${reply.status} ${reply.body.toString()}`);
    return reply;
  };
  const check = (what: string, holds: boolean): void => {
    if (!holds) faults.push(what);
  };
  const end = performance.now() + SECONDS * 1000;

  async function pushBlob(repository: string, content: Buffer, inPieces: boolean): Promise<string> {
    const digest = digestOf(content);
    if ((await send('HEAD', `/v2/${repository}/blobs/${digest}`)).status === 200) return digest;
    let { location = '' } = (await send('POST', `/v2/${repository}/blobs/uploads/`)).headers;
    if (inPieces) location = (await send('PATCH', location, content)).headers.location ?? '';
    const put = await send('PUT', `${location}?digest=${digest}`, inPieces ? undefined : content);
    check(`a blob: ${put.status} ${put.body.toString()}`, put.status === 201);
    return digest;
  }

  async function work(client: number): Promise<void> {
    const repository = `soak/app${client % REPOSITORIES}`;
    for (let round = 0; performance.now() < end; round += 1) {
      const [config, layer] = [Buffer.from('{"shared":true}'), randomBytes(round % 5 === 0 ? 300_000 : 2_000)];
      const part = async (content: Buffer, mediaType: string) => ({
        mediaType,
        digest: await pushBlob(repository, content, round % 2 === 0),
        size: content.length,
      });
      const manifest = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: OCI_MANIFEST,
          config: await part(config, 'application/vnd.example.config'),
          layers: [await part(layer, 'application/vnd.example.layer')],
        }),
      );
      const tag = `${client}-${round % 3}`;
      const put = await send('PUT', `/v2/${repository}/manifests/${tag}`, manifest);
      check(`a manifest: ${put.status} ${put.body.toString()}`, put.status === 201);
      const got = await send('GET', `/v2/${repository}/manifests/${tag}`);
      check(`${tag} is another: ${got.status}`, got.status === 200 && got.body.equals(manifest));
      const blob = await send('GET', `/v2/${repository}/blobs/${digestOf(layer)}`);
      check(`a layer is another: ${blob.status}`, blob.status === 200 && blob.body.equals(layer));
      const other = await send('GET', `/v2/${repository}/manifests/${(client + REPOSITORIES) % CLIENTS}-${round % 3}`);
      const isWhole = other.headers['docker-content-digest'] === digestOf(other.body);
      check(`a manifest of others: ${other.status}`, other.status === 404 || (other.status === 200 && isWhole));
      const tags = JSON.parse((await send('GET', `/v2/${repository}/tags/list`)).body.toString()).tags;
      check('a tag is not listed', tags.includes(tag));
      if (round % 7 === 6) await send('DELETE', `/v2/${repository}/manifests/${tag}`);
    }
  }

  async function saveAndPrune(): Promise<number> {
    let round = 0;
    for (; performance.now() < end; round += 1) {
      for (const args of [['save', join(dir, 'app'), `local/app:${round}`], ['prune']]) {
        const { exit, stderr } = await runChart([...args, ...cache]);
        check(`chart ${args[0]}: ${stderr}`, exit === 0);
      }
    }
    return round;
  }

  const clients = Array.from({ length: CLIENTS }, (_, client) => work(client));
  const [rounds] = await Promise.all([saveAndPrune(), ...clients]);
  const { exit, stderr } = await server.stop();
  assert.deepEqual(faults.slice(0, 10), []);
  assert.deepEqual({ exit, stderr }, { exit: 0, stderr: '' });
  assert.ok(answers > CLIENTS * 10 && rounds > 0);
  await assertValidLayout(join(dir, 'cache'));
});

function exchange(agent: Agent, url: URL, method: string, body?: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': OCI_MANIFEST, 'content-length': body?.length ?? 0 };
    const request = httpRequest(url, { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}
