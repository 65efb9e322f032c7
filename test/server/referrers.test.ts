import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import type { RawManifest } from '../../src/oci/manifest.js';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.js';
import type { ServableTarget } from '../../src/oci/target.js';
import {
  assertRefused,
  imageIndex,
  imageManifest,
  json,
  putArtifact,
  putBlob,
  type Serve,
  serveLayout,
  serveMemory,
  serveTarget,
} from './fixture.js';
import { MemoryTarget } from './memory-target.js';

const MISSING = digestOf(Buffer.from('not here'));

async function referrer(target: ServableTarget, subject: RawManifest, more: Record<string, unknown> = {}) {
  return imageManifest({ config: await putBlob(target, '{}'), more: { subject: subject.descriptor, ...more } });
}

const targets: [name: string, serve: Serve][] = [
  ['a target that lists them', (t, options) => serveTarget(t, new MemoryTarget({ referrers: true }), options)],
  ['a target that does not', serveMemory],
  ['a cache on disk', serveLayout],
];

for (const [name, serve] of targets) {
  describe(`referrers of ${name}`, () => {
    it('are those that name the subject, described as the specification wants', async (t) => {
      const { target, talk } = await serve(t);
      const subject = await putArtifact(target, 'team/app', '1.0', 'one');
      const { digest } = subject.descriptor;
      const plain = await referrer(target, subject);
      const typed = await referrer(target, subject, { artifactType: 'a/sbom', annotations: { k: 'v' } });
      const index = imageIndex([], { subject: subject.descriptor, annotations: { list: 'yes' } });
      const typedIndex = imageIndex([], { subject: subject.descriptor, artifactType: 'a/sbom' });
      for (const { bytes, descriptor } of [plain, typed, index, typedIndex]) {
        const put = await talk(`PUT /v2/team/app/manifests/${descriptor.digest} HTTP/1.1`, bytes);
        assert.equal(put.status, 201);
        assert.equal(put.headers['oci-subject'], digest);
      }
      const expected = [
        { ...plain.descriptor, artifactType: 'application/octet-stream' },
        { ...typed.descriptor, artifactType: 'a/sbom', annotations: { k: 'v' } },
        { ...index.descriptor, annotations: { list: 'yes' } },
        { ...typedIndex.descriptor, artifactType: 'a/sbom' },
      ].sort((a, b) => (a.digest < b.digest ? -1 : 1));
      const all = await talk(`GET /v2/team/app/referrers/${digest} HTTP/1.1`);
      assert.equal(all.status, 200);
      assert.equal(all.headers['content-type'], OCI_INDEX);
      assert.equal(all.headers['oci-filters-applied'], undefined);
      assert.deepEqual(json(all), { schemaVersion: 2, mediaType: OCI_INDEX, manifests: expected });

      const some = await talk(`GET /v2/team/app/referrers/${digest}?artifactType=a%2Fsbom HTTP/1.1`);
      assert.equal(some.headers['oci-filters-applied'], 'artifactType');
      assert.deepEqual(
        json(some).manifests,
        expected.filter((item) => 'artifactType' in item && item.artifactType === 'a/sbom'),
      );
    });

    it('are found by a type with + in it, encoded or not', async (t) => {
      const { target, talk } = await serve(t);
      const subject = await putArtifact(target, 'team/app', '1.0', 'one');
      const { bytes } = await referrer(target, subject, { artifactType: 'application/spdx+json' });
      await talk('PUT /v2/team/app/manifests/sbom HTTP/1.1', bytes);
      for (const type of ['application/spdx+json', 'application%2Fspdx%2Bjson']) {
        const reply = await talk(
          `GET /v2/team/app/referrers/${subject.descriptor.digest}?artifactType=${type} HTTP/1.1`,
        );
        assert.equal((json(reply).manifests as unknown[]).length, 1);
      }
    });

    it('are empty for an unknown subject or repository, never 404', async (t) => {
      const { talk } = await serve(t);
      const reply = await talk(`GET /v2/team/app/referrers/${MISSING} HTTP/1.1`);
      assert.equal(reply.status, 200);
      assert.deepEqual(json(reply), { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
      assertRefused(await talk('GET /v2/team/app/referrers/sha256:x HTTP/1.1'), 400, 'DIGEST_INVALID');
      assertRefused(await talk('GET /v2/team/app/referrers/1.0 HTTP/1.1'), 400, 'DIGEST_INVALID');
    });

    it('may come before their subject, and go', async (t) => {
      const { target, talk } = await serve(t);
      const subject = imageManifest({ config: await putBlob(target, '{}') });
      const { bytes, descriptor } = await referrer(target, subject, { artifactType: 'a/sbom' });
      assert.equal((await talk('PUT /v2/team/app/manifests/early HTTP/1.1', bytes)).status, 201);
      const path = `/v2/team/app/referrers/${subject.descriptor.digest}`;
      assert.equal((json(await talk(`GET ${path} HTTP/1.1`)).manifests as unknown[]).length, 1);
      assert.equal((await talk(`DELETE /v2/team/app/manifests/${descriptor.digest} HTTP/1.1`)).status, 202);
      assert.deepEqual(json(await talk(`GET ${path} HTTP/1.1`)).manifests, []);
    });

    it('that were pushed at the same time are all there, each once', async (t) => {
      const { target, talk } = await serve(t);
      const subject = await putArtifact(target, 'team/app', '1.0', 'one');
      const pushed = await Promise.all(
        Array.from({ length: 12 }, (_, n) => referrer(target, subject, { annotations: { n: String(n % 10) } })),
      );
      // Every read takes long enough for the others to come in between.
      const repository = target.repository.bind(target);
      target.repository = (known) => {
        const found = repository(known);
        const readManifest = found.readManifest.bind(found);
        return Object.assign(found, {
          readManifest: async (reference: string) => {
            const raw = await readManifest(reference);
            await new Promise((resolve) => setImmediate(resolve));
            return raw;
          },
        });
      };
      await Promise.all(
        pushed.map(({ descriptor, bytes }) => talk(`PUT /v2/team/app/manifests/${descriptor.digest} HTTP/1.1`, bytes)),
      );
      const found = json(await talk(`GET /v2/team/app/referrers/${subject.descriptor.digest} HTTP/1.1`)).manifests;
      assert.equal((found as unknown[]).length, 10);
    });

    it('include what clients listed under the tag before, where it is true', async (t) => {
      const { target, talk } = await serve(t);
      const subject = await putArtifact(target, 'team/app', '1.0', 'one');
      const before = await referrer(target, subject, { artifactType: 'a/sig' });
      const liar = imageManifest({ config: await putBlob(target, '{}') });
      const gone = await referrer(target, subject, { annotations: { gone: 'yes' } });
      for (const raw of [before, liar]) await target.repository('team/app').writeManifest(raw);
      const tag = subject.descriptor.digest.replace(':', '-');
      await target.repository('team/app').writeManifest(imageIndex([before, liar, gone]), tag);
      const found = json(await talk(`GET /v2/team/app/referrers/${subject.descriptor.digest} HTTP/1.1`)).manifests;
      assert.deepEqual(found, [{ ...before.descriptor, artifactType: 'a/sig' }]);
    });

    it('come in pages that a Link leads through where they are many', async (t) => {
      const { target, talk } = await serve(t, { limits: { manifest: 2000 } });
      const subject = await putArtifact(target, 'team/app', '1.0', 'one');
      for (let n = 0; n < 12; n += 1) {
        const { bytes } = await referrer(target, subject, { artifactType: 'a/b', annotations: { n: String(n) } });
        assert.equal((await talk(`PUT /v2/team/app/manifests/t${n} HTTP/1.1`, bytes)).status, 201);
      }
      const seen = new Set<string>();
      let pages = 0;
      let path: string | undefined = `/v2/team/app/referrers/${subject.descriptor.digest}?artifactType=a/b`;
      while (path) {
        const reply = await talk(`GET ${path} HTTP/1.1`);
        assert.ok(reply.body.length <= 2000);
        for (const item of json(reply).manifests as { digest: string }[]) seen.add(item.digest);
        pages += 1;
        path = /^<(.*)>; rel="next"$/.exec(reply.headers.link ?? '')?.[1];
      }
      assert.equal(seen.size, 12);
      assert.ok(pages > 1);
    });
  });
}

describe('referrers beside a tag of that name', () => {
  it('leave the tag alone when it is something else', async (t) => {
    const { target, talk } = await serveMemory(t);
    const subject = await putArtifact(target, 'team/app', '1.0', 'one');
    const tag = subject.descriptor.digest.replace(':', '-');
    const mine = await putArtifact(target, 'team/app', tag, 'mine');
    const { bytes } = await referrer(target, subject);
    const put = await talk('PUT /v2/team/app/manifests/sig HTTP/1.1', bytes);
    assert.equal(put.status, 201);
    assert.equal(put.headers['oci-subject'], undefined);
    const kept = await talk(`GET /v2/team/app/manifests/${tag} HTTP/1.1`);
    assert.equal(kept.headers['docker-content-digest'], mine.descriptor.digest);
    assert.equal(kept.headers['content-type'], OCI_MANIFEST);
  });

  it('are listed there once, however often they are pushed', async (t) => {
    const { target, talk } = await serveMemory(t);
    const subject = await putArtifact(target, 'team/app', '1.0', 'one');
    const { bytes } = await referrer(target, subject);
    for (const tag of ['a', 'b'])
      assert.equal((await talk(`PUT /v2/team/app/manifests/${tag} HTTP/1.1`, bytes)).status, 201);
    const list = await talk(`GET /v2/team/app/manifests/${subject.descriptor.digest.replace(':', '-')} HTTP/1.1`);
    assert.equal((json(list).manifests as unknown[]).length, 1);
  });

  it('GHSA-298f-872v-2rcx: end where referrers go round in a circle', async (t) => {
    const { target, talk } = await serveMemory(t);
    const a = imageManifest({
      config: await putBlob(target, '{}'),
      more: { subject: { mediaType: OCI_MANIFEST, digest: MISSING, size: 1 } },
    });
    const tag = MISSING.replace(':', '-');
    const circle = imageIndex([a], { subject: a.descriptor });
    await target.repository('team/app').writeManifest(a);
    await target.repository('team/app').writeManifest(circle, tag);
    await target.repository('team/app').writeManifest(imageIndex([circle]), a.descriptor.digest.replace(':', '-'));
    for (const digest of [MISSING, a.descriptor.digest]) {
      const reply = await talk(`GET /v2/team/app/referrers/${digest} HTTP/1.1`);
      assert.equal((json(reply).manifests as unknown[]).length, 1);
    }
  });
});
