import assert from 'node:assert/strict';
import { test } from 'node:test';

interface Row {
  readonly key: string;
  readonly ratio: number;
  readonly spread: number;
}

const { compareWith, formatRow } = (await import(new URL('../../scripts/bench/report.mjs', import.meta.url).href)) as {
  compareWith(before: readonly Row[], row: Row): string;
  formatRow(row: { name: string; against: string; ratio: number }, remark?: string): string;
};
const { median, spreadOf } = (await import(new URL('../../scripts/bench/measure.mjs', import.meta.url).href)) as {
  median(values: readonly number[]): number;
  spreadOf(values: readonly number[]): number;
};

test('what became slower beyond noise is marked, what varies that much anyway is not', () => {
  const before = [{ key: 'a', ratio: 1, spread: 0.02 }];
  const compared = (ratio: number, spread = 0.02): string => compareWith(before, { key: 'a', ratio, spread });
  assert.equal(compared(1.15), '');
  assert.equal(compared(0.9), '');
  assert.equal(compared(1.5), 'SLOWER than before by 50 %');
  assert.equal(compared(0.5), 'faster than before by 100 %');
  assert.equal(compared(1.5, 0.3), '');
  assert.equal(compareWith([], { key: 'a', ratio: 9, spread: 0 }), '');
  assert.equal(compareWith(before, { key: 'b', ratio: 9, spread: 0 }), '');
});

test('rows hold ratios, in words that say which way they go', () => {
  assert.match(formatRow({ name: 'list', against: 'Helm', ratio: 0.05 }), /^list +Helm +20 times as fast$/);
  assert.match(
    formatRow({ name: 'list', against: 'bare Node', ratio: 1.4 }, 'SLOWER'),
    /1\.40 times the time +SLOWER$/,
  );
});

test('one run out of line changes neither median nor spread', () => {
  assert.equal(median([3, 1, 2, 100, 2]), 2);
  assert.equal(median([1, 3]), 2);
  assert.equal(spreadOf([1, 1, 1, 1, 50]), 0);
});
