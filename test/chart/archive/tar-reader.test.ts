import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TarReader } from '../../../src/chart/archive/tar-reader.js';
import { isChartError } from '../../../src/errors.js';
import { gnuLongName, member, pax, zeros } from './tar-builder.js';

/** Each member with its content as text, and a star where the member is executable. */
function read(archive: Buffer, chunk = archive.length): string[] {
  const reader = new TarReader();
  const found: string[] = [];
  for (let at = 0; at < archive.length; at += chunk) {
    for (const part of reader.read(archive.subarray(at, at + chunk))) {
      if (part.kind === 'member') {
        const { name, type, executable } = part.member;
        found.push(`${type} ${name}${executable ? '*' : ''} <`);
      } else {
        found[found.length - 1] += part.kind === 'content' ? part.bytes.toString() : '>';
      }
    }
  }
  reader.end();
  return found;
}

function assertInvalid(archive: Buffer, message: RegExp): void {
  assert.throws(
    () => read(archive),
    (error: unknown) => isChartError(error, 'ARCHIVE_INVALID') && message.test(error.message),
    message.source,
  );
}

const END = zeros(1024);

test('reads files, directories and their modes, whole or byte by byte', () => {
  const archive = Buffer.concat([
    member({ name: 'c/', type: '5', mode: 0o755 }),
    member({ name: 'c/Chart.yaml', body: 'name: c\n' }),
    member({ name: 'c/empty' }),
    member({ name: 'c/run.sh', body: '#!/bin/sh\n'.repeat(100), mode: 0o755 }),
    member({ name: 'c/last', body: 'x'.repeat(512) }),
    END,
  ]);
  const expected = [
    'directory c/* <>',
    'file c/Chart.yaml <name: c\n>',
    'file c/empty <>',
    `file c/run.sh* <${'#!/bin/sh\n'.repeat(100)}>`,
    `file c/last <${'x'.repeat(512)}>`,
  ];
  for (const chunk of [archive.length, 1, 511, 512, 513, 1000]) assert.deepEqual(read(archive, chunk), expected);
});

test('reads names in every form that archives have them', () => {
  const long = `c/${'d/'.repeat(200)}é🚀`;
  for (const [archive, name] of [
    [member({ name: 'b', prefix: 'c/a' }), 'c/a/b'],
    [member({ name: 'b', prefix: 'not a prefix', magic: 'ustar  \0' }), 'b'],
    [member({ name: 'b', prefix: 'not a prefix', magic: '' }), 'b'],
    [member({ name: 'x'.repeat(100) }), 'x'.repeat(100)],
    [member({ name: 'c/é' }), 'c/é'],
    [Buffer.concat([pax({ path: long, mtime: '1.5', comment: 'a=b\nc' }), member({ name: 'cut off' })]), long],
    [Buffer.concat([pax({ path: 'c/a\nb' }), member({ name: 'x' })]), 'c/a\nb'],
    [Buffer.concat([gnuLongName(long), member({ name: 'cut off' })]), long],
    [Buffer.concat([pax('11 path=ab\n8 path=\n'), member({ name: 'x' })]), 'x'],
    [Buffer.concat([pax({ comment: 'from git archive' }, 'g'), member({ name: 'x' })]), 'x'],
  ] as const) {
    for (const chunk of [archive.length, 1, 700]) assert.deepEqual(read(archive, chunk), [`file ${name} <>`]);
  }
});

test('a long name, or a pax record, is for the next member alone', () => {
  const archive = Buffer.concat([
    pax({ path: 'c/one', size: '3' }),
    member({ name: 'x', size: '00000000000\0', body: 'abc' }),
    member({ name: 'c/two', body: 'de' }),
    gnuLongName('c/three'),
    member({ name: 'x' }),
    member({ name: 'c/four' }),
  ]);
  assert.deepEqual(read(archive), ['file c/one <abc>', 'file c/two <de>', 'file c/three <>', 'file c/four <>']);
});

test('reads sizes in octal with blanks or NULs around them, and in GNU binary form', () => {
  const binary = Buffer.alloc(12);
  binary.writeUInt8(0x80, 0);
  binary.writeUInt32BE(5, 8);
  for (const size of ['5          \0', '          5 ', '\x000000000005\0', '00000000005 ', binary]) {
    assert.deepEqual(read(Buffer.concat([member({ name: 'a', body: 'hello', size }), END])), ['file a <hello>']);
  }
});

test('takes links and devices for what they are, without content', () => {
  for (const [type, expected] of [
    ['1', 'link'],
    ['2', 'link'],
    ['3', 'other'],
    ['4', 'other'],
    ['6', 'other'],
    ['\0', 'file'],
    ['7', 'file'],
  ] as const) {
    assert.deepEqual(read(Buffer.concat([member({ name: 'a', type, link: 'b' }), member({ name: 'z' })])), [
      `${expected} a <>`,
      'file z <>',
    ]);
  }
  assert.deepEqual(read(member({ name: 'old/', type: '\0' })), ['directory old/ <>']);
});

test('ends at two blocks of zeros or at the end, and looks at nothing behind', () => {
  const one = member({ name: 'a' });
  for (const rest of [zeros(0), zeros(512), END, zeros(10_240), Buffer.concat([END, member({ name: 'hidden' })])]) {
    assert.deepEqual(read(Buffer.concat([one, rest])), ['file a <>']);
  }
});

test('refuses an archive that is cut off anywhere but between members', () => {
  const archive = Buffer.concat([member({ name: 'a', body: 'hello' }), pax({ path: 'b' }), member({ name: 'x' })]);
  const whole = new Set([0, 1024, archive.length]);
  for (let length = 0; length < archive.length; length++) {
    if (!whole.has(length)) assertInvalid(archive.subarray(0, length), /^unexpected EOF$/);
  }
});

test('refuses what readers understand differently', () => {
  const flip = (header: Buffer): void => void header.write('x', 300);
  const broken = member({ name: 'a' });
  flip(broken);
  assertInvalid(broken, /wrong checksum/);
  assertInvalid(Buffer.concat([zeros(512), member({ name: 'a' })]), /an entry after the end/);
  assertInvalid(member({ name: '' }), /without a name/);
  assertInvalid(member({ name: 'a', type: 'S' }), /unknown type "S" of entry "a"/);
  assertInvalid(member({ name: 'a', type: 'V' }), /unknown type/);
  assertInvalid(member({ name: 'd', type: '5', body: 'hidden' }), /a directory with content "d"/);
  assertInvalid(member({ name: 'd/', type: '0', body: 'hidden' }), /a directory with content/);
  assertInvalid(member({ name: 'a', size: '0000000009x\0' }), /no number/);
  assertInvalid(member({ name: 'a', size: Buffer.alloc(12, 0xff) }), /out of range/);
  for (const field of [100, 108, 116, 136, 329, 337]) {
    const change = (header: Buffer): void => void header.write('x', field);
    assertInvalid(member({ name: 'a', change }), /no number/);
  }
  assertInvalid(member({ name: Buffer.from('caf\xe9', 'latin1') }), /not UTF-8/);
  assertInvalid(Buffer.concat([pax({ path: 'b' }), END]), /long names without an entry/);
  for (const key of ['path', 'size', 'linkpath']) {
    assertInvalid(Buffer.concat([pax({ [key]: '1' }, 'g'), member({ name: 'a' })]), /a global/);
  }
  assertInvalid(Buffer.concat([pax({ 'GNU.sparse.major': '1' }), member({ name: 'a' })]), /sparse/);
  assertInvalid(Buffer.concat([pax({ path: 'a\0b' }), member({ name: 'a' })]), /a NUL in a name/);
  for (const size of ['-1', '1e3', '99999999999999999', ' 1']) {
    assertInvalid(Buffer.concat([pax({ size }), member({ name: 'a' })]), /a size that is no number/);
  }
});

test('refuses pax records whose length is not theirs', () => {
  for (const body of [
    '11 path=a\n',
    '8 path=a\n',
    '9 path=a',
    '9 path=ab',
    'path=a\n',
    '09 path=a\n',
    '5 =a\n',
    '5 ab\n',
    '99999999999 path=a\n',
    '-1 path=a\n',
    '\n',
    ' ',
    '3 \n',
  ]) {
    assertInvalid(Buffer.concat([pax(body), member({ name: 'a' })]), /malformed pax record/);
  }
});

test('refuses names without end', () => {
  const huge = pax({ path: 'a'.repeat(2 ** 20) });
  assert.throws(
    () => read(huge),
    (error: unknown) => isChartError(error, 'LIMIT_EXCEEDED'),
  );
  const claimed = member({ name: 'x', type: 'x', size: '77777777777\0' });
  assert.throws(
    () => read(claimed),
    (error: unknown) => isChartError(error, 'LIMIT_EXCEEDED'),
  );
  const many = Buffer.concat(Array.from({ length: 2000 }, () => pax({ comment: 'x' })));
  assert.throws(
    () => read(many),
    (error: unknown) => isChartError(error, 'LIMIT_EXCEEDED'),
  );
});
