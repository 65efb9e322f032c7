import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import { assertRefused, imageManifest, putArtifact, putBlob, serveLayout } from './fixture.js';

describe('a prefix over a cache, whose repositories share their blobs', () => {
  it('GHSA-55r9-5mx9-qq7r: hides what only others have, from reading, mounting and naming', async (t) => {
    const { target, talk } = await serveLayout(t, { prefix: 'public' });
    const secret = await putArtifact(target, 'private/app', '1.0', 'secret');
    await putArtifact(target, 'public/app', '1.0', 'known');
    const digest = digestOf(Buffer.from('secret'));
    assertRefused(await talk(`GET /v2/public/app/blobs/${digest} HTTP/1.1`), 404, 'BLOB_UNKNOWN');
    assert.equal((await talk(`HEAD /v2/public/app/blobs/${digest} HTTP/1.1`)).status, 404);
    assertRefused(await talk(`DELETE /v2/public/app/blobs/${digest} HTTP/1.1`), 404, 'BLOB_UNKNOWN');
    assertRefused(
      await talk(`GET /v2/public/app/manifests/${secret.descriptor.digest} HTTP/1.1`),
      404,
      'MANIFEST_UNKNOWN',
    );
    for (const from of ['&from=public/app', '&from=private/app', '']) {
      const post = await talk(`POST /v2/public/app/blobs/uploads/?mount=${digest}${from} HTTP/1.1`, '');
      assert.equal(post.status, 202);
    }
    const layers = [{ mediaType: 'application/octet-stream', digest, size: 6 }];
    const stolen = imageManifest({ config: await putBlob(target, '{}'), layers });
    assertRefused(await talk('PUT /v2/public/app/manifests/2.0 HTTP/1.1', stolen.bytes), 404, 'MANIFEST_BLOB_UNKNOWN');
    const known = digestOf(Buffer.from('known'));
    assert.equal((await talk(`GET /v2/public/app/blobs/${known} HTTP/1.1`)).body.toString(), 'known');
    const mount = `POST /v2/public/new/blobs/uploads/?mount=${known}&from=public/app HTTP/1.1`;
    assert.equal((await talk(mount, '')).status, 201);
  });

  it('takes from a client what others have too, and then serves it', async (t) => {
    const { target, talk } = await serveLayout(t, { prefix: 'public' });
    await putArtifact(target, 'private/app', '1.0', 'shared');
    const config = digestOf(Buffer.from('{}'));
    const layer = digestOf(Buffer.from('shared'));
    for (const [digest, content] of [
      [config, '{}'],
      [layer, 'shared'],
    ] as const) {
      assert.equal((await talk(`POST /v2/public/app/blobs/uploads/?digest=${digest} HTTP/1.1`, content)).status, 201);
    }
    const descriptor = { mediaType: 'application/octet-stream', digest: layer, size: 6 };
    const manifest = imageManifest({ config: { ...descriptor, digest: config, size: 2 }, layers: [descriptor] });
    assert.equal((await talk('PUT /v2/public/app/manifests/1.0 HTTP/1.1', manifest.bytes)).status, 201);
    assert.equal((await talk(`GET /v2/public/app/blobs/${layer} HTTP/1.1`)).status, 200);
  });
});
