import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { claimedName, formatIndex, makeEntry, parseEntry, parseIndex } from '../../src/layout/index-json.js';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const ENTRY = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: DIGEST, size: 320 } as const;

test('what is parsed and not changed comes out as it was, unknown members in their order', () => {
  const text = `{"mediaType":"x/y","annotations":{"top":"1"},"bogus":[true,null],"schemaVersion":3,"manifests":[{"digest":"d","platform":{"os":"linux"}}],"z":1}`;
  assert.equal(formatIndex(parseIndex(text, 'index.json')), text);
});

test('a new index has the members and the order of Helm 3.6.3, on one line', () => {
  const entry = makeEntry('r.example.com/c:1', ENTRY, true);
  assert.equal(
    formatIndex({ ...parseIndex('{}', 'index.json'), entries: [entry] }),
    `{"schemaVersion":2,"manifests":[{"mediaType":"${ENTRY.mediaType}","digest":"${DIGEST}","size":320,` +
      '"annotations":{"org.opencontainers.image.ref.name":"r.example.com/c:1"}}]}',
  );
});

test('no manifests, or null for them, is an empty cache', () => {
  for (const text of ['{}', '{"manifests":null}', '{"schemaVersion":2,"manifests":[]}']) {
    assert.deepEqual(parseIndex(text, 'index.json').entries, []);
  }
});

test('text after the object is ignored, as by Helm 3.6.3, and a byte order mark before it', () => {
  const text = '{"manifests":[{"a":"}{\\"]"}]}';
  for (const odd of [
    `${text}garbage after\n`,
    `${text}}`,
    `${text}{"manifests":[]}`,
    `\ufeff${text}`,
    `\n ${text}\n`,
  ]) {
    assert.deepEqual(parseIndex(odd, 'index.json').entries, [{ a: '}{"]' }], odd);
  }
});

test('an index that is garbage, cut off, empty or no object is refused by the name of the file', () => {
  const texts = [
    '',
    ' \n',
    '{not json',
    '{"schemaVersion":2,"manifests":[{"mediaType":"appl',
    '[]',
    'null',
    '"{}"',
    'x{}',
  ];
  for (const text of [...texts, '{"manifests":{}}', '{"manifests":"x"}']) {
    assert.throws(
      () => parseIndex(text, '/cache/index.json'),
      (error: unknown) =>
        isChartError(error, 'LAYOUT_INVALID') &&
        error.message.startsWith('/cache/index.json cannot be used: ') &&
        error.hint?.includes('Nothing was changed') === true,
      text,
    );
  }
});

test('a name is read from either annotation', () => {
  assert.equal(claimedName({ annotations: { 'org.opencontainers.image.ref.name': 'a:1' } }), 'a:1');
  assert.equal(claimedName({ annotations: { 'io.helm-chart-cache.ref.name': 'b:1' } }), 'b:1');
  for (const raw of [null, 1, {}, { annotations: [] }, { annotations: { 'org.opencontainers.image.ref.name': '' } }]) {
    assert.equal(claimedName(raw), undefined);
  }
  assert.equal(claimedName({ annotations: { 'org.opencontainers.image.ref.name': 7 } }), undefined);
});

test('an entry that is of no use has a fault that says why', () => {
  const cases: [unknown, string][] = [
    [{ ...ENTRY, digest: 'sha256:xyz' }, 'DIGEST_INVALID'],
    [{ ...ENTRY, digest: DIGEST.toUpperCase() }, 'DIGEST_INVALID'],
    [{ ...ENTRY, digest: 'sha256:../../../../etc/passwd' }, 'DIGEST_INVALID'],
    [{ ...ENTRY, mediaType: undefined }, 'MANIFEST_INVALID'],
    [{ ...ENTRY, size: -1 }, 'MANIFEST_INVALID'],
    [{ ...ENTRY, size: 2 ** 62 }, 'MANIFEST_INVALID'],
    [null, 'MANIFEST_INVALID'],
    ['text', 'MANIFEST_INVALID'],
  ];
  for (const [raw, code] of cases) {
    const { descriptor, fault } = parseEntry(raw, 'r.example.com/c:1', 0);
    assert.equal(descriptor, undefined);
    assert.equal(fault?.code, code, JSON.stringify(raw));
  }
});
