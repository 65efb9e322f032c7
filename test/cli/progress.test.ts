import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressLines, totalLine } from '../../src/cli/progress/lines.js';
import { RateGauge } from '../../src/cli/progress/rate.js';
import { Transfers } from '../../src/cli/progress/transfers.js';
import { digestOf } from '../../src/oci/digest.js';

const MIB = 1024 * 1024;

function blob(name: string, size = MIB) {
  return { mediaType: 'application/x-test', digest: digestOf(Buffer.from(name)), size };
}

test('a transfer is the sum of its blobs, without those that were there', () => {
  const transfers = new Transfers(2);
  transfers.copy('a', { kind: 'blob', descriptor: blob('1'), bytes: MIB / 2 });
  transfers.copy('a', { kind: 'blob', descriptor: blob('2', 10), bytes: 5 });
  transfers.copy('a', { kind: 'blob-done', descriptor: blob('2', 10), skipped: false });
  transfers.copy('a', { kind: 'blob-done', descriptor: blob('3', 99), skipped: true });
  transfers.copy('a', { kind: 'manifest-done', descriptor: blob('4'), tag: '1' });
  const [state] = transfers.read(0).transfers;
  assert.deepEqual([state?.name, state?.done, state?.total], ['a', MIB / 2 + 10, MIB + 10]);
});

test('a transfer that begins again counts from its new beginning', () => {
  const transfers = new Transfers(1);
  const at = (bytes: number) => transfers.copy('a', { kind: 'blob', descriptor: blob('1', 1000), bytes });
  transfers.read(0);
  at(800);
  transfers.read(1000);
  at(100);
  const {
    total,
    transfers: [state],
  } = transfers.read(2000);
  assert.deepEqual([state?.done, state?.rate, state?.left, total.done], [100, 50, 18, 100]);
});

test('takes what waits for as large as what is under way, where what has ended was there already', () => {
  const transfers = new Transfers(6);
  transfers.read(0);
  transfers.finish('present');
  for (const item of ['a', 'b', 'c']) transfers.report(item, 1000, 1000);
  // 4 of 6 are known, with 750 bytes each on average: two more, at 1500 bytes a second.
  assert.deepEqual(transfers.read(2000).total, { finished: 1, items: 6, done: 3000, rate: 1500, left: 1 });
});

test('tells rate and time left, for each and for all', () => {
  const transfers = new Transfers(4);
  transfers.read(0);
  transfers.report('done', 1000, 1000);
  transfers.read(500);
  transfers.finish('done');
  transfers.copy('a', { kind: 'blob', descriptor: blob('1', 1000), bytes: 0 });
  transfers.read(1000);
  transfers.copy('a', { kind: 'blob', descriptor: blob('1', 1000), bytes: 500 });
  const {
    total,
    transfers: [state],
  } = transfers.read(2000);
  assert.deepEqual([state?.rate, state?.left], [250, 2]);
  // 1500 bytes in two seconds; 500 of this one and two more of 1000 each are left.
  assert.deepEqual(total, { finished: 1, items: 4, done: 1500, rate: 750, left: 4 });
});

test('does not guess where it cannot know', () => {
  const transfers = new Transfers(3);
  transfers.report('a', 10, undefined);
  transfers.read(0);
  transfers.report('a', 20, undefined);
  const {
    total,
    transfers: [state],
  } = transfers.read(1000);
  assert.deepEqual([state?.total, state?.left, total.left], [undefined, undefined, undefined]);
  assert.equal(totalLine({ ...total, items: undefined }), '0 done, 20 B, 10 B/s');
});

test('a rate is that of the last seconds', () => {
  const gauge = new RateGauge();
  for (let second = 0; second <= 20; second += 1) gauge.add(second * 1000, second < 10 ? second * 1000 : 10_000);
  assert.equal(gauge.rate, 0);
});

function many(count: number): Transfers {
  const transfers = new Transfers(200);
  for (let i = 0; i < count; i += 1) {
    transfers.copy(`registry.example.com/team/application-${i}:1.0.0`, {
      kind: 'blob',
      descriptor: blob('x'),
      bytes: MIB / 4,
    });
  }
  transfers.read(0);
  return transfers;
}

test('lines are never wider than the terminal, nor more than it has', () => {
  const transfers = many(200);
  for (let columns = 1; columns <= 220; columns += columns < 90 ? 1 : 13) {
    for (const rows of [1, 3, 4, 10, 50]) {
      const lines = progressLines(transfers.read(columns), { columns, rows });
      assert.ok(
        lines.every((line) => line.length < Math.max(2, columns)),
        `${columns} columns`,
      );
      assert.ok(lines.length <= 10 && lines.length <= Math.max(1, rows), `${rows} rows`);
    }
  }
});

test('shows all where there is room, and the end of names where there is little', () => {
  const transfers = many(9);
  assert.deepEqual(progressLines(transfers.read(1000), { columns: 100, rows: 24 }).slice(-3), [
    'registry.example.com/team/application-7:1.0.0   25%  256.0 KiB of 1.0 MiB',
    'and 1 more',
    '0 of 200, 2.3 MiB',
  ]);
  const [line] = progressLines(transfers.read(2000), { columns: 40, rows: 5 });
  assert.equal(line, '...e.com/team/application-0:1.0.0   25%');
  const long = new Transfers(1);
  const name = `registry.example.com/${'a'.repeat(70)}:1.0.0`;
  long.report(name, 1, 2);
  const start = (columns: number): string => progressLines(long.read(0), { columns, rows: 5 })[0]?.split('  ')[0] ?? '';
  assert.deepEqual([start(200), start(100)], [name, `...${name.slice(-57)}`]);
});

test('GHSA-c38g-469g-cmgx: shows no control character of a name', () => {
  const transfers = new Transfers(1);
  transfers.report('a\u001b[31m\n\u009b', 1, 2);
  const [line = ''] = progressLines(transfers.read(0), { columns: 80, rows: 24 });
  assert.match(line, /^a\\u\{1b\}\[31m\\u\{a\}\\u\{9b\} {2}/);
});

test('writes times as they are read', () => {
  const line = (left: number) => totalLine({ finished: 1, items: 2, done: 0, rate: 1024, left });
  assert.equal(line(9), '1 of 2, 0 B, 1.0 KiB/s, 9s left');
  assert.equal(line(80), '1 of 2, 0 B, 1.0 KiB/s, 1m 20s left');
  assert.equal(line(7500), '1 of 2, 0 B, 1.0 KiB/s, 2h 5m left');
  assert.equal(line(1e7), '1 of 2, 0 B, 1.0 KiB/s');
});
