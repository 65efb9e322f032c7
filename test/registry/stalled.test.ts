/** Uploads that nobody takes, and authorities that only the system knows. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { openRegistry } from '../../src/registry/registry.js';
import { watchedContent } from '../../src/registry/watched-content.js';
import { requireTools } from '../helpers/docker-registry.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { startExchange } from '../helpers/http-exchange.js';
import { blob, readAll } from './artifacts.js';
import { makeAuthority } from './certificates.js';

const OPENSSL = { skip: requireTools('openssl') };

test('an upload that the registry stops to take is given up after the time limit', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', (head) => {
      const text = head.toString();
      if (text.startsWith('HEAD')) socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      else if (text.startsWith('POST'))
        socket.end('HTTP/1.1 202 Accepted\r\nlocation: /u\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      else socket.pause();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const registry = openRegistry(`127.0.0.1:${(server.address() as AddressInfo).port}`, {
    timeouts: { body: 200 },
    retry: { attempts: 1 },
  });
  t.after(() => registry.close());
  const large = blob(Buffer.alloc(32 * 1024 * 1024, 'a'));
  await assert.rejects(registry.repository('a').writeBlob(large.descriptor, large.open), (error) => {
    assert.ok(isChartError(error, 'REGISTRY_UNREACHABLE'));
    assert.match(error.message, /timeout sending the request$/);
    return true;
  });
});

test('content that is slow to come is not taken for an upload that stalls', async () => {
  let stalls = 0;
  async function* slowly(): AsyncGenerator<Buffer> {
    for (const piece of ['a', 'b']) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      yield Buffer.from(piece);
    }
  }
  const content = watchedContent(Readable.from(slowly()), 20, () => {
    stalls += 1;
  });
  assert.equal((await readAll(content)).toString(), 'ab');
  assert.equal(stalls, 0);
});

test(
  'trusts an authority that only the system knows, for registry and redirects, beside the one of --ca-file',
  OPENSSL,
  async (t) => {
    const directory = temporaryDirectory(t);
    const [system, given] = [makeAuthority(directory, 'system'), makeAuthority(directory, 'given')];
    const path = '/v2/a/tags/list?n=1000';
    const answer = { method: 'GET', path, answer: { body: '{"tags":["1"]}' } } as const;
    const servers = [system, given].map((authority, position) =>
      startExchange(t, [answer, answer], { tls: authority.issue(`server${position}`).pem }),
    );
    for (const server of await Promise.all(servers)) {
      const options = { caFile: given.cert, systemCaFiles: [`${directory}/none.pem`, system.cert] };
      const registry = openRegistry(server.host, options);
      t.after(() => registry.close());
      for (let times = 0; times < 2; times += 1) {
        for await (const tag of registry.repository('a').listTags()) assert.equal(tag, '1');
      }
    }
  },
);

test('says of an authority that nobody knows what it said before', OPENSSL, async (t) => {
  const authority = makeAuthority(temporaryDirectory(t));
  const server = await startExchange(t, [], { tls: authority.issue('server').pem });
  const registry = openRegistry(server.host, { plainHttp: false });
  t.after(() => registry.close());
  for (let times = 0; times < 2; times += 1) {
    await assert.rejects(registry.ping(), (error) => {
      assert.ok(isChartError(error, 'REGISTRY_TLS'));
      assert.match(error.message, /x509: certificate signed by unknown authority/);
      return true;
    });
  }
});
