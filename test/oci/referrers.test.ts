import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestOf } from '../../src/oci/digest.js';
import { describeManifest } from '../../src/oci/manifest.js';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.js';
import { describeReferrer, isAttachmentTag, referrersTag } from '../../src/oci/referrers.js';

const BLOB = { mediaType: 'application/vnd.test.config', digest: digestOf(Buffer.from('{}')), size: 2 };

function describeJson(mediaType: string, json: Record<string, unknown>) {
  const raw = describeManifest(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...json })));
  const { artifactType, annotations, ...identity } = describeReferrer(raw);
  assert.deepEqual(identity, raw.descriptor);
  return { artifactType, annotations };
}

describe('describeReferrer', () => {
  it('takes the artifact type, for an image manifest else the type of the config', () => {
    const image = { config: BLOB, layers: [] };
    assert.equal(describeJson(OCI_MANIFEST, { ...image, artifactType: 'a/b' }).artifactType, 'a/b');
    assert.equal(describeJson(OCI_MANIFEST, { ...image, artifactType: '' }).artifactType, BLOB.mediaType);
    assert.equal(describeJson(OCI_MANIFEST, image).artifactType, BLOB.mediaType);
    assert.equal(describeJson(OCI_INDEX, { manifests: [], artifactType: 'a/b' }).artifactType, 'a/b');
    assert.equal(describeJson(OCI_INDEX, { manifests: [] }).artifactType, undefined);
  });

  it('takes the annotations, and leaves them out where there are none', () => {
    const { annotations } = describeJson(OCI_INDEX, { manifests: [], annotations: { k: 'v', odd: 1 } });
    assert.deepEqual({ ...annotations }, { k: 'v' });
    assert.equal(describeJson(OCI_INDEX, { manifests: [], annotations: {} }).annotations, undefined);
  });
});

describe('referrersTag', () => {
  it('is the algorithm and at most 64 digits', () => {
    assert.equal(referrersTag(`sha256:${'a'.repeat(64)}`), `sha256-${'a'.repeat(64)}`);
    assert.equal(referrersTag(`sha512:${'b'.repeat(128)}`), `sha512-${'b'.repeat(64)}`);
  });
});

it('knows the tags by which things are attached', () => {
  const hex = 'ab'.repeat(32);
  for (const tag of [
    `sha256-${hex}`,
    `sha256-${hex}.sig`,
    `sha256-${hex}.att`,
    `sha512-${hex}`,
    `sha512-${hex}${hex}.sbom`,
  ]) {
    assert.ok(isAttachmentTag(tag), tag);
  }
  for (const tag of [
    '1.0.0',
    'latest',
    `sha256-${hex.slice(1)}`,
    `sha256-${hex}sig`,
    `x-sha256-${hex}`,
    `SHA256-${hex}`,
  ]) {
    assert.ok(!isAttachmentTag(tag), tag);
  }
});
