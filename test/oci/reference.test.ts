import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isChartError } from '../../src/errors.js';
import { formatReference, parseReference, repositoryName, splitName, wireTag } from '../../src/oci/reference.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('parseReference', () => {
  const accepted: [text: string, host: string | undefined, path: string, tag?: string | undefined, digest?: string][] =
    [
      ['c', undefined, 'c'],
      ['c:v1', undefined, 'c', 'v1'],
      ['host/c:1', 'host', 'c', '1'],
      ['host.io/c:20210304', 'host.io', 'c', '20210304'],
      ['Host.IO/team/c:V1', 'Host.IO', 'team/c', 'V1'],
      ['localhost:5001/c', 'localhost:5001', 'c'],
      ['host:65535/c:v1', 'host:65535', 'c', 'v1'],
      ['oci://host.io/c:v1', 'host.io', 'c', 'v1'],
      ['host.io/c:1.2.3+build.5', 'host.io', 'c', '1.2.3+build.5'],
      [`host.io/c@${DIGEST}`, 'host.io', 'c', undefined, DIGEST],
      [`host.io:443/c:1.0@${DIGEST}`, 'host.io:443', 'c', '1.0', DIGEST],
      ['[::1]:5001/c:v1', '[::1]:5001', 'c', 'v1'],
      ['[fe80::1]/c', '[fe80::1]', 'c'],
      ['host.io/a_b.c--d/e__f:_x', 'host.io', 'a_b.c--d/e__f', '_x'],
      ['team_x/app:1', undefined, 'team_x/app', '1'],
    ];
  for (const [text, host, path, tag, digest] of accepted) {
    it(`reads ${text}`, () => {
      const reference = parseReference(text);
      assert.deepEqual(reference, { host, path, tag, digest });
      assert.equal(formatReference(reference), text.replace('oci://', ''));
    });
  }

  const refused: [text: string, message: RegExp][] = [
    ['', /^parsed repo was empty$/],
    ['oci://', /^parsed repo was empty$/],
    [':v1', /^parsed repo was empty$/],
    ['a:b:c:d', /^ref may only contain a single colon character \(:\) unless specifying a port number$/],
    ['localhost:5001:v1', /single colon character/],
    ['C', /a repository is written in lower case/],
    ['host.io/Team/c:v1', /a repository is written in lower case/],
    ['host:notaport/c:v1', /"host:notaport" is not HOST\[:PORT\]/],
    ['host:65536/c:v1', /port above 65535/],
    ['host.io:/c:v1', /is not HOST/],
    ['host.io/c/:v1', /is not a repository/],
    ['host.io//c:v1', /is not a repository/],
    ['host.io/../c:v1', /is not a repository/],
    ['./c:v1', /is not a repository/],
    ['https://host.io/c:v1', /only the scheme oci:\/\/ is known/],
    ['host.io/c:a b', /is not a tag/],
    ['host.io/c:-x', /is not a tag/],
    ['host.io/c:.x', /is not a tag/],
    [`host.io/c:${'t'.repeat(129)}`, /is not a tag/],
    ['host.io/c:', /is not a tag/],
    ['c\n:v1', /is not a repository/],
    ['host.io/ü:v1', /is not a repository/],
    ['C:\\x:v1', /single colon/],
    ['host.io/c@sha256:abc', /is not a digest/],
    [
      'me:secret@host.io/c:v1',
      /^invalid reference "me:\*\*\*@host\.io\/c:v1": a reference holds no user name and password/,
    ],
    ['oci://me:secret@host.io:5000/c', /"oci:\/\/me:\*\*\*@host\.io:5000\/c": a reference holds no user/],
    ['https://me:secret@host.io/c', /"https:\/\/me:\*\*\*@host\.io\/c": only the scheme oci/],
    [`host.io/c@${DIGEST.toUpperCase()}`, /is not a digest/],
    [`host.io/${'a/'.repeat(130)}c:v1`, /at most 255 characters/],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text.slice(0, 60))} with a reason`, () => {
      assert.throws(
        () => parseReference(text),
        (error) => isChartError(error, 'REFERENCE_INVALID') && message.test(error.message) && error.hint !== undefined,
      );
    });
  }
});

describe('names in the index', () => {
  it('splits valid references and what Helm 3.6.3 accepted by accident', () => {
    assert.deepEqual(splitName('h.io/t/c:1.0'), { repository: 'h.io/t/c', tag: '1.0' });
    assert.deepEqual(splitName('r.example.com/t/c:1:0.1.0'), { repository: 'r.example.com/t/c:1', tag: '0.1.0' });
    assert.deepEqual(splitName('host:notaport/c'), { repository: 'host', tag: 'notaport/c' });
    assert.deepEqual(splitName(`h.io/c@${DIGEST}`), { repository: 'h.io/c', tag: DIGEST });
    assert.deepEqual(splitName('localhost:5001/c:7'), { repository: 'localhost:5001/c', tag: '7' });
  });

  it('names a repository with its host where there is one', () => {
    assert.equal(repositoryName({ host: 'h.io:5000', path: 'a/b' }), 'h.io:5000/a/b');
    assert.equal(repositoryName({ host: undefined, path: 'a' }), 'a');
  });

  it('writes the + of a version as _ on the wire', () => {
    assert.equal(wireTag('1.2.3+build+5'), '1.2.3_build_5');
  });
});
