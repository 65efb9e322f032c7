import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ChartError, type ChartErrorCode } from '../../src/errors.js';
import { digestOf } from '../../src/oci/digest.js';
import { Refusal, toRefusal } from '../../src/server/errors.js';
import { assertRefused, imageManifest, putArtifact, serveMemory } from './fixture.js';

const MISSING = digestOf(Buffer.from('not here'));

describe('the base of the API', () => {
  it('says that this is a registry', async (t) => {
    const { talk } = await serveMemory(t);
    for (const path of ['/v2/', '/v2', '/v2/?x=y']) {
      const got = await talk(`GET ${path} HTTP/1.1`);
      assert.equal(got.status, 200);
      assert.equal(got.headers['docker-distribution-api-version'], 'registry/2.0');
      assert.equal(got.headers['content-type'], 'application/json');
      assert.equal(got.body.toString(), '{}');
      const head = await talk(`HEAD ${path} HTTP/1.1`);
      assert.equal(head.status, 200);
      assert.equal(head.headers['content-length'], '2');
      assert.equal(head.body.length, 0);
    }
  });

  it('is all that this handler answers', async (t) => {
    const { talk } = await serveMemory(t);
    for (const path of [
      '/',
      '/v1/',
      '/v2x/',
      '/v2/a',
      '/v2/team/app',
      '/v2/team/app/tags',
      '/v2/a/tags/all',
      '*',
      '/v2//',
    ]) {
      assertRefused(await talk(`GET ${path} HTTP/1.1`), 404, 'UNSUPPORTED');
    }
  });
});

describe('a method that a path does not have', () => {
  const cases: [request: string, allow: string][] = [
    ['POST /v2/', 'GET, HEAD'],
    ['PUT /v2/_catalog', 'GET, HEAD'],
    ['POST /v2/team/app/manifests/1.0', 'GET, HEAD, PUT, DELETE'],
    [`PUT /v2/team/app/blobs/${MISSING}`, 'GET, HEAD, DELETE'],
    ['GET /v2/team/app/blobs/uploads/', 'POST'],
    ['POST /v2/team/app/blobs/uploads/x', 'GET, HEAD, PATCH, PUT, DELETE'],
    ['DELETE /v2/team/app/tags/list', 'GET, HEAD'],
    [`DELETE /v2/team/app/referrers/${MISSING}`, 'GET, HEAD'],
    ['OPTIONS /v2/', 'GET, HEAD'],
    ['PROPFIND /v2/', 'GET, HEAD'],
  ];
  for (const [request, allow] of cases) {
    it(`is refused with those that it has: ${request}`, async (t) => {
      const { talk } = await serveMemory(t);
      const reply = await talk(`${request} HTTP/1.1`);
      assertRefused(reply, 405, 'UNSUPPORTED');
      assert.equal(reply.headers.allow, allow);
    });
  }
});

describe('a read-only server', () => {
  it('GHSA-6pjf-3r9x-m592: refuses every writing verb everywhere', async (t) => {
    const { target, talk } = await serveMemory(t, { writable: false });
    const { descriptor, bytes } = await putArtifact(target, 'team/app', '1.0', 'one');
    const upload = await target.startUpload();
    const blob = digestOf(Buffer.from('one'));
    const paths = [
      'team/app/manifests/1.0',
      `team/app/manifests/${descriptor.digest}`,
      'team/app/manifests/2.0',
      `team/app/blobs/${blob}`,
      'team/app/blobs/uploads/',
      'team/app/blobs/uploads',
      `team/app/blobs/uploads/?digest=${blob}`,
      `team/app/blobs/uploads/?mount=${blob}&from=team/app`,
      `team/app/blobs/uploads/${upload.id}`,
      'team/app/tags/list',
      '_catalog',
      '',
    ];
    const before = JSON.stringify([[...target.blobs.keys()], [...target.contents], target.uploads.size]);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'LOCK']) {
      for (const path of paths) {
        const reply = await talk(`${method} /v2/${path} HTTP/1.1`, bytes);
        assertRefused(reply, 405, 'UNSUPPORTED');
        assert.equal(reply.headers.allow, 'GET, HEAD');
      }
    }
    assert.equal(JSON.stringify([[...target.blobs.keys()], [...target.contents], target.uploads.size]), before);
    for (const path of ['team/app/manifests/1.0', `team/app/blobs/${blob}`, 'team/app/tags/list']) {
      assert.equal((await talk(`GET /v2/${path} HTTP/1.1`)).status, 200);
    }
  });

  it('is not misled by headers that name another method', async (t) => {
    const { target, talk } = await serveMemory(t, { writable: false });
    await putArtifact(target, 'team/app', '1.0', 'one');
    const override = 'X-HTTP-Method-Override: DELETE\nX-Method-Override: DELETE';
    assert.equal((await talk(`GET /v2/team/app/manifests/1.0?_method=DELETE HTTP/1.1\n${override}`)).status, 200);
    assert.equal((await talk('HEAD /v2/team/app/manifests/1.0 HTTP/1.1')).status, 200);
  });
});

describe('a fault', () => {
  it('is 500 without details for the client, and with all of them for onError', async (t) => {
    const { target, talk, errors } = await serveMemory(t);
    const fault = new TypeError('cannot read /home/secret/file');
    target.repository = () => {
      throw fault;
    };
    const reply = await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1');
    assertRefused(reply, 500, 'UNKNOWN');
    assert.doesNotMatch(reply.body.toString(), /secret|TypeError/);
    assert.deepEqual(errors, [fault]);
    assert.equal((await talk('GET /v2/ HTTP/1.1')).status, 200);
  });

  const answers: [code: ChartErrorCode, status: number, registryCode: string][] = [
    ['BLOB_NOT_FOUND', 404, 'BLOB_UNKNOWN'],
    ['MANIFEST_NOT_FOUND', 404, 'MANIFEST_UNKNOWN'],
    ['BLOB_DIGEST_MISMATCH', 400, 'DIGEST_INVALID'],
    ['BLOB_SIZE_MISMATCH', 400, 'SIZE_INVALID'],
    ['MANIFEST_INVALID', 400, 'MANIFEST_INVALID'],
    ['REFERENCE_INVALID', 400, 'NAME_INVALID'],
    ['LIMIT_EXCEEDED', 413, 'SIZE_INVALID'],
    ['LAYOUT_LOCKED', 503, 'UNAVAILABLE'],
    ['LAYOUT_INVALID', 500, 'UNKNOWN'],
    ['DISK_FULL', 507, 'UNAVAILABLE'],
    ['REGISTRY_UNREACHABLE', 502, 'UNAVAILABLE'],
    ['REGISTRY_RATE_LIMITED', 429, 'TOOMANYREQUESTS'],
  ];
  for (const [code, status, registryCode] of answers) {
    it(`${code} of the target is ${status} ${registryCode}, and its words stay here`, async (t) => {
      const { target, talk, errors } = await serveMemory(t);
      const { bytes } = imageManifest({ config: target.putBlob('{}') });
      const repository = target.repository.bind(target);
      target.repository = (name) =>
        Object.assign(repository(name), {
          writeManifest: async () => {
            throw new ChartError(code, 'at /home/secret/file');
          },
        });
      const reply = await talk('PUT /v2/team/app/manifests/1.0 HTTP/1.1', bytes);
      assertRefused(reply, status, registryCode);
      assert.doesNotMatch(reply.body.toString(), /secret/);
      assert.equal(reply.headers['retry-after'], status === 429 || status === 503 ? '5' : undefined);
      assert.equal(errors.length, status >= 500 ? 1 : 0);
    });
  }

  it('that is a refusal already stays as it is', () => {
    const refusal = new Refusal(418, 'DENIED', 'no coffee');
    assert.equal(toRefusal(refusal, true), refusal);
    assert.equal(refusal.body(), '{"errors":[{"code":"DENIED","message":"no coffee"}]}');
  });
});

describe('the access record', () => {
  it('has what was asked and what was sent', async (t) => {
    const { target, talk, records } = await serveMemory(t, { now: () => 42 });
    await putArtifact(target, 'team/app', '1.0', 'one');
    const got = await talk('GET /v2/team/app/manifests/1.0?x=y HTTP/1.1\nUser-Agent: test/1\nReferer: http://x/y');
    await talk('HEAD /v2/team/app/manifests/1.0 HTTP/1.1');
    const lost = await talk('GET /v2/team/app/manifests/2.0 HTTP/1.1');
    assert.deepEqual(
      records.map(({ durationMs, ...record }) => {
        assert.ok(durationMs >= 0 && durationMs < 60_000);
        return record;
      }),
      [
        {
          time: 42,
          method: 'GET',
          url: '/v2/team/app/manifests/1.0?x=y',
          status: 200,
          bytes: got.body.length,
          kind: 'manifest',
          httpVersion: '1.1',
          remoteAddress: '127.0.0.1',
          userAgent: 'test/1',
          referrer: 'http://x/y',
        },
        ...[
          ['HEAD', '/v2/team/app/manifests/1.0', 200, 0],
          ['GET', '/v2/team/app/manifests/2.0', 404, lost.body.length],
        ].map(([method, url, status, bytes]) => ({
          ...{ time: 42, method, url, status, bytes },
          ...{ kind: 'manifest', httpVersion: '1.1' },
          ...{ remoteAddress: '127.0.0.1', userAgent: undefined, referrer: undefined },
        })),
      ],
    );
  });
});
