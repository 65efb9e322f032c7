import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import { assertRefused, onEveryTarget, putArtifact, putBlob } from './fixture.js';
import { exchangeBytes, Line, parseReplies, type Reply } from './talk.js';

const MISSING = digestOf(Buffer.from('not here'));
const UUID = '[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}';

onEveryTarget((serve) => {
  describe('a blob in one piece', () => {
    it('by POST and PUT', async (t) => {
      const { talk, uploadSizes } = await serve(t);
      const post = await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '');
      assert.equal(post.status, 202);
      assert.match(post.headers.location ?? '', new RegExp(`^/v2/team/app/blobs/uploads/${UUID}$`));
      assert.equal(post.headers.range, '0-0');
      const digest = digestOf(Buffer.from('content'));
      const put = await talk(`PUT ${post.headers.location}?digest=${digest} HTTP/1.1`, 'content');
      assert.equal(put.status, 201);
      assert.equal(put.headers.location, `/v2/team/app/blobs/${digest}`);
      assert.equal(put.headers['docker-content-digest'], digest);
      assert.equal((await talk(`GET ${put.headers.location} HTTP/1.1`)).body.toString(), 'content');
      assertRefused(await talk(`GET ${post.headers.location} HTTP/1.1`), 404, 'BLOB_UPLOAD_UNKNOWN');
      assert.deepEqual(uploadSizes(), []);
    });

    it('by POST alone, of either algorithm and any size', async (t) => {
      const { talk, uploadSizes } = await serve(t);
      for (const content of [Buffer.from('content'), Buffer.alloc(0), randomBytes(2_000_000)]) {
        for (const algorithm of ['sha256', 'sha512'] as const) {
          const digest = digestOf(content, algorithm);
          const post = await talk(`POST /v2/team/app/blobs/uploads/?digest=${digest} HTTP/1.1`, content);
          assert.equal(post.status, 201);
          assert.equal(post.headers.location, `/v2/team/app/blobs/${digest}`);
          assert.deepEqual((await talk(`GET ${post.headers.location} HTTP/1.1`)).body, content);
        }
      }
      assert.deepEqual(uploadSizes(), []);
    });

    it('is refused with another digest, and nothing of it stays', async (t) => {
      const { target, talk, uploadSizes } = await serve(t);
      const post = await talk(`POST /v2/team/app/blobs/uploads/?digest=${MISSING} HTTP/1.1`, 'content');
      assertRefused(post, 400, 'DIGEST_INVALID');
      const open = await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '');
      const put = await talk(`PUT ${open.headers.location}?digest=${MISSING} HTTP/1.1`, 'content');
      assertRefused(put, 400, 'DIGEST_INVALID');
      assertRefused(await talk(`GET ${open.headers.location} HTTP/1.1`), 404, 'BLOB_UPLOAD_UNKNOWN');
      assert.deepEqual(uploadSizes(), []);
      assert.equal(await target.repository('team/app').statBlob(digestOf(Buffer.from('content'))), undefined);
    });

    it('is refused with a digest that is none, before anything is opened', async (t) => {
      const { talk, uploadSizes } = await serve(t);
      for (const digest of ['', 'sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e']) {
        const post = await talk(`POST /v2/team/app/blobs/uploads/?digest=${digest} HTTP/1.1`, 'content');
        assertRefused(post, 400, 'DIGEST_INVALID');
      }
      const other = await talk('POST /v2/team/app/blobs/uploads/?digest-algorithm=md5 HTTP/1.1', '');
      assertRefused(other, 400, 'DIGEST_INVALID');
      assert.deepEqual(uploadSizes(), []);
      const open = await talk('POST /v2/team/app/blobs/uploads/?digest-algorithm=sha512 HTTP/1.1', '');
      assert.equal(open.status, 202);
      assertRefused(await talk(`PUT ${open.headers.location} HTTP/1.1`, 'content'), 400, 'DIGEST_INVALID');
    });
  });

  describe('a blob in pieces', () => {
    it('with Content-Range, each beginning where the last one ended', async (t) => {
      const { talk } = await serve(t);
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      const first = await talk(`PATCH ${location} HTTP/1.1\nContent-Range: 0-3`, 'abcd');
      assert.equal(first.status, 202);
      assert.equal(first.headers.location, location);
      assert.equal(first.headers.range, '0-3');
      const status = await talk(`GET ${location} HTTP/1.1`);
      assert.equal(status.status, 204);
      assert.equal(status.headers.range, '0-3');
      assert.equal(status.headers.location, location);
      assert.equal((await talk(`PATCH ${location} HTTP/1.1\nContent-Range: 4-5`, 'ef')).headers.range, '0-5');
      const digest = digestOf(Buffer.from('abcdefg'));
      const put = await talk(`PUT ${location}?digest=${digest} HTTP/1.1\nContent-Range: 6-6`, 'g');
      assert.equal(put.status, 201);
      assert.equal((await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1`)).body.toString(), 'abcdefg');
    });

    it('refuses one out of order and says where the next begins', async (t) => {
      const { talk } = await serve(t);
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      await talk(`PATCH ${location} HTTP/1.1\nContent-Range: 0-3`, 'abcd');
      for (const range of ['5-6', '0-1', '3-4', '4-3', 'x-y', '4', '-1', '99999999999999999999-99999999999999999999']) {
        const reply = await talk(`PATCH ${location} HTTP/1.1\nContent-Range: ${range}`, 'ef');
        assertRefused(reply, 416, 'BLOB_UPLOAD_INVALID');
        assert.equal(reply.headers.range, '0-3');
        assert.equal(reply.headers.location, location);
      }
      const digest = digestOf(Buffer.from('abcdef'));
      const early = await talk(`PUT ${location}?digest=${digest} HTTP/1.1\nContent-Range: 6-7`, 'ef');
      assertRefused(early, 416, 'BLOB_UPLOAD_INVALID');
      const put = await talk(`PUT ${location}?digest=${digest} HTTP/1.1\nContent-Range: bytes 4-5/6`, 'ef');
      assert.equal(put.status, 201);
    });

    it('refuses one of another length than its Content-Range', async (t) => {
      const { talk, uploadSizes } = await serve(t);
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      const reply = await talk(`PATCH ${location} HTTP/1.1\nContent-Range: 0-9`, 'abcd');
      assertRefused(reply, 400, 'SIZE_INVALID');
      assert.deepEqual(uploadSizes(), [0]);
    });

    it('refuses a stream of another length than its Content-Range', async (t) => {
      const { port, talk } = await serve(t);
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      const head = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n`;
      const short = await exchangeBytes(port, `${head}Content-Range: 0-9\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`);
      assertRefused(parseReplies(short)[0] as Reply, 400, 'SIZE_INVALID');
      const long = await exchangeBytes(port, `${head}Content-Range: 4-5\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`);
      assertRefused(parseReplies(long)[0] as Reply, 413, 'SIZE_INVALID');
      assert.match((await talk(`GET ${location} HTTP/1.1`)).headers.range ?? '', /^0-[34]$|^0-5$/);
    });

    it('without Content-Range, as a stream of unknown length', async (t) => {
      const { port, talk } = await serve(t);
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      const chunked = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const [patch] = parseReplies(await exchangeBytes(port, `${chunked}4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n`));
      assert.equal(patch?.status, 202);
      assert.equal(patch?.headers.range, '0-5');
      const digest = digestOf(Buffer.from('abcdef'));
      assert.equal((await talk(`PUT ${location}?digest=${digest} HTTP/1.1`, '')).status, 201);
    });

    it('can be given up', async (t) => {
      const { talk, uploadSizes } = await serve(t);
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      assert.equal((await talk(`DELETE ${location} HTTP/1.1`)).status, 204);
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        assertRefused(await talk(`${method} ${location} HTTP/1.1`, ''), 404, 'BLOB_UPLOAD_UNKNOWN');
      }
      assert.deepEqual(uploadSizes(), []);
    });

    it('belongs to the repository that it was opened for', async (t) => {
      const { talk } = await serve(t);
      const { location = '' } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      const other = location.replace('team/app', 'team/other');
      assertRefused(await talk(`PATCH ${other} HTTP/1.1`, 'x'), 404, 'BLOB_UPLOAD_UNKNOWN');
      for (const id of ['..%2F..%2Fetc', 'x', '%00', 'a'.repeat(200)]) {
        const reply = await talk(`PATCH /v2/team/app/blobs/uploads/${id} HTTP/1.1`, 'x');
        assert.ok(reply.status === 404 || reply.status === 400, `${id}: ${reply.status}`);
      }
      assert.equal((await talk(`GET ${location} HTTP/1.1`)).status, 204);
    });

    it('goes on after a restart, where the target kept it', async (t) => {
      const before = await serve(t);
      const { location } = (await before.talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      await before.talk(`PATCH ${location} HTTP/1.1`, 'abcd');
      await before.close();
      const after = await before.reopen();
      assert.equal((await after.talk(`GET ${location} HTTP/1.1`)).headers.range, '0-3');
      assert.equal((await after.talk(`PATCH ${location} HTTP/1.1\nContent-Range: 4-4`, 'e')).status, 202);
    });
  });

  describe('a client that goes away', () => {
    it('leaves an upload that can be resumed from the byte it reached', async (t) => {
      const { port, talk, uploadSizes } = await serve(t);
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      const line = new Line(port);
      line.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabcd`);
      await until(() => uploadSizes()[0] === 4);
      line.end();
      assert.equal((await talk(`GET ${location} HTTP/1.1`)).headers.range, '0-3');
      const digest = digestOf(Buffer.from('abcdef'));
      const put = await talk(`PUT ${location}?digest=${digest} HTTP/1.1\nContent-Range: 4-5`, 'ef');
      assert.equal(put.status, 201);
    });

    it('may come back before the server knows that it left', async (t) => {
      const { port, talk, uploadSizes } = await serve(t);
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      const stalled = new Line(port);
      stalled.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabcd`);
      await until(() => uploadSizes()[0] === 4);
      assert.equal((await talk(`PATCH ${location} HTTP/1.1\nContent-Range: 4-5`, 'ef')).headers.range, '0-5');
      assertRefused(await stalled.reply(), 409, 'BLOB_UPLOAD_INVALID');
      stalled.end();
    });

    it('is not taken for gone while it sends: others are refused, and may look how far it is', async (t) => {
      let now = 0;
      const { port, talk, uploadSizes, errors } = await serve(t, { now: () => now });
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      const digest = digestOf(Buffer.from('abcdef'));
      const first = new Line(port);
      first.write(`PUT ${location}?digest=${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc`);
      await until(() => uploadSizes()[0] === 3);
      for (const body of ['abcdef', '']) {
        const busy = await talk(`PUT ${location}?digest=${digest} HTTP/1.1`, body);
        assertRefused(busy, 409, 'BLOB_UPLOAD_INVALID');
        assert.equal(busy.headers['retry-after'], '5');
      }
      assertRefused(await talk(`PATCH ${location} HTTP/1.1`, 'def'), 409, 'BLOB_UPLOAD_INVALID');
      const early = await talk(`PATCH ${location} HTTP/1.1\nContent-Range: 0-2`, 'abc');
      assertRefused(early, 409, 'BLOB_UPLOAD_INVALID');
      assert.equal((await talk(`GET ${location} HTTP/1.1`)).headers.range, '0-2');
      now = 9000;
      assertRefused(await talk(`PATCH ${location} HTTP/1.1`, 'def'), 409, 'BLOB_UPLOAD_INVALID');
      first.write('def');
      assert.equal((await first.reply()).status, 201);
      first.end();

      const next = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers.location;
      const stalled = new Line(port);
      stalled.write(`PUT ${next}?digest=${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc`);
      await until(() => uploadSizes()[0] === 3);
      now = 30_000;
      assert.equal((await talk(`PUT ${next}?digest=${digest} HTTP/1.1`, 'abcdef')).status, 201);
      assertRefused(await stalled.reply(), 409, 'BLOB_UPLOAD_INVALID');
      stalled.end();
      assert.deepEqual(errors, []);
    });

    it('in the middle of a PUT of the whole may send all of it again', async (t) => {
      const { port, talk, uploadSizes, records, errors } = await serve(t);
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      const digest = digestOf(Buffer.from('abcdef'));
      const line = new Line(port);
      line.write(`PUT ${location}?digest=${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc`);
      await until(() => uploadSizes()[0] === 3);
      line.end();
      await until(() => records.length === 2);
      await until(() => uploadSizes()[0] === 0);
      assert.equal((await talk(`GET ${location} HTTP/1.1`)).headers.range, '0-0');
      assert.equal((await talk(`PUT ${location}?digest=${digest} HTTP/1.1`, 'abcdef')).status, 201);
      assert.deepEqual(errors, []);
    });

    it('in the middle of a single POST leaves nothing', async (t) => {
      const { port, records, uploadSizes } = await serve(t);
      const line = new Line(port);
      line.write(
        `POST /v2/team/app/blobs/uploads/?digest=${MISSING} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabcd`,
      );
      await until(() => uploadSizes()[0] === 4);
      line.end();
      await until(() => uploadSizes().length === 0);
      await until(() => records.length === 1);
      assert.equal(records[0]?.status, 499);
    });
  });

  describe('a mount', () => {
    it('takes a blob that the other repository has', async (t) => {
      const { target, talk, uploadSizes } = await serve(t);
      await putArtifact(target, 'team/app', '1.0', 'layer');
      const digest = digestOf(Buffer.from('layer'));
      for (const from of ['&from=team/app', '&from=team%2Fapp', '']) {
        const post = await talk(`POST /v2/team/new/blobs/uploads/?mount=${digest}${from} HTTP/1.1`, '');
        assert.equal(post.status, 201);
        assert.equal(post.headers.location, `/v2/team/new/blobs/${digest}`);
        assert.equal(post.headers['docker-content-digest'], digest);
      }
      assert.deepEqual(uploadSizes(), []);
    });

    it('falls back to an upload for a blob that is not there', async (t) => {
      const { target, talk } = await serve(t);
      const repository = target.repository.bind(target);
      target.repository = (name) =>
        name.startsWith('..') ? assert.fail('a name that is none was used') : repository(name);
      for (const from of ['&from=team/app', '', '&from=../etc']) {
        const post = await talk(`POST /v2/team/new/blobs/uploads/?mount=${MISSING}${from} HTTP/1.1`, '');
        assert.equal(post.status, 202);
        assert.match(post.headers.location ?? '', new RegExp(UUID));
      }
      const wrong = await talk('POST /v2/team/new/blobs/uploads/?mount=sha256:x&from=team/app HTTP/1.1', '');
      assertRefused(wrong, 400, 'DIGEST_INVALID');
    });

    it('GHSA-55r9-5mx9-qq7r: never takes a blob from a repository that is not served', async (t) => {
      const { target, talk } = await serve(t, { prefix: 'public' });
      const { digest } = await putBlob(target, 'secret');
      const visible = target.repository.bind(target);
      target.repository = (name) =>
        name.startsWith('public')
          ? Object.assign(visible(name), { statBlob: async () => undefined })
          : assert.fail(`${name} was asked`);
      const post = await talk(`POST /v2/public/app/blobs/uploads/?mount=${digest}&from=private/app HTTP/1.1`, '');
      assert.equal(post.status, 202);
    });
  });

  describe('limits of uploads', () => {
    it('refuses a blob that is announced or turns out as too large', async (t) => {
      const { port, talk, uploadSizes } = await serve(t, { limits: { blob: 10 } });
      const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
      assertRefused(await talk(`PATCH ${location} HTTP/1.1`, 'x'.repeat(11)), 413, 'SIZE_INVALID');
      assert.equal((await talk(`PATCH ${location} HTTP/1.1`, 'x'.repeat(8))).status, 202);
      assertRefused(await talk(`PATCH ${location} HTTP/1.1`, 'xxx'), 413, 'SIZE_INVALID');
      const endless = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n9\r\nxxxxxxxxx\r\n`;
      const line = new Line(port);
      line.write(endless);
      assertRefused(await line.reply(), 413, 'SIZE_INVALID');
      line.end();
      const post = await talk(`POST /v2/team/app/blobs/uploads/?digest=${MISSING} HTTP/1.1`, 'x'.repeat(11));
      assertRefused(post, 413, 'SIZE_INVALID');
      assert.equal(uploadSizes().length, 1);
    });

    it('refuses more uploads at once than it is told to keep, until old ones are idle', async (t) => {
      let now = 0;
      const { talk, uploadSizes } = await serve(t, { limits: { uploads: 2, uploadIdle: 1000 }, now: () => now });
      const open = () => talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '');
      const first = await open();
      now = 600;
      const second = await open();
      const refused = await open();
      assertRefused(refused, 429, 'TOOMANYREQUESTS');
      assert.equal(refused.headers['retry-after'], '60');
      assert.equal(uploadSizes().length, 2);
      now = 900;
      assert.equal((await talk(`GET ${first.headers.location} HTTP/1.1`)).status, 204);
      now = 1500;
      assertRefused(await open(), 429, 'TOOMANYREQUESTS');
      now = 1700;
      assert.equal((await open()).status, 202);
      assertRefused(await talk(`GET ${second.headers.location} HTTP/1.1`), 404, 'BLOB_UPLOAD_UNKNOWN');
      assert.equal((await talk(`GET ${first.headers.location} HTTP/1.1`)).status, 204);
      assert.equal(uploadSizes().length, 2);
    });

    it('does not count an upload that ended', async (t) => {
      const { talk } = await serve(t, { limits: { uploads: 1 } });
      const digest = digestOf(Buffer.from('x'));
      for (let round = 0; round < 3; round += 1) {
        const { location } = (await talk('POST /v2/team/app/blobs/uploads/ HTTP/1.1', '')).headers;
        assert.equal((await talk(`PUT ${location}?digest=${digest} HTTP/1.1`, 'x')).status, 201);
        assert.equal((await talk(`POST /v2/team/app/blobs/uploads/?digest=${digest} HTTP/1.1`, 'x')).status, 201);
        assert.equal((await talk(`POST /v2/team/app/blobs/uploads/?digest=${digest} HTTP/1.1`, 'y')).status, 400);
      }
    });
  });
});

/** Lets other events happen until the condition holds; the test's own timeout ends a wait in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
