import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Header } from 'tar';
import { paddingOf, tarHeader } from '../../../src/chart/archive/tar-header.js';
import { type TarMember, TarReader } from '../../../src/chart/archive/tar-reader.js';

const FILE = { isDirectory: false, size: 0, executable: false };

function readBack(header: Buffer): TarMember {
  for (const part of new TarReader().read(header)) if (part.kind === 'member') return part.member;
  throw new Error('no member');
}

test('writes nothing but what the entry says, in the fields of ustar', () => {
  const header = tarHeader({ ...FILE, name: 'c/Chart.yaml', size: 38 });
  assert.equal(header.length, 512);
  assert.equal(
    header.toString('latin1').replace(/\0+/g, '|'),
    'c/Chart.yaml|0000644|0000000|0000000|00000000046|07033241600|011406| 0|ustar|00|0000000|0000000|',
  );
});

test('is understood by another reader: type, mode, size, owner, time and checksum', () => {
  for (const [entry, type, mode] of [
    [{ ...FILE, name: 'c/a', size: 12345 }, 'File', 0o644],
    [{ ...FILE, name: 'c/run.sh', executable: true }, 'File', 0o755],
    [{ ...FILE, name: 'c/empty/', isDirectory: true }, 'Directory', 0o755],
  ] as const) {
    const header = new Header(tarHeader(entry));
    assert.deepEqual(
      [header.path, header.type, header.mode, header.size, header.uid, header.gid, header.uname, header.gname],
      [entry.name, type, mode, entry.size, 0, 0, '', ''],
    );
    assert.equal(header.cksumValid, true);
    assert.equal(header.mtime?.toISOString(), '2000-01-01T00:00:00.000Z');
  }
});

test('splits long names between the two fields of ustar where it can, and needs pax only where it cannot', () => {
  const cases: [name: string, blocks: number][] = [
    [`c/${'a'.repeat(98)}`, 1],
    [`c/${'a'.repeat(100)}`, 1],
    [`c/${'a'.repeat(101)}`, 4],
    [`${'d'.repeat(155)}/${'a'.repeat(100)}`, 1],
    [`${'d'.repeat(156)}/${'a'.repeat(99)}`, 4],
    [`${'d'.repeat(100)}/${'e'.repeat(54)}/${'a'.repeat(100)}`, 1],
    [`c/${'d'.repeat(90)}/${'e'.repeat(90)}/`, 1],
    [`c/${'e'.repeat(101)}/`, 4],
    [`${'d/'.repeat(120)}x`, 1],
    [`${'d/'.repeat(400)}x`, 5],
    ['c/日本.yaml', 4],
    ['c/étude/🚀.txt', 4],
    [`c/${'日'.repeat(300)}`, 5],
  ];
  for (const [name, blocks] of cases) {
    const isDirectory = name.endsWith('/');
    const header = tarHeader({ ...FILE, name, isDirectory });
    const member = readBack(header);
    assert.equal(member.name, name);
    assert.equal(member.type, isDirectory ? 'directory' : 'file');
    assert.equal(header.length % 512, 0);
    assert.equal(header.length > 512, blocks > 1, name);
  }
});

test('counts the length of a pax record right on both sides of each power of ten', () => {
  for (let length = 60; length < 1100; length++) {
    const name = `é${'a'.repeat(length)}`;
    assert.equal(readBack(tarHeader({ ...FILE, name })).name, name);
  }
});

test('writes sizes that ustar cannot hold', () => {
  for (const size of [0o77777777777, 0o77777777777 + 1, 2 ** 45]) {
    assert.equal(readBack(tarHeader({ ...FILE, name: 'c/big', size })).size, size);
  }
});

test('GNU tar lists every kind of name', { skip: !hasGnuTar() && 'needs GNU tar' }, () => {
  const names = ['c/a', `c/${'d'.repeat(90)}/${'e'.repeat(90)}`, `c/${'f'.repeat(180)}`, 'c/日本.yaml', 'c/empty/'];
  const archive = Buffer.concat([
    ...names.map((name) => tarHeader({ ...FILE, name, isDirectory: name.endsWith('/') })),
    Buffer.alloc(1024),
  ]);
  const { stdout, stderr, status } = spawnSync('tar', ['--quoting-style=literal', '-tf', '-'], { input: archive });
  assert.deepEqual([stdout.toString().trim().split('\n'), stderr.toString(), status], [names, '', 0]);
});

test('pads to whole blocks', () => {
  assert.deepEqual([0, 1, 511, 512, 513].map(paddingOf), [0, 511, 1, 0, 511]);
});

function hasGnuTar(): boolean {
  return spawnSync('tar', ['--version']).stdout?.toString().includes('GNU tar') ?? false;
}
