import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { YamlNode } from '../../../src/chart/yaml/nodes.js';
import { parseYaml } from '../../../src/chart/yaml/parser.js';

/** `[a, {b: "c"}, *x]`: quotes for what is not plain, a tag in front. */
function show(node: YamlNode | undefined): string {
  if (node === undefined) return '(none)';
  const tag = node.tag === '' ? '' : `<${node.tag.replace('tag:yaml.org,2002:', '!!')}> `;
  if (node.kind === 'alias') return `*${node.text}`;
  if (node.kind === 'scalar') return tag + (node.plain ? node.text : JSON.stringify(node.text));
  if (node.kind === 'sequence') return `${tag}[${node.children.map(show).join(', ')}]`;
  const pairs = node.children.flatMap((key, i) => (i % 2 === 0 ? [`${show(key)}: ${show(node.children[i + 1])}`] : []));
  return `${tag}{${pairs.join(', ')}}`;
}

const parse = (text: string): string => {
  try {
    return show(parseYaml(Buffer.from(text)));
  } catch (error) {
    return (error as Error).message;
  }
};

const DOCUMENTS: [text: string, nodes: string][] = [
  ['', '(none)'],
  ['# comment\n\n', '(none)'],
  ['a', 'a'],
  ['a: 1\nb:\n  - x\n  - y: 2\n    z: 3\n', '{a: 1, b: [x, {y: 2, z: 3}]}'],
  ['a:\n- x\n- - y\n  - z\n-\nb:\n', '{a: [x, [y, z], ], b: }'],
  ['- a: b\n  c: d\n-\n  e\n', '[{a: b, c: d}, e]'],
  ['? a\n? b\n: c\n', '{a: , b: c}'],
  ['{a: b, c, "d":e, ? f : g, h:i}', '{a: b, c: , "d": e, f: g, h:i: }'],
  ['[a, b: c, [], {}, "d": e,]', '[a, {b: c}, [], {}, {"d": e}]'],
  ['a: b c\n  d\n\n  e # f\ng: h#i', '{a: b c d\ne, g: h#i}'],
  ['a: "b\\\n   c\n\n  d\\u00e9"\n', '{a: "bc\\ndé"}'],
  ["a: 'it''s\n  b'\n", '{a: "it\'s b"}'],
  ['a: |\n  x\n   y\n\n  z\n\nb: |-\n  x\nc: |+\n  x\n\n', '{a: "x\\n y\\n\\nz\\n", b: "x", c: "x\\n\\n"}'],
  ['a: >\n  x\n  y\n\n  z\n   w\n  v\n', '{a: "x y\\nz\\n w\\nv\\n"}'],
  ['a: |2\n   x\nb: >1-\n  y\n', '{a: " x\\n", b: " y"}'],
  ['- &a x\n- *a\n- &b\n- !!str 1\n- ! 2\n- !<t> 3\n- !l 4\n', '[x, *a, , <!!str> "1", <!> 2, <t> "3", <!l> "4"]'],
  ['!!map {a: !!seq [b]}', '<!!map> {a: <!!seq> [b]}'],
  ['%TAG !e! tag:e,1:\n---\n!e!x%41 a\n', '<tag:e,1:xA> "a"'],
  ['a\n---\nb: [', 'a'],
  ['--- a\n...\nb: [', 'a'],
  ['a: b\r\nc: d\re: f\u0085g: h', '{a: b, c: d, e: f, g: h}'],
  ['a:b: c', '{a:b: c}'],
  ['a: -b\n-c: ?d\n?e: :f', '{a: -b, -c: ?d, ?e: :f}'],
  ['a: {b: c}\t\n', '{a: {b: c}}'],
];

const FAULTS: [text: string, line: number][] = [
  ['{\n', 2],
  ['a: [b\n', 2],
  ['a: {b: c d: e}\n', 1],
  ['a:\n\tb: c\n', 2],
  ['a: b: c\n', 1],
  ['a: b\nc\n', 2],
  ['a: b\n c: d\n', 1],
  ['a:\n  - b\n c: d\n', 3],
  ['- a\nb: c\n', 2],
  ['a: - b\n', 1],
  ['a: "b\n', 2],
  ['a: "\\q"\n', 1],
  ['a: |x\n', 1],
  ['a: @b\n', 1],
  ['a: !x!y z\n', 1],
];

test('reads documents', () => {
  for (const [text, nodes] of DOCUMENTS) assert.equal(parse(text), nodes, JSON.stringify(text));
});

test('refuses what is no YAML, and says in which line', () => {
  for (const [text, line] of FAULTS)
    assert.match(parse(text), new RegExp(`^yaml: line ${line}: `), JSON.stringify(text));
  assert.equal(parse('a: *b\n'), "yaml: unknown anchor 'b' referenced");
});

test('refuses nesting without end', () => {
  for (const text of ['[', '{', '- ', '? ', '{a: ', '[a: ', '&a [']) {
    assert.match(parse(text.repeat(100_000)), /exceeded max depth of 256$/, text);
  }
  assert.equal(parse('['.repeat(256) + ']'.repeat(256)), '['.repeat(256) + ']'.repeat(256));
});

test('refuses more tokens than anybody writes', () => {
  assert.equal(parse(`[${'1,'.repeat(1_000_000)}]`), 'yaml: exceeded max size of 1000000 tokens');
});

test('gets through long texts of one kind', () => {
  const size = 2_000_000;
  for (const text of [
    'a',
    ' ',
    '\n',
    '#',
    ':',
    ':a',
    '"',
    "'",
    '\\',
    '|',
    '"\\n',
    'a\n',
    'a: |\n ',
    '!',
    '&',
    '%',
    '\r\n',
    '🚀',
  ]) {
    assert.equal(typeof parse(text.repeat(size / text.length)), 'string');
  }
});
