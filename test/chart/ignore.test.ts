import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareBytes } from '../../src/chart/byte-order.js';
import { DEFAULT_RULES, type IgnoreRules, parseIgnore } from '../../src/chart/ignore.js';
import { readFixture } from '../helpers/fixtures.js';

interface Matrix {
  readonly tree: string[];
  readonly cases: {
    rule: string;
    helmignore?: string;
    packed?: string[];
    left_out?: string[];
    helmignore_itself_packed?: boolean;
    error?: string;
  }[];
}

/** What of a tree is packed; a directory that is ignored is not entered. */
function keep(rules: IgnoreRules, tree: readonly string[]): string[] {
  return tree.filter((file) => {
    const segments = file.split('/');
    const parents = segments.slice(1).map((_, i) => segments.slice(0, i + 1).join('/'));
    return !parents.some((parent) => rules.ignores(parent, true)) && !rules.ignores(file, false);
  });
}

test('leaves out what Helm 3.6.3 leaves out, for each line of the matrix', async () => {
  const { tree, cases } = await readFixture<Matrix>('ignore-matrix.json');
  const packed = keep(DEFAULT_RULES, tree).sort(compareBytes);
  assert.deepEqual(packed, cases[0]?.packed);
  for (const { rule, helmignore = `${rule}\n`, left_out, helmignore_itself_packed, error } of cases.slice(1)) {
    // The file of the matrix holds long lines in short.
    const body = rule.includes('long line') ? `a.txt\n${'x'.repeat(70_000)}\n` : helmignore;
    let kept: string[];
    try {
      kept = keep(parseIgnore(body), [...tree, '.helmignore']);
    } catch (thrown) {
      assert.equal(`Error: ${(thrown as Error).message}`, error, rule);
      continue;
    }
    if (error !== undefined) {
      assert.equal(error, 'Error: Chart.yaml file is missing', rule);
      assert.ok(!kept.includes('Chart.yaml'), rule);
    } else {
      assert.deepEqual(
        packed.filter((file) => !kept.includes(file)),
        left_out,
        rule,
      );
      assert.equal(kept.includes('.helmignore'), helmignore_itself_packed, rule);
    }
  }
});

test('refuses what Helm refuses, with its words', () => {
  for (const [body, message] of [
    ['**', 'double-star (**) syntax is not supported'],
    ['a\n  x/**/y', 'double-star (**) syntax is not supported'],
    ['[', 'syntax error in pattern'],
    ['[]a]', 'syntax error in pattern'],
    ['[a-]', 'syntax error in pattern'],
    ['a\\', 'syntax error in pattern'],
    ['!\\', 'syntax error in pattern'],
    ['x'.repeat(65_536), 'bufio.Scanner: token too long'],
  ] as const) {
    assert.throws(() => parseIgnore(body), { code: 'IGNORE_INVALID', message });
  }
});

test('reports the first fault of a file', () => {
  assert.throws(() => parseIgnore(`[\n${'x'.repeat(70_000)}`), { message: 'syntax error in pattern' });
  assert.throws(() => parseIgnore(`${'x'.repeat(70_000)}\n[`), { message: 'bufio.Scanner: token too long' });
  assert.doesNotThrow(() => parseIgnore('x'.repeat(65_535)));
});

test('takes a fault that the check does not get to for a rule that matches nothing', () => {
  const rules = parseIgnore('b*[\n');
  assert.equal(rules.ignores('b', false), false);
  assert.equal(rules.ignores('bx', false), false);
});

test('trims white space as Go has it', () => {
  assert.equal(parseIgnore('\u00a0\u0085 a.txt\u3000\t').ignores('a.txt', false), true);
  assert.equal(parseIgnore('x\n\ufeffa.txt').ignores('a.txt', false), false);
  assert.equal(parseIgnore('x\n\ufeffa.txt').ignores('\ufeffa.txt', false), true);
});

test('never ignores the chart itself', () => {
  const rules = parseIgnore('*\n.*\n');
  for (const path of ['', '.', './']) assert.equal(rules.ignores(path, true), false);
});

test('reads bytes and text alike', () => {
  assert.equal(parseIgnore(Buffer.from('é?\n')).ignores('docs/éa', false), true);
  assert.equal(parseIgnore('é?\n').ignores('docs/éa', false), true);
});
