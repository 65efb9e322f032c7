/** What went wrong in other registry clients: each published weakness that can touch this one has a test that bears its name. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT } from '../helpers/fixtures.js';

/** The name that tests begin with, what it was, and where these tests are. */
const WEAKNESSES: readonly (readonly [name: string, what: string, files: readonly string[]])[] = [
  ['CVE-2020-15157', "a layer's urls sent credentials to another host", ['copy', 'oci/manifest']],
  ['CVE-2021-32690', "a repository's credentials sent to another host that its index names", ['repository/repository']],
  ['GHSA-vh4v-2xq2-g5cg', 'Authorization kept across a redirect', ['registry/redirects', 'e2e/registry']],
  [
    'GHSA-jxpm-75mh-9fp7',
    'an upload that goes on at another host, or at http',
    ['registry/uploads', 'registry/transport'],
  ],
  ['GHSA-xf85-363p-868w', 'a token realm on a private address, or at http', ['registry/realm', 'registry/auth']],
  ['GHSA-h3wm-jjqf-8jm2', 'the client certificate shown to other origins', ['registry/transport']],
  ['GHSA-whvf-jp7m-59f3', 'headers of its own sent on to another host', ['registry/redirects']],
  ['GHSA-5jhf-2qmf-m8c5', 'tokens and signed URLs in a debug log', ['registry/redirects', 'e2e/registry']],
  ['GHSA-f36w-mj3v-6jqv', 'a descriptor of 2^62 bytes', ['copy', 'oci/manifest']],
  ['CVE-2024-3727', 'a digest that is none as a path or URL', ['registry/manifests', 'layout/layout', 'oci/manifest']],
  ['CVE-2025-24882', 'what was pulled by digest was not compared', ['registry/manifests', 'copy']],
  [
    'GHSA-mc8v-mgrf-8f4m',
    'a document that is two things, or not what it was announced as',
    ['registry/manifests', 'oci/manifest'],
  ],
  ['GHSA-298f-872v-2rcx', 'a cycle of referrers', ['copy-referrers', 'layout/prune']],
  ['goes on where it was when a connection breaks', 'bodies that stop halfway', ['registry/blobs']],
  [
    'a body without a length that is shorter or longer than promised, or never ends',
    'bodies of another length',
    ['registry/blobs'],
  ],
  ['a manifest that stops halfway', 'manifests that stop halfway', ['registry/manifests']],
  ['goes on after 429 with and without Retry-After, 5xx', '429 and 5xx', ['registry/retry']],
];

const testFiles = readdirSync(join(PROJECT, 'test'), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.test.ts'));

test('each weakness has its tests, where the table says', () => {
  for (const [name, what, files] of WEAKNESSES) {
    const found = testFiles.filter((path) => bears(path, name));
    assert.ok(found.length > 0, `no test bears the name ${name}: ${what}`);
    for (const file of files)
      assert.ok(found.includes(`${file}.test.ts`), `${file} has no test named after ${name}: ${what}`);
  }
});

/** True where a test or what holds tests begins with that name, or a thing that it asserts. */
function bears(path: string, name: string): boolean {
  const text = readFileSync(join(PROJECT, 'test', path), 'utf8');
  return (
    path !== 'registry/hostile.test.ts' && [`'${name}`, `"${name}`, `\`${name}`].some((start) => text.includes(start))
  );
}
