import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Site } from '../../src/server/handler.js';
import { assertRefused, serveMemory } from './fixture.js';

describe('a site beside the API', () => {
  const site: Site = async (request, response) => {
    if (request.url === '/fault') throw new Error('/srv/secret is not there');
    if (request.url !== '/') return false;
    response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': 5 });
    response.end('hello');
    return true;
  };

  it('answers what is outside /v2/, and the record tells how', async (t) => {
    const { talk, records } = await serveMemory(t, { site });
    const got = await talk('GET / HTTP/1.1');
    assert.equal(got.status, 200);
    assert.equal(got.headers['x-content-type-options'], 'nosniff');
    assert.equal(got.body.toString(), 'hello');
    assert.equal((await talk('HEAD / HTTP/1.1')).status, 200);
    assert.equal((await talk('GET /v2/ HTTP/1.1')).body.toString(), '{}');
    assert.deepEqual(
      records.map(({ method, url, status, bytes }) => [method, url, status, bytes]),
      [
        ['GET', '/', 200, 5],
        ['HEAD', '/', 200, 0],
        ['GET', '/v2/', 200, 2],
      ],
    );
  });

  it('leaves the rest to a 404, and never sees the API or a method that writes', async (t) => {
    const asked: unknown[] = [];
    const { talk } = await serveMemory(t, {
      site: async ({ method, url }) => {
        asked.push(`${method} ${url}`);
        return false;
      },
    });
    assertRefused(await talk('GET /nothing HTTP/1.1'), 404, 'UNSUPPORTED');
    assertRefused(await talk('GET /v2/nothing HTTP/1.1'), 404, 'UNSUPPORTED');
    assertRefused(await talk('POST / HTTP/1.1', 'x'), 405, 'UNSUPPORTED');
    assert.deepEqual(asked, ['GET /nothing']);
  });

  it('does not tell the client what its faults say', async (t) => {
    const { talk, errors } = await serveMemory(t, { site });
    const reply = await talk('GET /fault HTTP/1.1');
    assertRefused(reply, 500, 'UNKNOWN');
    assert.doesNotMatch(reply.body.toString(), /secret/);
    assert.equal(errors.length, 1);
  });
});
