import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type ReceiveOptions, receive } from '../../src/layout/receive.js';
import { Digester, digestOf } from '../../src/oci/digest.js';
import { temporaryDirectory } from '../helpers/fixtures.js';

const MIB = 1024 * 1024;
const CONTENT = randomBytes(34 * MIB + 17);

function openNew(t: TestContext) {
  const path = join(temporaryDirectory(t), 'file');
  const fd = openSync(path, 'a+');
  t.after(() => closeSync(fd));
  return { path, fd };
}

/** Pieces of very different size, as a socket gives them. */
function* cut(bytes: Buffer): Generator<Buffer> {
  const sizes = [65_536, 65_536, 1, 700_000, 40, 32_768, 65_535, 33_000];
  for (let from = 0, turn = 0; from < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

/** Counts how often the disk is set to work. */
function watchWriteBack(outcome: () => Promise<void>) {
  let begun = 0;
  const writeBack: ReceiveOptions['writeBack'] = {
    begin() {
      begun += 1;
      return outcome();
    },
  };
  return { writeBack, begun: () => begun };
}

test('pieces of any size are written in their order, and the disk is at work before the end', async (t) => {
  const file = openNew(t);
  const { writeBack, begun } = watchWriteBack(async () => {});
  const digester = new Digester();
  await receive(Readable.from(cut(CONTENT)), file, digester, { writeBack });
  assert.ok(readFileSync(file.path).equals(CONTENT));
  assert.equal(digester.digest(), digestOf(CONTENT));
  assert.equal(begun(), 2);
});

test('what arrives before a stream fails is in the file', async (t) => {
  const file = openNew(t);
  const content = Readable.from(
    (async function* () {
      yield* cut(CONTENT.subarray(0, MIB));
      throw new Error('cut off');
    })(),
  );
  await assert.rejects(receive(content, file, new Digester(), { writeBack: undefined }), /cut off/);
  assert.ok(readFileSync(file.path).equals(CONTENT.subarray(0, MIB)));
});

test('a disk that loses what it took fails the whole, and nothing counts as arrived', async (t) => {
  const file = openNew(t);
  const { writeBack } = watchWriteBack(() =>
    Promise.reject(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' })),
  );
  await assert.rejects(receive(Readable.from(cut(CONTENT)), file, new Digester(), { writeBack }), {
    code: 'LAYOUT_UNWRITABLE',
    message: /input\/output error/,
  });
  assert.equal(readFileSync(file.path).length, 0);
});

test('more than was promised is refused at the piece that is too much', async (t) => {
  const file = openNew(t);
  const content = Readable.from(cut(CONTENT));
  await assert.rejects(receive(content, file, new Digester(), { limit: 2 * MIB, writeBack: undefined }), {
    code: 'BLOB_SIZE_MISMATCH',
  });
  assert.ok(content.destroyed);
  assert.ok(readFileSync(file.path).length <= 2 * MIB);
});
