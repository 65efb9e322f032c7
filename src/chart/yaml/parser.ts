/**
 * YAML 1.1 text -> the nodes of its first document, as the `yaml` package reads it. What a scalar means is left open: that is
 * decided by Helm's rules (resolve.ts).
 */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  Lexer,
  type Node,
  Parser,
  Scalar,
} from 'yaml';
import { YamlError } from './error.js';
import { EMPTY_NODE, YAML_DEPTH, YAML_TOKENS, YamlNode } from './nodes.js';
import { lineOf, readYamlText } from './text.js';

const OPTIONS = {
  version: '1.1',
  schema: 'failsafe',
  uniqueKeys: false,
  prettyErrors: false,
  merge: false,
  logLevel: 'silent',
} as const;

/** `a: "b"#c`: Helm's library sees a comment there, and so does the package, which also complains. */
const TOLERATED = 'Comments must be separated';

/** Characters: some messages quote the text. */
const MESSAGE_LIMIT = 200;

/**
 * The first document of a YAML file; undefined where there is none.
 *
 * @throws YamlError
 */
export function parseYaml(bytes: Uint8Array): YamlNode | undefined {
  const text = readYamlText(bytes);
  const document = firstDocument(text);
  const fault = document?.errors.find(({ message }) => !message.startsWith(TOLERATED));
  if (fault) throw new YamlError(fault.message.slice(0, MESSAGE_LIMIT), lineOf(text, fault.pos[0]));
  return document?.contents ? new Reader().node(document.contents, 0) : undefined;
}

function firstDocument(text: string): Document.Parsed | undefined {
  for (const document of new Composer(OPTIONS).compose(tokensOf(text))) return document as Document.Parsed;
  return undefined;
}

/** Of the parser's stack: the document, and what stands within the innermost collection. */
const STACK_MARGIN = 4;

/**
 * Cut short before a hostile file takes all memory (the package holds some hundred bytes for each lexical token) or all stack
 * (the package composes collections by recursion, and running out of stack there can end the process).
 */
function* tokensOf(text: string): Generator<CST.Token, void> {
  const parser = new Parser();
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > YAML_TOKENS) throw new YamlError(`exceeded max size of ${YAML_TOKENS} tokens`);
    yield* parser.next(lexeme);
    if (parser.stack.length > YAML_DEPTH + STACK_MARGIN) throw new YamlError(`exceeded max depth of ${YAML_DEPTH}`);
  }
  yield* parser.end();
}

class Reader {
  readonly #anchors = new Map<string, YamlNode>();

  node(node: Node | null, depth: number): YamlNode {
    if (depth > YAML_DEPTH) throw new YamlError(`exceeded max depth of ${YAML_DEPTH}`);
    if (node === null) return EMPTY_NODE;
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) throw new YamlError(`unknown anchor '${node.source}' referenced`);
      return YamlNode.alias(node.source, target);
    }
    const tag = node.tag ?? '';
    if (isScalar(node))
      return this.#anchored(
        node.anchor,
        YamlNode.scalar(tag, String(node.value ?? ''), (tag === '' || tag === '!') && node.type === Scalar.PLAIN),
      );
    const children: YamlNode[] = [];
    const { items, anchor } = node as { items: readonly unknown[]; anchor?: string };
    const collection = this.#anchored(anchor, YamlNode.collection(isMap(node) ? 'mapping' : 'sequence', tag, children));
    for (const item of items) {
      if (isPair(item))
        children.push(this.node(item.key as Node | null, depth + 1), this.node(item.value as Node | null, depth + 1));
      else children.push(this.node(item as Node | null, depth + 1));
    }
    return collection;
  }

  #anchored(anchor: string | undefined, node: YamlNode): YamlNode {
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    return node;
  }
}
