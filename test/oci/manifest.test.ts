import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ChartErrorCode, isChartError } from '../../src/errors.js';
import { digestOf } from '../../src/oci/digest.js';
import { checkBytes, describeManifest, MANIFEST_LIMIT, parseManifest, successors } from '../../src/oci/manifest.js';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.js';

const digest = (text: string): string => digestOf(Buffer.from(text));
const descriptor = (text: string, mediaType = 'application/octet-stream'): object => ({
  mediaType,
  digest: digest(text),
  size: text.length,
});
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const manifest = { schemaVersion: 2, config: descriptor('{}'), layers: [descriptor('a'), descriptor('b')] };

function rejects(value: Buffer, code: ChartErrorCode, words: RegExp, mediaType?: string): void {
  assert.throws(
    () => parseManifest(value, mediaType),
    (error) => isChartError(error, code) && words.test(error.message),
  );
}

describe('parseManifest', () => {
  it('reads a manifest without mediaType, as Helm 3.6.3 writes it', () => {
    const parsed = parseManifest(bytes(manifest));
    assert.equal(parsed.kind, 'manifest');
    assert.equal(parsed.mediaType, OCI_MANIFEST);
    assert.deepEqual(
      successors(parsed).map(({ size }) => size),
      [2, 1, 1],
    );
  });

  it('reads an index', () => {
    const parsed = parseManifest(
      bytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [descriptor('m', OCI_MANIFEST)] }),
    );
    assert.equal(parsed.kind, 'index');
    assert.equal(successors(parsed).length, 1);
  });

  it('GHSA-mc8v-mgrf-8f4m: refuses a document that is both manifest and index', () => {
    rejects(bytes({ ...manifest, manifests: [] }), 'MANIFEST_INVALID', /both a manifest and an index/);
  });

  it('GHSA-mc8v-mgrf-8f4m: refuses a document that calls itself otherwise than its Content-Type', () => {
    rejects(bytes({ ...manifest, mediaType: OCI_MANIFEST }), 'MANIFEST_INVALID', /announced as/, OCI_INDEX);
    rejects(bytes(manifest), 'MANIFEST_INVALID', /index by media type, but has config/, OCI_INDEX);
  });

  it('GHSA-f36w-mj3v-6jqv: refuses sizes that are no sizes', () => {
    for (const size of [2 ** 62, -1, 1.5, '5', null]) {
      const broken = { ...manifest, layers: [{ ...descriptor('a'), size }] };
      rejects(bytes(broken), 'MANIFEST_INVALID', /layers\[0\] has no valid size/);
    }
  });

  it('CVE-2024-3727: refuses digests that are no digests', () => {
    for (const bad of ['../../etc/passwd', 'sha256:', `sha256:${'A'.repeat(64)}`, `md5:${'a'.repeat(32)}`, 7]) {
      const broken = { ...manifest, config: { ...descriptor('a'), digest: bad } };
      rejects(bytes(broken), 'DIGEST_INVALID', /is not a digest/);
    }
  });

  it('refuses what is no JSON, no object, of another schema, or too large', () => {
    rejects(Buffer.from('{"schemaVersion":2'), 'MANIFEST_INVALID', /not JSON/);
    rejects(Buffer.from([0x7b, 0xff, 0x7d]), 'MANIFEST_INVALID', /not JSON/);
    rejects(bytes([]), 'MANIFEST_INVALID', /not a JSON object/);
    rejects(bytes({ ...manifest, schemaVersion: 1 }), 'MANIFEST_INVALID', /schemaVersion/);
    rejects(bytes({ schemaVersion: 2, layers: [] }), 'MANIFEST_INVALID', /config is not a descriptor/);
    rejects(bytes({ schemaVersion: 2, config: descriptor('') }), 'MANIFEST_INVALID', /no layers/);
    rejects(Buffer.alloc(MANIFEST_LIMIT + 1, 0x20), 'LIMIT_EXCEEDED', /at most/);
  });

  it('CVE-2020-15157: keeps no urls of a descriptor', () => {
    const parsed = parseManifest(
      bytes({ ...manifest, layers: [{ ...descriptor('a'), urls: ['http://evil.example.com/'] }] }),
    );
    assert.deepEqual(Object.keys(successors(parsed)[1] as object).sort(), ['digest', 'mediaType', 'size']);
  });

  it('takes __proto__ in annotations as a key like any other', () => {
    const text = JSON.stringify({ ...manifest, layers: [] }).replace(
      '"layers":[]',
      '"layers":[],"annotations":{"__proto__":"x"}',
    );
    const parsed = parseManifest(Buffer.from(text));
    assert.equal(Object.hasOwn(parsed.annotations, '__proto__'), true);
    assert.equal(({} as Record<string, unknown>).x, undefined);
  });
});

describe('checkBytes', () => {
  it('tells a wrong size from wrong content', () => {
    const { descriptor: good } = describeManifest(bytes(manifest));
    checkBytes(bytes(manifest), good, 'manifest');
    assert.throws(
      () => checkBytes(Buffer.alloc(good.size), good, 'manifest'),
      (e) => isChartError(e, 'BLOB_DIGEST_MISMATCH'),
    );
    assert.throws(
      () => checkBytes(Buffer.alloc(3), good, 'manifest'),
      (e) => isChartError(e, 'BLOB_SIZE_MISMATCH'),
    );
  });
});
