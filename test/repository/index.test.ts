/** index.yaml as the world writes it, and as it should not be. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { type ReadIndexOptions, type RepositoryIndex, readIndex } from '../../src/repository/read-index.js';

const DIGEST = 'a'.repeat(64);

/** Reads text in small chunks, so that lines are cut everywhere. */
function read(text: string, options: Partial<ReadIndexOptions> = {}): Promise<RepositoryIndex> {
  const bytes = Buffer.from(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => bytes.subarray(i * 7, i * 7 + 7));
  return readIndex(Readable.from(chunks), { where: 'the index', ...options });
}

function versions({ charts }: RepositoryIndex): Record<string, string[]> {
  return Object.fromEntries([...charts].map(([name, list]) => [name, list.map(({ version }) => version)]));
}

const HELM = `apiVersion: v1
entries:
  # as helm repo index writes it
  api:
  - apiVersion: v2
    created: "2026-01-01T00:00:00Z"
    dependencies:
    - alias: store
      name: redis
      repository: https://charts.example.com
      version: ^1.0
    description: |
      api:
      - no entry of its own
    digest: ${DIGEST}
    name: api
    urls:
    - charts/api-1.1.0.tgz
    version: 1.1.0
  - name: api
    urls: ["https://elsewhere.example.com/api.tgz"]
    version: 1.0.0
  web:
    - {name: web, version: 2.0.0, urls: [web.tgz]}
  "quoted": []
  none:
generated: "2026-01-01T00:00:00Z"
`;

describe('an index', () => {
  it('is read in pieces, whatever lines look like', async () => {
    const index = await read(HELM);
    assert.deepEqual(versions(index), { api: ['1.1.0', '1.0.0'], web: ['2.0.0'] });
    assert.deepEqual(index.broken, []);
    const [first] = index.charts.get('api') ?? [];
    assert.deepEqual(first, {
      name: 'api',
      version: '1.1.0',
      urls: ['charts/api-1.1.0.tgz'],
      digest: `sha256:${DIGEST}`,
      dependencies: [{ name: 'redis', version: '^1.0', repository: 'https://charts.example.com' }],
    });
  });

  it('is the same with CR LF, behind a document start, and as JSON or flow style', async () => {
    const expected = versions(await read(HELM));
    assert.deepEqual(versions(await read(`---\n${HELM.replaceAll('\n', '\r\n')}`)), expected);
    const entries = {
      api: [
        { name: 'api', version: '1.1.0', urls: ['a'] },
        { name: 'api', version: '1.0.0', urls: ['b'] },
      ],
      web: [{ name: 'web', version: '2.0.0', urls: ['c "}]'] }],
    };
    const json = JSON.stringify({ apiVersion: 'v1', entries, generated: 'x' });
    assert.deepEqual(versions(await read(json)), expected);
    assert.deepEqual(versions(await read(JSON.stringify({ apiVersion: 'v1', entries }, null, 2))), expected);
    assert.deepEqual(versions(await read(`apiVersion: v1\nentries: ${JSON.stringify(entries)}\n`)), expected);
  });

  it('gives only the charts that are wanted', async () => {
    assert.deepEqual(versions(await read(HELM, { wanted: (name) => name === 'web' })), { web: ['2.0.0'] });
  });

  it('skips broken entries by name, and takes the rest', async () => {
    const index = await read(`apiVersion: v1
entries:
  a:
  - {name: a, version: 1.0.0, urls: [a.tgz]}
  - {name: a, version: one, urls: [a.tgz]}
  - {name: a, version: 1.1.0}
  - {name: b, version: 1.2.0, urls: [a.tgz]}
  - {name: a, version: 1.3.0, urls: [a.tgz], digest: x}
  - {name: a, version: 1.4.0, urls: 5}
  - null
  - [1]
  - {name: a, version: 1.5.0, urls: [a.tgz], type: other}
  - name: a
    version: 1.6.0
    urls: [unclosed
  ../up:
  - {name: ../up, version: 1.0.0, urls: [a.tgz]}
  m: {name: m}
  __proto__:
  - {name: __proto__, version: 1.0.0, urls: [p.tgz]}
`);
    assert.deepEqual(versions(index).a, ['1.0.0']);
    assert.deepEqual(
      index.broken.map(({ name, version }) => `${name} ${version}`),
      [
        'a one',
        'a 1.1.0',
        'a 1.2.0',
        'a 1.3.0',
        'a 1.4.0',
        'a undefined',
        'a undefined',
        'a 1.5.0',
        'a undefined',
        '../up 1.0.0',
        'm undefined',
      ],
    );
    assert.ok(index.broken.every(({ reason }) => reason.length > 5));
    assert.equal(index.charts.get('__proto__')?.length, 1);
  });

  it('GHSA-9vp5-m38w-j776: an alias with a line break or a path makes its entry broken', async () => {
    for (const alias of ['"a\\nb"', '../../x', 'a/b', '"a b"']) {
      const index = await read(`apiVersion: v1
entries:
  a:
  - {name: a, version: 1.0.0, urls: [a.tgz], dependencies: [{name: b, repository: "", alias: ${alias}}]}
`);
      assert.deepEqual([index.charts.size, index.broken.length], [0, 1], alias);
    }
  });

  it('GHSA-jm56-5h66-w453: a chart that is there twice is refused, and of a version that is there twice neither is taken', async () => {
    const twice =
      'apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0, urls: [x]}\n  a:\n  - {name: a, version: 2.0.0, urls: [x]}\n';
    const json = '{"apiVersion":"v1","entries":{"a":[{"name":"a","version":"1.0.0","urls":["x"]}],"a":[]}}';
    for (const text of [twice, json, 'apiVersion: v1\nentries: {}\nentries: {}\n']) {
      await assert.rejects(
        read(text),
        (error) => isChartError(error, 'REPOSITORY_INVALID') && /twice/.test(error.message),
      );
    }
    const index = await read(`apiVersion: v1
entries:
  a:
  - {name: a, version: 1.0.0, urls: [x], digest: ${DIGEST}}
  - {name: a, version: 1.0.0, urls: [y], digest: ${'b'.repeat(64)}}
  - {name: a, version: 1.0.0, urls: [z], digest: ${DIGEST}}
  - {name: a, version: 1.1.0, urls: [x], digest: ${DIGEST}}
  - {name: a, version: 1.1.0, urls: [y], digest: ${DIGEST}}
`);
    assert.deepEqual(versions(index), { a: ['1.1.0'] });
    assert.deepEqual(
      index.broken.map(({ version, duplicate }) => [version, duplicate]),
      [['1.0.0', true]],
    );
  });

  it('CVE-2025-55198, GHSA-r53h-jv2g-vpx6, GHSA-53c4-hhmh-vw5q: empty, null and wrongly typed documents are errors that say so', async () => {
    const documents = [
      '',
      '\n',
      '# nothing\n',
      'null\n',
      '~',
      '[]',
      '- a\n',
      '5',
      'a string',
      '{}',
      'entries: {}\n',
      'apiVersion:\nentries: {}\n',
      'apiVersion: v1\nentries: []\n',
      'apiVersion: v1\nentries: 5\n',
      'apiVersion: v1\nentries:\n  - a\n',
      '{"apiVersion":"v1","entries":[]}',
      'apiVersion: [v1\n',
      '{"apiVersion"',
      '\u0000',
      '<html></html>',
    ];
    for (const text of documents) {
      await assert.rejects(read(text), (error) => isChartError(error, 'REPOSITORY_INVALID'), JSON.stringify(text));
    }
    await assert.rejects(readIndex(Readable.from([Buffer.from([0x61, 0xff, 0xfe])]), { where: 'x' }), /not UTF-8/);
    for (const text of ['apiVersion: v1\n', 'apiVersion: v1\nentries:\n', 'apiVersion: v1\nentries: null\n']) {
      assert.equal((await read(text)).charts.size, 0, text);
    }
  });
});
