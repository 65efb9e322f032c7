import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { digestOf } from '../../src/oci/digest.js';
import { createHandler } from '../../src/server/handler.js';
import { startServer } from '../../src/server/server.js';
import { assertRefused, json, putArtifact, serveMemory } from './fixture.js';
import { MemoryTarget } from './memory-target.js';
import { exchangeBytes, Line, parseReplies, requestBytes } from './talk.js';

const GET_BASE = 'GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n';

describe('startServer', () => {
  it('takes a free port and says which', async (t) => {
    const { url, port } = await serveMemory(t);
    assert.ok(port > 0);
    assert.equal(url, `http://127.0.0.1:${port}`);
    assert.equal((await fetch(`${url}/v2/`)).status, 200);
  });

  it('listens on every address when told, and its URL is one that can be used', async (t) => {
    const { url } = await serveMemory(t, { server: { host: '0.0.0.0' } });
    assert.equal((await fetch(`${url}/v2/`)).status, 200);
  });

  it('says so when the address is taken', async (t) => {
    const { port } = await serveMemory(t);
    const second = startServer({ handler: () => {}, port });
    await assert.rejects(
      second,
      (error) => isChartError(error, 'USAGE') && /something else listens there/.test(error.message),
    );
    const nowhere = startServer({ handler: () => {}, host: '192.0.2.1' });
    await assert.rejects(nowhere, (error) => isChartError(error, 'USAGE'));
  });

  it('lets a request that is under way end before it closes', async (t) => {
    const { target, port, close } = await serveMemory(t, { server: { timeouts: { close: 60_000 } } });
    const { bytes } = await putArtifact(target, 'team/app', '1.0', 'one');
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = () => {};
    const reached = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const repository = target.repository.bind(target);
    target.repository = (name) => {
      const found = repository(name);
      const readManifest = found.readManifest.bind(found);
      return Object.assign(found, {
        readManifest: async (reference: string) => {
          asked();
          await held;
          return readManifest(reference);
        },
      });
    };
    const idle = new Line(port);
    idle.write(GET_BASE);
    await idle.reply();
    const busy = new Line(port);
    busy.write('GET /v2/team/app/manifests/1.0 HTTP/1.1\r\nHost: x\r\n\r\n');
    await reached;
    const closed = close();
    await idle.closed;
    const late = new Line(port);
    await late.closed;
    release();
    assert.deepEqual((await busy.reply()).body, bytes);
    await closed;
    await busy.closed;
    await close();
  });

  it('cuts off what does not end in time', async (t) => {
    const { port, close } = await serveMemory(t, { server: { timeouts: { close: 50 } } });
    const line = new Line(port);
    line.write(`${GET_BASE}POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Le`);
    await line.reply();
    await close();
    await line.closed;
  });
});

describe('a slow or silent client', () => {
  it('is cut off while it dribbles its head', async (t) => {
    const { port } = await serveMemory(t, { server: { timeouts: { headers: 100 } } });
    const line = new Line(port);
    line.write('GET /v2/ HTTP/1.1\r\nHost: x\r\n');
    assert.equal((await line.reply()).status, 408);
    await line.closed;
  });

  it('is cut off when it stops in the middle of a body, and its upload stays', async (t) => {
    const { port, target, talk } = await serveMemory(t, { server: { timeouts: { idle: 100 } } });
    const { location } = (await talk('POST /v2/a/blobs/uploads/ HTTP/1.1', '')).headers;
    const line = new Line(port);
    line.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc`);
    await line.closed;
    assert.equal((await talk(`GET ${location} HTTP/1.1`)).headers.range, '0-2');
    assert.equal(target.uploads.size, 1);
  });

  it('is cut off when it asks for nothing', async (t) => {
    const { port } = await serveMemory(t, { server: { timeouts: { keepAlive: 50 } } });
    const line = new Line(port);
    line.write(GET_BASE);
    await line.reply();
    await line.closed;
  });
});

describe('a request that is made to confuse', () => {
  const refused: [name: string, bytes: string][] = [
    [
      'two lengths',
      'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    ],
    [
      'length and chunks',
      'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'chunks that are not last',
      'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    ],
    ['a length that is none', 'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
    [
      'a length beyond all numbers',
      `POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\n`,
    ],
    ['a bad chunk size', 'PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['a folded header', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n'],
    ['a space before the colon', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n'],
    ['a NUL in the path', 'GET /v2/\u0000 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ];
  for (const [name, bytes] of refused) {
    it(`is refused and its connection closed: ${name}`, async (t) => {
      const { port, target } = await serveMemory(t);
      const [reply, ...more] = parseReplies(await exchangeBytes(port, `${bytes}${GET_BASE}`));
      assert.equal(reply?.status, 400);
      assert.deepEqual(more, []);
      assert.equal(target.uploads.size, 0);
    });
  }

  it('with a head without end is refused', async (t) => {
    const { port } = await serveMemory(t);
    const bytes = `GET /v2/ HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
    assert.equal(parseReplies(await exchangeBytes(port, bytes))[0]?.status, 431);
  });

  it('CVE-2026-21710: with a __proto__ header changes nothing', async (t) => {
    const { talk } = await serveMemory(t);
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      assert.equal((await talk(`GET /v2/ HTTP/1.1\n${name}: x\n${name}: y`)).status, 200);
      assert.equal((await talk(`GET /v2/_catalog?${name}=x HTTP/1.1`)).status, 200);
      assert.ok((await talk(`GET /v2/${name}/manifests/${name} HTTP/1.1`)).status < 500);
    }
  });

  it('with a path that climbs never reaches the storage', async (t) => {
    const { target, talk } = await serveMemory(t);
    target.repository = () => assert.fail('the storage was asked');
    target.findUpload = () => assert.fail('the storage was asked');
    const names = [
      '..',
      '../..',
      'a/..',
      '%2e%2e',
      '..%2f..',
      'a%00',
      'a\\..\\b',
      '%5c..',
      'A',
      '.',
      'a//b',
      'a/./b',
      '%c0%ae',
      '%',
    ];
    for (const name of names) {
      for (const rest of ['manifests/1.0', 'tags/list', 'blobs/uploads/', `blobs/${digestOf(Buffer.from(''))}`]) {
        const method = rest === 'blobs/uploads/' ? 'POST' : 'GET';
        assertRefused(await talk(`${method} /v2/${name}/${rest} HTTP/1.1`), 400, 'NAME_INVALID');
      }
    }
    for (const id of ['..', '%2e%2e', '.%00', 'a.b']) {
      assertRefused(await talk(`GET /v2/a/blobs/uploads/${id} HTTP/1.1`), 404, 'BLOB_UPLOAD_UNKNOWN');
    }
  });
});

describe('a body that is refused', () => {
  it('when small leaves the connection for the next request', async (t) => {
    const { port } = await serveMemory(t, { writable: false });
    const line = new Line(port);
    for (let round = 0; round < 3; round += 1) {
      line.write(`PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello${GET_BASE}`);
      assertRefused(await line.reply(), 405, 'UNSUPPORTED');
      assert.equal((await line.reply()).status, 200);
    }
    line.end();
  });

  it('when large is answered while it is still being sent, and the connection closes', async (t) => {
    const { port, talk } = await serveMemory(t, { writable: false });
    for (const framing of ['Content-Length: 100000000', 'Transfer-Encoding: chunked']) {
      const line = new Line(port);
      line.write(`PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`);
      const reply = await line.reply();
      assertRefused(reply, 405, 'UNSUPPORTED');
      assert.equal(reply.headers.connection, 'close');
      // A client that is still sending would take a connection that closes now for a fault, and never read the answer.
      assert.equal((await talk('GET /v2/ HTTP/1.1')).status, 200);
      assert.ok(line.isOpen);
      const chunk = framing.startsWith('T') ? `10000\r\n${'x'.repeat(65_536)}\r\n` : 'x'.repeat(65_536);
      while (line.isOpen) {
        line.write(chunk);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await line.closed;
    }
  });

  it('when it turns out too large is answered while it is still being sent, and the connection closes', async (t) => {
    const { port } = await serveMemory(t, { limits: { blob: 10 } });
    const line = new Line(port);
    const digest = digestOf(Buffer.from(''));
    line.write(`POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const before = performance.now();
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    line.write(chunk);
    assertRefused(await line.reply(), 413, 'SIZE_INVALID');
    while (line.isOpen) {
      line.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await line.closed;
    // Because of what it sent, and not only because of the time that it took.
    assert.ok(performance.now() - before < 1500);
  });

  it('of an announced 2^62 bytes is refused before any of it is read', async (t) => {
    const { port, target, talk } = await serveMemory(t);
    const { location } = (await talk('POST /v2/a/blobs/uploads/ HTTP/1.1', '')).headers;
    for (const request of [
      `PUT /v2/a/manifests/x`,
      `PATCH ${location}`,
      `PUT ${location}?digest=${digestOf(Buffer.from(''))}`,
      `POST /v2/a/blobs/uploads/?digest=${digestOf(Buffer.from(''))}`,
    ]) {
      const line = new Line(port);
      line.write(`${request} HTTP/1.1\r\nHost: x\r\nContent-Length: 4611686018427387904\r\n\r\n`);
      assertRefused(await line.reply(), 413, 'SIZE_INVALID');
      line.end();
    }
    assert.equal(target.uploads.size, 1);
  });

  it('is not asked for when the client waits to be', async (t) => {
    const { port } = await serveMemory(t);
    const line = new Line(port);
    line.write(
      'PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\nExpect: 100-continue\r\n\r\n',
    );
    assertRefused(await line.reply(), 413, 'SIZE_INVALID');
    await line.closed;
  });

  it('that came with a GET is read up to a limit', async (t) => {
    const { port } = await serveMemory(t);
    const line = new Line(port);
    line.write('GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello');
    assert.equal((await line.reply()).status, 200);
    line.write('GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
    assert.equal((await line.reply()).status, 200);
    const chunk = randomBytes(65_536);
    let sent = 0;
    for (; line.isOpen && sent < 500_000_000; sent += chunk.length) {
      line.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(sent < 500_000_000);
    await line.closed;
  });
});

describe('a body that is wanted', () => {
  it('is asked for when the client waits to be', async (t) => {
    const { port } = await serveMemory(t);
    const digest = digestOf(Buffer.from('hello'));
    const line = new Line(port);
    line.write(
      `POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
    );
    assert.equal((await line.reply()).status, 100);
    line.write('hello');
    assert.equal((await line.reply()).status, 201);
    line.write(GET_BASE);
    assert.equal((await line.reply()).status, 200);
    line.end();
  });

  it('of a mount or a new upload that has none needed is read away', async (t) => {
    const { port } = await serveMemory(t);
    const line = new Line(port);
    line.write(`POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello${GET_BASE}`);
    assert.equal((await line.reply()).status, 202);
    assert.equal((await line.reply()).status, 200);
    line.end();
  });
});

describe('one connection', () => {
  it('serves requests that come all at once, in order', async (t) => {
    const { port, target } = await serveMemory(t);
    await putArtifact(target, 'team/app', '1.0', 'one');
    const line = new Line(port);
    const head = 'HTTP/1.1\r\nHost: x\r\n\r\n';
    line.write(
      `GET /v2/ ${head}GET /v2/team/app/tags/list ${head}GET /v2/x/tags/list ${head}HEAD /v2/ ${head}${GET_BASE}`,
    );
    assert.equal((await line.reply()).body.toString(), '{}');
    assert.deepEqual(json(await line.reply()).tags, ['1.0']);
    assert.equal((await line.reply()).status, 404);
    assert.equal((await line.reply(true)).status, 200);
    assert.equal((await line.reply()).status, 200);
    line.end();
  });
});

describe('the handler without startServer', () => {
  it('works on any server of node:http', async (t) => {
    const target = new MemoryTarget();
    const server = createServer(createHandler(target, { writable: true }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const content = randomBytes(300_000);
    const digest = digestOf(content);
    const bytes = requestBytes(`POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1`, content);
    assert.equal(parseReplies(await exchangeBytes(port, bytes))[0]?.status, 201);
    const got = await fetch(`http://127.0.0.1:${port}/v2/a/blobs/${digest}`);
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), content);
  });
});
