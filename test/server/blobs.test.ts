import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { ChartError } from '../../src/errors.js';
import { digestOf } from '../../src/oci/digest.js';
import { assertRefused, onEveryTarget, putBlob } from './fixture.js';
import { Line, requestBytes } from './talk.js';

const TEXT = 'the content of a blob';
const MISSING = digestOf(Buffer.from('not here'));

onEveryTarget((serve) => {
  describe('GET and HEAD of a blob', () => {
    it('sends it with its digest, length and tag', async (t) => {
      const { target, talk } = await serve(t);
      const { digest } = await putBlob(target, TEXT);
      const got = await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1`);
      assert.equal(got.status, 200);
      assert.equal(got.body.toString(), TEXT);
      const head = await talk(`HEAD /v2/team/app/blobs/${digest} HTTP/1.1`);
      assert.equal(head.status, 200);
      assert.equal(head.body.length, 0);
      for (const { headers } of [got, head]) {
        assert.equal(headers['content-length'], String(TEXT.length));
        assert.equal(headers['content-type'], 'application/octet-stream');
        assert.equal(headers['docker-content-digest'], digest);
        assert.equal(headers.etag, `"${digest}"`);
        assert.equal(headers['accept-ranges'], 'bytes');
        assert.equal(headers['x-content-type-options'], 'nosniff');
      }
      const same = await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1\nIf-None-Match: "${digest}"`);
      assert.equal(same.status, 304);
    });

    it('sends large and empty ones whole', async (t) => {
      const { target, talk } = await serve(t);
      for (const bytes of [randomBytes(3_000_000), randomBytes(65_536), randomBytes(65_537), Buffer.alloc(0)]) {
        const { digest } = await putBlob(target, bytes);
        const got = await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1`);
        assert.equal(got.status, 200);
        assert.equal(digestOf(got.body), digest);
        assert.equal(got.headers['content-length'], String(bytes.length));
      }
    });

    it('says so when it is not here, or the digest is none', async (t) => {
      const { talk } = await serve(t);
      const detail = assertRefused(await talk(`GET /v2/team/app/blobs/${MISSING} HTTP/1.1`), 404, 'BLOB_UNKNOWN');
      assert.deepEqual(detail, { digest: MISSING });
      const head = await talk(`HEAD /v2/team/app/blobs/${MISSING} HTTP/1.1`);
      assert.equal(head.status, 404);
      assert.equal(head.body.length, 0);
      for (const digest of ['sha256:abc', MISSING.toUpperCase(), 'latest', `sha1:${'a'.repeat(40)}`]) {
        assertRefused(await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1`), 400, 'DIGEST_INVALID');
      }
    });

    it('CVE-2024-3727: a digest that is none never gets as far as the storage', async (t) => {
      const { target, talk } = await serve(t);
      target.repository = () => assert.fail('the storage was asked');
      for (const digest of [
        'sha256:..',
        `sha256:${'.'.repeat(64)}`,
        `sha256:${'A'.repeat(64)}`,
        'sha256:',
        `${MISSING}0`,
      ]) {
        assertRefused(await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1`), 400, 'DIGEST_INVALID');
      }
    });
  });

  describe('a range of a blob', () => {
    const cases: [range: string, status: number, contentRange: string | undefined, body: string][] = [
      ['bytes=4-10', 206, 'bytes 4-10/21', 'content'],
      ['bytes=0-0', 206, 'bytes 0-0/21', 't'],
      ['bytes=17-', 206, 'bytes 17-20/21', 'blob'],
      ['bytes=-4', 206, 'bytes 17-20/21', 'blob'],
      ['bytes=-400', 206, 'bytes 0-20/21', TEXT],
      ['bytes=17-400', 206, 'bytes 17-20/21', 'blob'],
      ['bytes=21-', 416, 'bytes */21', ''],
      ['bytes=5-4', 416, 'bytes */21', ''],
      ['bytes=-0', 416, 'bytes */21', ''],
      ['bytes=0-1,3-4', 200, undefined, TEXT],
      ['lines=0-1', 200, undefined, TEXT],
      ['bytes=-', 200, undefined, TEXT],
      ['bytes=x-y', 200, undefined, TEXT],
    ];
    for (const [range, status, contentRange, body] of cases) {
      it(`${range} is answered with ${status}`, async (t) => {
        const { target, talk } = await serve(t);
        const { digest } = await putBlob(target, TEXT);
        const got = await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1\nRange: ${range}`);
        assert.equal(got.status, status);
        assert.equal(got.headers['content-range'], contentRange);
        if (status === 416) assertRefused(got, 416, 'SIZE_INVALID');
        else assert.equal(got.body.toString(), body);
      });
    }

    it('of an empty one cannot be had', async (t) => {
      const { target, talk } = await serve(t);
      const { digest } = await putBlob(target, '');
      const got = await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1\nRange: bytes=0-`);
      assertRefused(got, 416, 'SIZE_INVALID');
      assert.equal(got.headers['content-range'], 'bytes */0');
    });

    it('is left alone for HEAD, and for other content than If-Range names', async (t) => {
      const { target, talk } = await serve(t);
      const { digest } = await putBlob(target, TEXT);
      const range = `/v2/team/app/blobs/${digest} HTTP/1.1\nRange: bytes=4-10`;
      const head = await talk(`HEAD ${range}`);
      assert.equal(head.status, 200);
      assert.equal(head.headers['content-length'], '21');
      assert.equal((await talk(`GET ${range}\nIf-Range: "other"`)).status, 200);
      assert.equal((await talk(`GET ${range}\nIf-Range: "${digest}"`)).status, 206);
    });

    it('in the middle of a large blob is that part of it', async (t) => {
      const { target, talk } = await serve(t);
      const bytes = randomBytes(1_000_000);
      const { digest } = await putBlob(target, bytes);
      const got = await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1\nRange: bytes=100000-899999`);
      assert.equal(got.status, 206);
      assert.deepEqual(got.body, bytes.subarray(100_000, 900_000));
    });
  });

  describe('DELETE of a blob', () => {
    it('removes it', async (t) => {
      const { target, talk } = await serve(t);
      const { digest } = await putBlob(target, TEXT);
      assert.equal((await talk(`DELETE /v2/team/app/blobs/${digest} HTTP/1.1`)).status, 202);
      assertRefused(await talk(`GET /v2/team/app/blobs/${digest} HTTP/1.1`), 404, 'BLOB_UNKNOWN');
      assertRefused(await talk(`DELETE /v2/team/app/blobs/${digest} HTTP/1.1`), 404, 'BLOB_UNKNOWN');
      assertRefused(await talk('DELETE /v2/team/app/blobs/sha256:x HTTP/1.1'), 400, 'DIGEST_INVALID');
    });

    it('is refused for one that a manifest needs', async (t) => {
      const { target, talk } = await serve(t);
      const { digest } = await putBlob(target, TEXT);
      const repository = target.repository.bind(target);
      target.repository = (name) =>
        Object.assign(repository(name), {
          deleteBlob: async () => {
            throw new ChartError('BLOB_IN_USE', 'used');
          },
        });
      const reply = await talk(`DELETE /v2/team/app/blobs/${digest} HTTP/1.1`);
      assertRefused(reply, 405, 'UNSUPPORTED');
      assert.equal(reply.headers.allow, 'GET, HEAD');
    });
  });

  describe('a blob that cannot be read to its end', () => {
    const contents: [name: string, size: number, content: () => Readable][] = [
      ['small and short', 100, () => Readable.from([Buffer.alloc(99)])],
      ['small and long', 100, () => Readable.from([Buffer.alloc(101)])],
      ['small and endless', 100, () => endless()],
      ['small and broken', 100, () => broken(50)],
      ['large and short', 1_000_000, () => Readable.from([Buffer.alloc(999_999)])],
      ['large and long', 1_000_000, () => Readable.from([Buffer.alloc(1_000_001)])],
      ['large and broken', 1_000_000, () => broken(500_000)],
    ];
    for (const [name, size, content] of contents) {
      it(`never looks like a whole one: ${name}`, async (t) => {
        const { target, port, errors } = await serve(t);
        const { digest } = await putBlob(target, TEXT);
        const repository = target.repository.bind(target);
        target.repository = (known) =>
          Object.assign(repository(known), {
            statBlob: async () => size,
            readBlob: async () => content(),
            openBlob: undefined,
          });
        const line = new Line(port);
        line.write(`GET /v2/team/app/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
        if (size === 100) assertRefused(await line.reply(), 500, 'UNKNOWN');
        else await assert.rejects(line.reply(), /the connection closed/);
        line.end();
        assert.equal(errors.length, 1);
      });
    }

    it('never looks like a whole one: large, open, and short or broken', async (t) => {
      const { target, port, errors } = await serve(t);
      const { digest } = await putBlob(target, TEXT);
      const repository = target.repository.bind(target);
      let [opened, closed] = [0, 0];
      const openBlob = async () => {
        opened += 1;
        return {
          read: async (buffer: Uint8Array, position: number) => {
            if (position < 600_000) return Math.min(buffer.length, 600_000 - position);
            if (opened === 1) return 0;
            throw new Error('the disk has a fault at /secret/path');
          },
          close: () => {
            closed += 1;
          },
        };
      };
      target.repository = (known) => Object.assign(repository(known), { statBlob: async () => 1_000_000, openBlob });
      for (const round of [1, 2]) {
        const line = new Line(port);
        line.write(`GET /v2/team/app/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
        await assert.rejects(line.reply(), /the connection closed/);
        line.end();
        assert.deepEqual([opened, closed, errors.length], [round, round, round]);
      }
    });

    it('is closed when the client leaves', async (t) => {
      const { target, port } = await serve(t);
      const { digest } = await putBlob(target, TEXT);
      const repository = target.repository.bind(target);
      let close = () => {};
      const closed = new Promise<void>((resolve) => {
        close = resolve;
      });
      const openBlob = async () => ({ read: async (buffer: Uint8Array) => buffer.length, close });
      target.repository = (known) => Object.assign(repository(known), { statBlob: async () => 1e12, openBlob });
      const line = new Line(port);
      line.write(requestBytes(`GET /v2/team/app/blobs/${digest} HTTP/1.1`));
      await once(line.socket, 'data');
      line.end();
      await closed;
    });

    it('lets go of it when the client leaves', async (t) => {
      const { target, port, records } = await serve(t);
      const { digest } = await putBlob(target, TEXT);
      const content = endless();
      const repository = target.repository.bind(target);
      target.repository = (known) =>
        Object.assign(repository(known), {
          statBlob: async () => 1e12,
          readBlob: async () => content,
          openBlob: undefined,
        });
      const line = new Line(port);
      line.write(requestBytes(`GET /v2/team/app/blobs/${digest} HTTP/1.1`));
      await once(line.socket, 'data');
      line.end();
      await new Promise((resolve) => content.on('close', resolve));
      assert.equal(records[0]?.status, 200);
    });
  });
});

function broken(after: number): Readable {
  return Readable.from(
    (function* () {
      yield Buffer.alloc(after);
      throw new Error('the disk has a fault at /secret/path');
    })(),
  );
}

function endless(): Readable {
  return new Readable({
    read() {
      this.push(Buffer.alloc(65_536));
    },
  });
}
