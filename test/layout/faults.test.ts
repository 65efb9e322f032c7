import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isChartError, systemErrorCode } from '../../src/errors.js';
import { readFault, writeFault } from '../../src/layout/faults.js';
import { ownerState } from '../../src/layout/owners.js';
import { moveFile } from '../../src/move-file.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { withCode } from './cache.js';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: whatever`), { code });
}

test('what the system reports of a write is told with the file, the reason and what to do', () => {
  const cases: [string, Parameters<typeof withCode>[0], RegExp][] = [
    ['ENOSPC', 'DISK_FULL', /^cannot write \/c\/x: no space left on device$/],
    ['EDQUOT', 'DISK_FULL', /disk quota exceeded$/],
    ['EROFS', 'LAYOUT_UNWRITABLE', /read-only file system$/],
    ['EACCES', 'LAYOUT_UNWRITABLE', /permission denied$/],
    ['EPERM', 'LAYOUT_UNWRITABLE', /operation not permitted$/],
    ['EIO', 'LAYOUT_UNWRITABLE', /input\/output error$/],
    ['EMFILE', 'LAYOUT_UNWRITABLE', /too many open files$/],
    ['EXDEV', 'LAYOUT_INVALID', /another file system/],
  ];
  for (const [code, expected, words] of cases) {
    const cause = systemError(code);
    const fault = writeFault(cause, '/c/x');
    assert.ok(withCode(expected, words)(fault));
    assert.ok((fault as { hint?: string }).hint);
    assert.equal((fault as Error).cause, cause);
  }
  assert.ok(
    withCode('LAYOUT_INVALID', /^mkdir \/c: not a directory$/)(writeFault(systemError('ENOTDIR'), '/c/ingest/w-1/2')),
  );
});

test('what the system reports of a read is told likewise', () => {
  for (const code of ['EACCES', 'EIO', 'EMFILE', 'ENFILE']) {
    assert.ok(withCode('LAYOUT_UNREADABLE', /^cannot read \/c\/x: /)(readFault(systemError(code), '/c/x')));
  }
  assert.ok(
    withCode('LAYOUT_INVALID', /^mkdir \/c: not a directory$/)(readFault(systemError('ENOTDIR'), '/c/index.json')),
  );
});

test('a full quota is known by its number, for which Node has no name', () => {
  for (const code of ['Unknown system error -122', 'UNKNOWN']) {
    const cause = Object.assign(new Error(code), { code, errno: -constants.errno.EDQUOT });
    assert.ok(withCode('DISK_FULL', /disk quota exceeded$/)(writeFault(cause, '/c/x')));
  }
  assert.equal(systemErrorCode({ code: 'UNKNOWN' }), 'UNKNOWN');
});

test('what is no fault of the system stays what it is', () => {
  for (const error of [new Error('x'), undefined, 'text']) {
    assert.equal(writeFault(error, '/c'), error);
    assert.equal(readFault(error, '/c'), error);
  }
  const missing = systemError('ENOENT');
  assert.equal(readFault(missing, '/c'), missing);
});

test('what cannot be made is said to be so: a read-only file system can say no more than ENOENT', () => {
  const fault = writeFault(systemError('ENOENT'), '/c/ingest');
  assert.ok(isChartError(fault, 'LAYOUT_UNWRITABLE'));
  assert.match(fault.message, /^cannot write \/c\/ingest: it cannot be made there$/);
});

test('on Windows a rename over a file that somebody reads is tried again, elsewhere it is not', async (t) => {
  const dir = temporaryDirectory(t);
  const [from, to] = [join(dir, 'from'), join(dir, 'to')];
  writeFileSync(from, 'new');
  writeFileSync(to, 'old', { mode: 0o444 });
  let attempts = 0;
  let checks = 0;
  const rename = (): void => {
    attempts += 1;
    if (attempts < 4) throw systemError(attempts === 1 ? 'EPERM' : 'EBUSY');
    writeFileSync(to, readFileSync(from));
  };
  const check = (): void => {
    checks += 1;
  };
  await moveFile(from, to, { platform: 'win32', rename, check });
  assert.deepEqual([attempts, checks, readFileSync(to, 'utf8')], [4, 4, 'new']);

  attempts = 0;
  await assert.rejects(moveFile(from, to, { platform: 'linux', rename }), { code: 'EPERM' });
  assert.equal(attempts, 1);
  const missing = (): never => {
    attempts += 1;
    throw systemError('ENOENT');
  };
  attempts = 0;
  await assert.rejects(moveFile(from, to, { platform: 'win32', rename: missing }), { code: 'ENOENT' });
  assert.equal(attempts, 1);
});

test('a rename that a check forbids is not made', async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'from'), 'new');
  writeFileSync(join(dir, 'to'), 'old');
  const check = (): never => {
    throw new Error('no');
  };
  await assert.rejects(moveFile(join(dir, 'from'), join(dir, 'to'), { check }), /no/);
  assert.equal(readFileSync(join(dir, 'to'), 'utf8'), 'old');
});

test('only of a process of the same machine and boot is it known whether it lives', () => {
  assert.equal(ownerState({ host: 'here', pid: process.pid }, 'here'), 'alive');
  assert.equal(ownerState({ host: 'here', pid: 2 ** 30 }, 'here'), 'dead');
  assert.equal(ownerState({ host: 'there', pid: process.pid }, 'here'), 'unknown');
});
