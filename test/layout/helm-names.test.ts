import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isForHelm } from '../../src/layout/helm-names.js';
import { type ImageManifest, parseManifest } from '../../src/oci/manifest.js';
import { CHART_LAYER_CURRENT, CHART_LAYER_LEGACY, CHART_PROVENANCE, OCI_INDEX } from '../../src/oci/media-types.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const CONFIG = { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: DIGEST, size: 2 };
const LAYER = { mediaType: CHART_LAYER_LEGACY, digest: DIGEST, size: 3 };

function manifest(layers: unknown[], config: unknown = CONFIG, mediaType?: string): ImageManifest {
  const text = JSON.stringify({ schemaVersion: 2, mediaType, config, layers });
  return parseManifest(Buffer.from(text)) as ImageManifest;
}

const CHART = manifest([LAYER]);

test('a chart with one layer of the legacy type is for Helm 3.6.3 to see', () => {
  assert.equal(isForHelm('r.example.com/c:1.0', CHART), true);
});

test('what Helm 3.6.3 cannot unpack is not for it to see', () => {
  const cases = [
    undefined,
    manifest([]),
    manifest([LAYER, LAYER]),
    manifest([LAYER, { ...LAYER, mediaType: CHART_PROVENANCE }]),
    manifest([{ ...LAYER, mediaType: CHART_LAYER_CURRENT }]),
    manifest([{ ...LAYER, size: 0 }]),
    manifest([LAYER], { ...CONFIG, mediaType: 'application/vnd.oci.empty.v1+json' }),
    manifest([LAYER], CONFIG, 'application/vnd.docker.distribution.manifest.v2+json'),
    parseManifest(Buffer.from('{"schemaVersion":2,"manifests":[]}'), OCI_INDEX),
  ];
  for (const [position, other] of cases.entries())
    assert.equal(isForHelm('r.example.com/c:1.0', other), false, `${position}`);
});

test('names are judged as Helm 3.6.3 parses them, ports where there are none included', () => {
  const readable = [
    'c',
    'c:v1',
    'c:1',
    'team/c:1.0.0',
    'r.example.com/c',
    'r.example.com/t/c:1',
    'r.example.com/t/c:65535',
    'r.example.com/t/c:1:0.1.0',
    'localhost:5001/c:7',
    'localhost:5001/c:20210304',
    'localhost:5001/c',
    'r.example.com/c:1.2.3+build.5',
    'r.example.com/c:1.2.3_build',
    'Host.IO/Team/C:V1',
  ];
  for (const name of readable) assert.equal(isForHelm(name, CHART), true, name);
  const unreadable = [
    'r.example.com/c:65536',
    'r.example.com/c:007',
    'r.example.com/c:20210304',
    'r.example.com/c:-1',
    'r.example.com/c:+5',
    'a:b:c:d',
    'a:b:c',
    'host:notaport/c:v1',
    'c:',
    'localhost:5001/c:',
    ':v1',
    '[::1]:5000/c:1',
    'r.example.com/c@sha256:aa',
    'r.example.com/c d:1',
    'r.example.com/%zz:1',
    'r.example.com/c\u0000:1',
  ];
  for (const name of unreadable) assert.equal(isForHelm(name, CHART), false, name);
});
