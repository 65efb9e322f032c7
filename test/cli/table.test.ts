import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderColumns, renderTable } from '../../src/cli/table.js';
import { formatAge, formatSize, printable, printableLines } from '../../src/cli/text.js';

test('joins cells by tabs and pads every column, the last too', async () => {
  const others = ['c'];
  const firsts = ['REF', 'a.io/x:v1', 'a.io/x:v2', 'b'];
  const ends = [['NAME'], others, others, ['longer']];
  const table = 'REF      \tNAME  \na.io/x:v1\tc     \na.io/x:v2\tc     \nb        \tlonger\n';
  assert.equal(await renderColumns(firsts, ends), table);
  assert.equal(await renderTable(firsts.map((first, row) => [first, ...(ends[row] ?? [])])), table);
  assert.equal(await renderTable([['a']]), 'a\n');
  assert.equal(await renderTable([]), '');
});

test('cuts a cell of more than 60 columns to 57 and three dots, and counts wide characters twice', async () => {
  assert.equal(await renderTable([['x'.repeat(60)]]), `${'x'.repeat(60)}\n`);
  assert.equal(await renderTable([['x'.repeat(61)]]), `${'x'.repeat(57)}...\n`);
  const wide = '日'.repeat(31);
  const cut = `${'日'.repeat(28)}...`;
  const twice = [
    [wide, 'x', wide],
    ['y', 'zz', ''],
  ];
  assert.equal(await renderTable(twice), `${cut}\tx \t${cut}\ny${' '.repeat(58)}\tzz\t${' '.repeat(59)}\n`);
});

test('writes sizes in binary units with one decimal', () => {
  const sizes = [0, 1023, 1024, 1536, 1024 ** 2 - 1, 1024 ** 3];
  assert.deepEqual(sizes.map(formatSize), ['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '1024.0 KiB', '1.0 GiB']);
});

test('writes ages in the words of Helm 3.6.3, at the edges of each', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const age = (seconds: number): string => formatAge(new Date(now.getTime() - seconds * 1000), now);
  const hour = 3600;
  const day = 24 * hour;
  const ages: [seconds: number, words: string][] = [
    [-5, 'Less than a second'],
    [0.9, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, 'About a minute'],
    [120, '2 minutes'],
    [hour - 1, '59 minutes'],
    [hour, 'About an hour'],
    [1.5 * hour, '2 hours'],
    [47 * hour, '47 hours'],
    [2 * day, '2 days'],
    [13 * day, '13 days'],
    [14 * day, '2 weeks'],
    [60 * day, '2 months'],
    [729 * day, '24 months'],
    [730 * day, '2 years'],
    [4000 * day, '10 years'],
  ];
  for (const [seconds, words] of ages) assert.equal(age(seconds), words, `${seconds} s`);
});

test('shows what a terminal would act upon instead of sending it', () => {
  assert.equal(printable('a\u001b[31mb\u009b\u202ec\nd'), 'a\\u{1b}[31mb\\u{9b}\\u{202e}c\\u{a}d');
  assert.equal(printableLines('a\tb\nc\u0007'), 'a\tb\nc\\u{7}');
  assert.equal(printable('Grüße 日本 🚀'), 'Grüße 日本 🚀');
});
