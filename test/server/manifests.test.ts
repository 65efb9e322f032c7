import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import { CHART_CONFIG, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.js';
import {
  assertRefused,
  imageIndex,
  imageManifest,
  json,
  onEveryTarget,
  putArtifact,
  putBlob,
  tagsOf,
} from './fixture.js';

const MISSING = digestOf(Buffer.from('not here'));

onEveryTarget((serve) => {
  describe('GET and HEAD of a manifest', () => {
    it('sends the exact bytes by tag and by digest', async (t) => {
      const { target, talk } = await serve(t);
      const { descriptor, bytes } = await putArtifact(target, 'team/app', '1.0', 'one');
      for (const reference of ['1.0', descriptor.digest, descriptor.digest.replace(':', '%3A')]) {
        const got = await talk(`GET /v2/team/app/manifests/${reference} HTTP/1.1`);
        assert.equal(got.status, 200);
        assert.deepEqual(got.body, bytes);
        assert.equal(got.headers['content-type'], OCI_MANIFEST);
        assert.equal(got.headers['content-length'], String(bytes.length));
        assert.equal(got.headers['docker-content-digest'], descriptor.digest);
        assert.equal(got.headers.etag, `"${descriptor.digest}"`);
        assert.equal(got.headers['docker-distribution-api-version'], 'registry/2.0');

        const head = await talk(`HEAD /v2/team/app/manifests/${reference} HTTP/1.1`);
        assert.equal(head.status, 200);
        assert.equal(head.body.length, 0);
        for (const name of ['content-type', 'content-length', 'docker-content-digest', 'etag']) {
          assert.equal(head.headers[name], got.headers[name], name);
        }
      }
    });

    it('sends what is stored whatever Accept says', async (t) => {
      const { target, talk } = await serve(t);
      await putArtifact(target, 'team/app', '1.0', 'one');
      for (const accept of [DOCKER_MANIFEST, '*/*', 'text/html;q=0.1', '']) {
        const got = await talk(`GET /v2/team/app/manifests/1.0 HTTP/1.1\nAccept: ${accept}`);
        assert.equal(got.headers['content-type'], OCI_MANIFEST);
      }
    });

    it('answers 304 to a client that has it', async (t) => {
      const { target, talk } = await serve(t);
      const { digest } = (await putArtifact(target, 'team/app', '1.0', 'one')).descriptor;
      for (const condition of [`"${digest}"`, `W/"${digest}"`, `"other", "${digest}"`, '*']) {
        for (const method of ['GET', 'HEAD']) {
          const got = await talk(`${method} /v2/team/app/manifests/1.0 HTTP/1.1\nIf-None-Match: ${condition}`);
          assert.equal(got.status, 304, condition);
          assert.equal(got.body.length, 0);
          assert.equal(got.headers.etag, `"${digest}"`);
        }
      }
      assert.equal((await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1\nIf-None-Match: "other"')).status, 200);
    });

    it('says so when there is no such manifest, tag, repository or digest', async (t) => {
      const { target, talk } = await serve(t);
      await putArtifact(target, 'team/app', '1.0', 'one');
      for (const path of ['team/app/manifests/2.0', `team/app/manifests/${MISSING}`, 'team/other/manifests/1.0']) {
        assertRefused(await talk(`GET /v2/${path} HTTP/1.1`), 404, 'MANIFEST_UNKNOWN');
        const head = await talk(`HEAD /v2/${path} HTTP/1.1`);
        assert.equal(head.status, 404);
        assert.equal(head.body.length, 0);
      }
      assertRefused(await talk('GET /v2/team/app/manifests/sha256:baddigest HTTP/1.1'), 400, 'DIGEST_INVALID');
      assertRefused(await talk('GET /v2/team/app/manifests/.hidden HTTP/1.1'), 404, 'MANIFEST_UNKNOWN');
      assertRefused(await talk('PUT /v2/team/app/manifests/.hidden HTTP/1.1', '{}'), 400, 'MANIFEST_INVALID');
    });

    it('treats damaged content as not here and reports it', async (t) => {
      const { target, talk, errors } = await serve(t);
      const manifest = await putArtifact(target, 'team/app', '1.0', 'one');
      const repository = target.repository.bind(target);
      const { ChartError } = await import('../../src/errors.js');
      target.repository = (name) =>
        Object.assign(repository(name), {
          readManifest: async () => {
            throw new ChartError('BLOB_DIGEST_MISMATCH', `/secret/path ${manifest.descriptor.digest}`);
          },
        });
      const got = await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1');
      assertRefused(got, 404, 'MANIFEST_UNKNOWN');
      assert.doesNotMatch(got.body.toString(), /secret/);
      assert.equal(errors.length, 1);
    });
  });

  describe('PUT of a manifest', () => {
    it('stores it under a tag, as it came', async (t) => {
      const { target, talk } = await serve(t);
      const { descriptor, bytes } = imageManifest({
        config: await putBlob(target, '{}'),
        layers: [await putBlob(target, 'layer')],
      });
      const put = await talk(`PUT /v2/team/app/manifests/1.0 HTTP/1.1\nContent-Type: ${OCI_MANIFEST}`, bytes);
      assert.equal(put.status, 201);
      assert.equal(put.headers.location, `/v2/team/app/manifests/${descriptor.digest}`);
      assert.equal(put.headers['docker-content-digest'], descriptor.digest);
      assert.equal(put.headers['oci-tag'], undefined);
      assert.deepEqual((await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1')).body, bytes);
      assert.equal((await talk(`GET ${put.headers.location} HTTP/1.1`)).status, 200);
    });

    it('takes it by digest, sha256 and sha512, with tags as parameters', async (t) => {
      const { target, talk } = await serve(t);
      const { bytes } = imageManifest({ config: await putBlob(target, '{}') });
      const long = digestOf(bytes, 'sha512');
      const put = await talk(
        `PUT /v2/team/app/manifests/${long}?tag=1&tag=1.0&tag=latest HTTP/1.1\nContent-Type: ${OCI_MANIFEST}`,
        bytes,
      );
      assert.equal(put.status, 201);
      assert.equal(put.headers['docker-content-digest'], long);
      assert.deepEqual(put.headers['oci-tag']?.split(', '), ['1', '1.0', 'latest']);
      assert.equal((await talk('GET /v2/team/app/manifests/latest HTTP/1.1')).headers['docker-content-digest'], long);
      assert.equal((await talk(`PUT /v2/team/app/manifests/${digestOf(bytes)} HTTP/1.1`, bytes)).status, 201);
      assert.equal((await talk(`HEAD /v2/team/app/manifests/${digestOf(bytes)} HTTP/1.1`)).status, 200);
    });

    it('refuses another digest than the URL says', async (t) => {
      const { target, talk } = await serve(t);
      const { bytes } = imageManifest({ config: await putBlob(target, '{}') });
      for (const digest of [MISSING, digestOf(Buffer.from('x'), 'sha512'), 'sha256:short', 'md5:abc']) {
        assertRefused(await talk(`PUT /v2/team/app/manifests/${digest} HTTP/1.1`, bytes), 400, 'DIGEST_INVALID');
      }
      assert.deepEqual(await tagsOf(target, 'team/app'), []);
    });

    it('refuses a tag that is none', async (t) => {
      const { target, talk } = await serve(t);
      const { bytes, descriptor } = imageManifest({ config: await putBlob(target, '{}') });
      for (const reference of ['-x', 'a+b', 'a%2Bb', 'x'.repeat(129), `${descriptor.digest}?tag=ok&tag=not%20ok`]) {
        const status = await talk(`PUT /v2/team/app/manifests/${reference} HTTP/1.1`, bytes);
        assertRefused(status, 400, 'MANIFEST_INVALID');
      }
      const many = Array.from({ length: 101 }, (_, n) => `tag=t${n}`).join('&');
      const reply = await talk(`PUT /v2/team/app/manifests/${descriptor.digest}?${many} HTTP/1.1`, bytes);
      assertRefused(reply, 414, 'UNSUPPORTED');
      assert.deepEqual(await tagsOf(target, 'team/app'), []);
    });

    it('refuses what refers to blobs that are not here, or of another size', async (t) => {
      const { target, talk } = await serve(t);
      const config = await putBlob(target, '{}');
      const lost = imageManifest({ config, layers: [{ mediaType: 'a/layer', digest: MISSING, size: 8 }] });
      const detail = assertRefused(
        await talk('PUT /v2/team/app/manifests/1.0 HTTP/1.1', lost.bytes),
        404,
        'MANIFEST_BLOB_UNKNOWN',
      );
      assert.deepEqual(detail, { digest: MISSING });
      const wrong = imageManifest({ config: { ...config, size: 3 } });
      assertRefused(await talk('PUT /v2/team/app/manifests/1.0 HTTP/1.1', wrong.bytes), 400, 'MANIFEST_INVALID');
      assert.deepEqual(await tagsOf(target, 'team/app'), []);
    });

    it('takes an index before its manifests, and layers that are not for distribution', async (t) => {
      const { target, talk } = await serve(t);
      const index = imageIndex([imageManifest({ config: await putBlob(target, '{}') })]);
      assert.equal((await talk('PUT /v2/team/app/manifests/i HTTP/1.1', index.bytes)).status, 201);
      assert.equal((await talk('HEAD /v2/team/app/manifests/i HTTP/1.1')).headers['content-type'], OCI_INDEX);
      const mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
      const foreign = imageManifest({
        config: await putBlob(target, '{}'),
        layers: [{ digest: MISSING, size: 8, mediaType }],
      });
      assert.equal((await talk('PUT /v2/team/app/manifests/f HTTP/1.1', foreign.bytes)).status, 201);
      assert.equal((await talk(`DELETE /v2/team/app/manifests/${foreign.descriptor.digest} HTTP/1.1`)).status, 202);
    });

    it('takes types that it does not know as they are', async (t) => {
      const { talk } = await serve(t);
      const body = '{"blobs":[1],"subject":"what?"}';
      const put = await talk(
        'PUT /v2/team/app/manifests/x HTTP/1.1\nContent-Type: application/vnd.acme.thing+json',
        body,
      );
      assert.equal(put.status, 201);
      const got = await talk('GET /v2/team/app/manifests/x HTTP/1.1');
      assert.equal(got.body.toString(), body);
      assert.equal(got.headers['content-type'], 'application/vnd.acme.thing+json');
    });

    it('GHSA-mc8v-mgrf-8f4m: refuses what is two things at once, or not what its Content-Type says', async (t) => {
      const { target, talk } = await serve(t);
      const config = await putBlob(target, '{}');
      const image = { schemaVersion: 2, config, layers: [] };
      const refused: [contentType: string, body: string][] = [
        [OCI_MANIFEST, JSON.stringify({ ...image, manifests: [] })],
        [OCI_INDEX, JSON.stringify({ ...image, manifests: [] })],
        [OCI_INDEX, JSON.stringify(image)],
        [OCI_INDEX, JSON.stringify({ ...image, mediaType: OCI_MANIFEST })],
        [OCI_MANIFEST, JSON.stringify({ ...image, mediaType: DOCKER_MANIFEST })],
        [OCI_MANIFEST, JSON.stringify({ ...image, schemaVersion: 1 })],
        ['application/vnd.acme.thing+json', JSON.stringify({ mediaType: OCI_MANIFEST })],
        ['application/vnd.acme.thing+json', JSON.stringify({ layers: [], manifests: [] })],
        ['not a type', JSON.stringify(image)],
        ['text/html', '{"a":"<script>alert(1)</script>"}'],
        ['application/vnd.acme.thing+json', '[]'],
        ['application/vnd.acme.thing+json', '"text"'],
        ['application/vnd.acme.thing+json', '{"a":'],
        [OCI_MANIFEST, ''],
        [OCI_MANIFEST, 'null'],
        [OCI_MANIFEST, '\xff\xfe'],
      ];
      for (const [contentType, body] of refused) {
        const bytes = Buffer.from(body, 'latin1');
        const put = await talk(`PUT /v2/team/app/manifests/x HTTP/1.1\nContent-Type: ${contentType}`, bytes);
        assertRefused(put, 400, 'MANIFEST_INVALID');
      }
      assert.deepEqual(await tagsOf(target, 'team/app'), []);
    });

    it('ignores parameters of the Content-Type', async (t) => {
      const { target, talk } = await serve(t);
      const { bytes } = imageManifest({ config: await putBlob(target, '{}') });
      const head = `PUT /v2/team/app/manifests/1.0 HTTP/1.1\nContent-Type: ${OCI_MANIFEST}; charset=utf-8`;
      assert.equal((await talk(head, bytes)).status, 201);
      assert.equal((await talk('HEAD /v2/team/app/manifests/1.0 HTTP/1.1')).headers['content-type'], OCI_MANIFEST);
    });

    it('takes a manifest of four megabytes and refuses a larger one', async (t) => {
      const { target, talk } = await serve(t);
      const config = await putBlob(target, '{}');
      const filled = (size: number) => {
        const empty = imageManifest({ config, more: { annotations: { pad: '' } } }).bytes.length;
        return imageManifest({ config, more: { annotations: { pad: 'x'.repeat(size - empty) } } }).bytes;
      };
      const limit = 4 * 1024 * 1024;
      assert.equal((await talk('PUT /v2/team/app/manifests/1.0 HTTP/1.1', filled(limit))).status, 201);
      assertRefused(await talk('PUT /v2/team/app/manifests/2.0 HTTP/1.1', filled(limit + 1)), 413, 'SIZE_INVALID');
    });
  });

  describe('DELETE of a manifest', () => {
    it('by tag removes the tag only, by digest all of it', async (t) => {
      const { target, talk } = await serve(t);
      const { digest } = (await putArtifact(target, 'team/app', '1.0', 'one')).descriptor;
      await putArtifact(target, 'team/app', '1', 'one');
      assert.equal((await talk('DELETE /v2/team/app/manifests/1.0 HTTP/1.1')).status, 202);
      assertRefused(await talk('GET /v2/team/app/manifests/1.0 HTTP/1.1'), 404, 'MANIFEST_UNKNOWN');
      assert.equal((await talk(`GET /v2/team/app/manifests/${digest} HTTP/1.1`)).status, 200);
      assert.equal((await talk(`DELETE /v2/team/app/manifests/${digest} HTTP/1.1`)).status, 202);
      for (const reference of [digest, '1']) {
        assertRefused(await talk(`GET /v2/team/app/manifests/${reference} HTTP/1.1`), 404, 'MANIFEST_UNKNOWN');
        assertRefused(await talk(`DELETE /v2/team/app/manifests/${reference} HTTP/1.1`), 404, 'MANIFEST_UNKNOWN');
      }
    });
  });

  describe('a version with build metadata', () => {
    it('is _ on the wire and + on disk', async (t) => {
      const { target, talk } = await serve(t);
      await putArtifact(target, 'team/app', '1.2.3+build.5', 'one');
      await putArtifact(target, 'team/app', 'a_b+c_d', 'two');
      for (const tag of ['1.2.3_build.5', 'a_b_c_d']) {
        assert.equal((await talk(`GET /v2/team/app/manifests/${tag} HTTP/1.1`)).status, 200);
        assert.equal((await talk(`HEAD /v2/team/app/manifests/${tag} HTTP/1.1`)).status, 200);
      }
      assert.deepEqual(json(await talk('GET /v2/team/app/tags/list HTTP/1.1')).tags, ['1.2.3_build.5', 'a_b_c_d']);
      assert.equal((await talk('HEAD /v2/team/app/manifests/1.2.4_build.5 HTTP/1.1')).status, 404);
      assert.equal((await talk('DELETE /v2/team/app/manifests/1.2.3_build.5 HTTP/1.1')).status, 202);
      assert.deepEqual(await tagsOf(target, 'team/app'), ['a_b+c_d']);
    });

    it('of a chart that is pushed gets its + back, and another tag keeps its _', async (t) => {
      const { target, talk } = await serve(t);
      const chart = imageManifest({ config: { ...(await putBlob(target, '{}')), mediaType: CHART_CONFIG } }).bytes;
      const other = imageManifest({ config: await putBlob(target, '{}') }).bytes;
      for (const tag of ['1.2.3_build.5', 'v1.0.0-rc.1_x', 'my_tag', '1.2.3_a_b']) {
        assert.equal((await talk(`PUT /v2/team/app/manifests/${tag} HTTP/1.1`, chart)).status, 201);
      }
      assert.equal((await talk('PUT /v2/team/app/manifests/1.2.3_amd64 HTTP/1.1', other)).status, 201);
      const tags = ['1.2.3+build.5', '1.2.3_a_b', '1.2.3_amd64', 'my_tag', 'v1.0.0-rc.1+x'];
      assert.deepEqual(await tagsOf(target, 'team/app'), tags);
    });

    it('that is pushed again replaces the tag in the form that is there', async (t) => {
      const { target, talk } = await serve(t);
      await putArtifact(target, 'team/app', '1.0.0+a', 'one');
      await putArtifact(target, 'team/app', '1.0.0_b', 'two');
      const chart = imageManifest({ config: { ...(await putBlob(target, '{}')), mediaType: CHART_CONFIG } });
      const other = imageManifest({ config: await putBlob(target, '{}') });
      assert.equal((await talk('PUT /v2/team/app/manifests/1.0.0_a HTTP/1.1', other.bytes)).status, 201);
      assert.equal((await talk('PUT /v2/team/app/manifests/1.0.0_b HTTP/1.1', chart.bytes)).status, 201);
      assert.deepEqual(await tagsOf(target, 'team/app'), ['1.0.0+a', '1.0.0_b']);
      const repository = target.repository('team/app');
      assert.equal((await repository.resolve('1.0.0+a')).digest, other.descriptor.digest);
      assert.equal((await repository.resolve('1.0.0_b')).digest, chart.descriptor.digest);
    });
  });
});
