/** `chart help`: commands, and the pages of docs/ on a terminal and elsewhere. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { pageText } from '../../src/cli/help/page-text.js';
import { PROJECT, temporaryDirectory } from '../helpers/fixtures.js';
import { chartCommand, runChart } from '../helpers/run.js';
import { missingTerminal, runOnTerminal } from '../helpers/terminal.js';

const DOCS = join(PROJECT, 'docs');
const PAGES = readdirSync(DOCS).flatMap((file) => (file.endsWith('.md') ? [file.slice(0, -3)] : []));

async function help(...words: string[]) {
  return runChart(['help', ...words]);
}

test('lists the pages as topics, with their titles', async () => {
  const { stdout, exit } = await help('topics');
  assert.equal(exit, 0);
  const listed = [...stdout.matchAll(/^ {2}(\S+) +(\S.*)$/gm)].map((match) => match[1]);
  assert.deepEqual(listed, [...PAGES].sort());
  assert.match(stdout, /^ {2}cache +The cache$/m);
});

test('shows every page without its comments, its marks and anything that a terminal acts upon', () => {
  for (const page of PAGES) {
    const source = readFileSync(join(DOCS, `${page}.md`), 'utf8');
    const text = pageText(source, { columns: 80, colour: false });
    assert.equal(text, stripVTControlCharacters(text), page);
    assert.doesNotMatch(text, /<!--|^#+ |^```|\|\s*---/m, page);
    const words = (words: string): string[] => words.match(/[\p{L}\p{N}]{4,}/gu) ?? [];
    const shown = new Set(words(text.replace(/\s+/g, ' ')));
    // Of a long word that is cut at the width of a column, the parts are there.
    const joined = text.replace(/[\s`|]+/g, '');
    const prose = source.replace(/<!--.*?-->|\]\([^)]*\)/g, ' ').replace(/^```\w*/gm, ' ');
    const lost = words(prose).filter((word) => !shown.has(word) && !joined.includes(word));
    assert.ok(lost.length < 6, `${page}: ${lost.join(' ')}`);
  }
});

test('shows a page that is called as a command is, and says where the options are', async () => {
  const { stdout } = await help('serve');
  assert.match(stdout, /^Serving the cache\n/);
  assert.match(stdout, /\nchart serve --help lists the options\.\n$/);
  assert.match((await help('tags')).stdout, /^Usage: chart tags [\s\S]*\nMore: chart help tags-and-referrers\n$/);
  assert.match((await help('plugin')).stdout, /^As a Helm plugin\n/);
});

test('shows the help of a command by name and by alias, of one in a group, and of all', async () => {
  const cases = [
    [['save'], /^Usage: chart save /],
    [['ls'], /^Usage: chart list/],
    [['registry', 'login'], /^Usage: chart registry login /],
    [['bundle', 'verify'], /^Usage: chart bundle verify /],
    [['help'], /^Usage: chart help /],
    [[], /^Usage: chart \[options\] \[command\][\s\S]*\nMore: chart help topics\n$/],
  ] as const;
  for (const [words, expected] of cases) {
    const { stdout, exit } = await help(...words);
    assert.match(stdout, expected);
    assert.equal(exit, 0);
  }
  assert.equal((await runChart(['save', '--help'])).stdout, (await help('save')).stdout);
});

test('suggests what is nearest to a name that is none', async () => {
  const cases = [
    [['savee'], 'Did you mean "chart help save"?'],
    [['provenence'], 'Did you mean "chart help provenance"?'],
    [['registry', 'logn'], 'Did you mean "chart help registry login"?'],
    [['topic'], 'Did you mean "chart help topics"?'],
  ] as const;
  for (const [words, expected] of cases) {
    const { stdout, stderr, exit } = await help(...words);
    assert.deepEqual([stdout, exit], ['', 1]);
    assert.ok(stderr.startsWith(`Error: no command and no topic is called "${words.join(' ')}"\n`), stderr);
    assert.ok(stderr.includes(expected), stderr);
  }
  const { stderr } = await help('../../package');
  assert.match(stderr, /^Error: no command and no topic is called/);
  assert.doesNotMatch(stderr, /Did you mean/);
});

test('has colours on a terminal alone, and not with NO_COLOR', { skip: missingTerminal() }, async (t) => {
  const home = temporaryDirectory(t);
  const show = async (env: Record<string, string>): Promise<string> => {
    const options = { home, env: { TERM: 'xterm', ...env }, type: [], output: 'terminal' } as const;
    return (await runOnTerminal([...chartCommand(), 'help', 'cache'], options)).screen;
  };
  const coloured = await show({});
  assert.ok(coloured.includes('\u001b['), coloured.slice(0, 200));
  const plain = await show({ NO_COLOR: '1' });
  assert.equal(plain, stripVTControlCharacters(plain));
  assert.equal(await show({ TERM: 'dumb' }), plain);
  assert.equal((await help('cache')).stdout.includes('\u001b'), false);
});

test('wraps text and cells at the width, and code never', () => {
  const long = `${'word '.repeat(40)}\n\n| a | b |\n|---|---|\n| ${'one '.repeat(30)} | ${'two '.repeat(30)} |\n\n    ${'x'.repeat(90)}\n`;
  const lines = pageText(long, { columns: 60, colour: true }).split('\n').map(stripVTControlCharacters);
  assert.deepEqual(
    lines.filter((line) => line.length > 60),
    [`    ${'x'.repeat(90)}`],
  );
  assert.ok(lines.some((line) => /^ {2}one .* {2}two /.test(line)));
});

test('shows lists, links to other pages and to the web', () => {
  const page =
    '# T\n\nSee [the cache](cache.md#damage) and [OCI](https://example.com/x).\n\n1. one\n2. two\n   - deep\n';
  assert.equal(
    pageText(page, { columns: 80, colour: false }),
    'T\n\n  See the cache (chart help cache) and OCI (https://example.com/x).\n\n  1. one\n  2. two\n     - deep\n',
  );
});
