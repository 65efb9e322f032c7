/** YAML 1.1 tokens -> the nodes of the first document; what follows it is not read. */
import { lineOf, YamlError } from './yaml-cursor.js';
import { EMPTY_NODE, YAML_DEPTH, YAML_NODES, YamlNode } from './yaml-nodes.js';
import type { YamlDirective, YamlTag } from './yaml-properties.js';
import { Scanner } from './yaml-scanner.js';
import { readYamlText } from './yaml-text.js';
import type { Token, TokenKind } from './yaml-tokens.js';

/**
 * The first document of a YAML file; undefined where there is none.
 *
 * @throws YamlError
 */
export function parseYaml(bytes: Uint8Array): YamlNode | undefined {
  const { text, fault } = readYamlText(bytes);
  const scanner = new Scanner(text);
  let root: YamlNode | undefined;
  try {
    root = new Parser(scanner).document();
  } catch (error) {
    throw fault !== undefined && scanner.cursor.atEnd() ? fault : error;
  }
  if (fault !== undefined && scanner.cursor.atEnd()) throw fault;
  return root;
}

// What stands behind a node that was not written.
const AFTER_DOCUMENT: ReadonlySet<TokenKind> = new Set(['directive', 'document-start', 'document-end', 'stream-end']);
const AFTER_ENTRY: ReadonlySet<TokenKind> = new Set(['block-entry', 'block-end']);
const AFTER_INDENTLESS: ReadonlySet<TokenKind> = new Set(['block-entry', 'key', 'value', 'block-end']);
const AFTER_BLOCK_KEY: ReadonlySet<TokenKind> = new Set(['key', 'value', 'block-end']);
const AFTER_FLOW_KEY: ReadonlySet<TokenKind> = new Set(['value', 'flow-entry', 'flow-mapping-end']);
const AFTER_FLOW_VALUE: ReadonlySet<TokenKind> = new Set(['flow-entry', 'flow-mapping-end']);
const AFTER_PAIR_KEY: ReadonlySet<TokenKind> = new Set(['value', 'flow-entry', 'flow-sequence-end']);
const AFTER_PAIR_VALUE: ReadonlySet<TokenKind> = new Set(['flow-entry', 'flow-sequence-end']);

/** Where a node stands: which collections may be it. */
type Place = 'block' | 'block-or-indentless-sequence' | 'flow';

class Parser {
  readonly #scanner: Scanner;
  readonly #anchors = new Map<string, YamlNode>();
  readonly #tagPrefixes = new Map<string, string>();
  #depth = 0;
  #count = 0;

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  document(): YamlNode | undefined {
    let token = this.#scanner.peek();
    if (token.kind === 'stream-end') return undefined;
    const explicit = token.kind === 'directive' || token.kind === 'document-start';
    token = this.#directives(token);
    if (explicit && token.kind !== 'document-start') throw this.#fault('did not find expected <document start>', token);
    const root = explicit ? this.#nodeUnless(AFTER_DOCUMENT, this.#next(), 'block') : this.#node('block');
    this.#scanner.peek();
    return root;
  }

  /** Takes `%YAML` and `%TAG` lines and returns the token behind them. */
  #directives(first: Token): Token {
    let token = first;
    let versioned = false;
    for (; token.kind === 'directive'; token = this.#next()) {
      const directive = token.property as YamlDirective;
      if (directive.name === 'YAML') {
        if (versioned) throw this.#fault('found duplicate %YAML directive', token);
        if (directive.version !== '1.1') throw this.#fault('found incompatible YAML document', token);
        versioned = true;
      } else {
        if (this.#tagPrefixes.has(directive.handle)) throw this.#fault('found duplicate %TAG directive', token);
        this.#tagPrefixes.set(directive.handle, directive.prefix);
      }
    }
    if (!this.#tagPrefixes.has('!')) this.#tagPrefixes.set('!', '!');
    if (!this.#tagPrefixes.has('!!')) this.#tagPrefixes.set('!!', 'tag:yaml.org,2002:');
    return token;
  }

  /** Takes the token at hand and looks at the one behind it. */
  #next(): Token {
    this.#scanner.skip();
    return this.#scanner.peek();
  }

  #nodeUnless(absent: ReadonlySet<TokenKind>, token: Token, place: Place): YamlNode {
    return absent.has(token.kind) ? EMPTY_NODE : this.#node(place);
  }

  #node(place: Place): YamlNode {
    let token = this.#scanner.peek();
    if (++this.#count > YAML_NODES) throw this.#fault(`exceeded max size of ${YAML_NODES} nodes`, token);
    if (token.kind === 'alias') {
      this.#scanner.skip();
      const target = this.#anchors.get(token.text);
      if (target === undefined) throw new YamlError(`unknown anchor '${token.text}' referenced`);
      return YamlNode.alias(token.text, target);
    }
    let anchor: string | undefined;
    let tag = '';
    if (token.kind === 'anchor' || token.kind === 'tag') {
      const first = token;
      token = this.#next();
      const second = (token.kind === 'anchor' || token.kind === 'tag') && token.kind !== first.kind ? token : undefined;
      if (second !== undefined) token = this.#next();
      anchor = (first.kind === 'anchor' ? first : second)?.text;
      const tagToken = first.kind === 'tag' ? first : second;
      if (tagToken !== undefined) tag = this.#resolveTag(tagToken);
    }
    return this.#content(token, place, tag, anchor);
  }

  #resolveTag(token: Token): string {
    const { handle, suffix } = token.property as YamlTag;
    if (handle === '') return suffix;
    const prefix = this.#tagPrefixes.get(handle);
    if (prefix === undefined) throw this.#fault('found undefined tag handle', token);
    return prefix + suffix;
  }

  #content(token: Token, place: Place, tag: string, anchor: string | undefined): YamlNode {
    switch (token.kind) {
      case 'scalar':
        this.#scanner.skip();
        return this.#keep(anchor, YamlNode.scalar(tag, token.text, (tag === '' && token.plain) || tag === '!'));
      case 'flow-sequence-start':
        return this.#collection('sequence', tag, anchor, (children) => this.#flowSequence(children));
      case 'flow-mapping-start':
        return this.#collection('mapping', tag, anchor, (children) => this.#flowMapping(children));
      case 'block-entry':
        if (place !== 'block-or-indentless-sequence') break;
        return this.#collection('sequence', tag, anchor, (children) => this.#indentlessSequence(children));
      case 'block-sequence-start':
        if (place === 'flow') break;
        return this.#collection('sequence', tag, anchor, (children) => this.#blockSequence(children));
      case 'block-mapping-start':
        if (place === 'flow') break;
        return this.#collection('mapping', tag, anchor, (children) => this.#blockMapping(children));
      default:
    }
    if (anchor === undefined && tag === '') throw this.#fault('did not find expected node content', token);
    return this.#keep(anchor, YamlNode.scalar(tag, '', tag === ''));
  }

  #keep(anchor: string | undefined, node: YamlNode): YamlNode {
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    return node;
  }

  #collection(
    kind: 'sequence' | 'mapping',
    tag: string,
    anchor: string | undefined,
    fill: (children: YamlNode[]) => void,
  ): YamlNode {
    if (++this.#depth > YAML_DEPTH) throw this.#fault(`exceeded max depth of ${YAML_DEPTH}`, this.#scanner.peek());
    const children: YamlNode[] = [];
    const node = this.#keep(anchor, YamlNode.collection(kind, tag, children));
    fill(children);
    this.#depth--;
    return node;
  }

  #indentlessSequence(children: YamlNode[]): void {
    while (this.#scanner.peek().kind === 'block-entry') {
      children.push(this.#nodeUnless(AFTER_INDENTLESS, this.#next(), 'block'));
    }
  }

  #blockSequence(children: YamlNode[]): void {
    let token = this.#next();
    for (; token.kind === 'block-entry'; token = this.#scanner.peek()) {
      children.push(this.#nodeUnless(AFTER_ENTRY, this.#next(), 'block'));
    }
    if (token.kind !== 'block-end') throw this.#fault("did not find expected '-' indicator", token);
    this.#scanner.skip();
  }

  #blockMapping(children: YamlNode[]): void {
    let token = this.#next();
    for (; token.kind === 'key'; token = this.#scanner.peek()) {
      children.push(this.#nodeUnless(AFTER_BLOCK_KEY, this.#next(), 'block-or-indentless-sequence'));
      children.push(this.#valueUnless(AFTER_BLOCK_KEY, 'block-or-indentless-sequence'));
    }
    if (token.kind !== 'block-end') throw this.#fault('did not find expected key', token);
    this.#scanner.skip();
  }

  /** The value of a key, which may have none. */
  #valueUnless(absent: ReadonlySet<TokenKind>, place: Place): YamlNode {
    if (this.#scanner.peek().kind !== 'value') return EMPTY_NODE;
    return this.#nodeUnless(absent, this.#next(), place);
  }

  #flowSequence(children: YamlNode[]): void {
    this.#flowEntries('flow-sequence-end', "did not find expected ',' or ']'", (token) => {
      if (token.kind !== 'key') children.push(this.#node('flow'));
      else children.push(this.#collection('mapping', '', undefined, (pair) => this.#flowPair(pair)));
    });
  }

  /** `[a: b]` holds a mapping of one pair. */
  #flowPair(pair: YamlNode[]): void {
    const token = this.#next();
    pair.push(this.#nodeUnless(AFTER_PAIR_KEY, token, 'flow'));
    // The library takes what stands behind an empty key, whatever it is.
    if (AFTER_PAIR_KEY.has(token.kind)) this.#scanner.skip();
    pair.push(this.#valueUnless(AFTER_PAIR_VALUE, 'flow'));
  }

  #flowMapping(children: YamlNode[]): void {
    this.#flowEntries('flow-mapping-end', "did not find expected ',' or '}'", (token) => {
      if (token.kind !== 'key') children.push(this.#node('flow'), EMPTY_NODE);
      else {
        children.push(this.#nodeUnless(AFTER_FLOW_KEY, this.#next(), 'flow'));
        children.push(this.#valueUnless(AFTER_FLOW_VALUE, 'flow'));
      }
    });
  }

  /** Entries between commas, of which the last may be followed by one. */
  #flowEntries(end: TokenKind, problem: string, entry: (token: Token) => void): void {
    let token = this.#next();
    while (token.kind !== end) {
      entry(token);
      token = this.#scanner.peek();
      if (token.kind === 'flow-entry') token = this.#next();
      else if (token.kind !== end) throw this.#fault(problem, token);
    }
    this.#scanner.skip();
  }

  /** The library gives these the line before the one that an editor shows. */
  #fault(problem: string, token: Token): YamlError {
    return new YamlError(problem, lineOf(this.#scanner.cursor.text, token.pos));
  }
}
