/**
 * YAML 1.1 text -> tokens, cut as libyaml and its Go translation cut them.
 *
 *     a: [b]   ->   block-mapping-start key scalar(a) value flow-sequence-start scalar(b) flow-sequence-end block-end
 */
import { Cursor, isBlankOrEnd, isBreak } from './yaml-cursor.js';
import { BlockIndents } from './yaml-indents.js';
import { SimpleKeys } from './yaml-keys.js';
import { scanAnchor, scanDirective, scanTag } from './yaml-properties.js';
import { scanBlock, scanPlain, scanQuoted } from './yaml-scalars.js';
import { Token, type TokenKind, TokenQueue } from './yaml-tokens.js';

export class Scanner {
  readonly cursor: Cursor;
  readonly #queue = new TokenQueue();
  readonly #keys: SimpleKeys;
  #ready = false;
  readonly #blocks: BlockIndents;
  #flowLevel = 0;
  #keyAllowed = true;

  constructor(text: string) {
    this.cursor = new Cursor(text);
    this.#keys = new SimpleKeys(this.cursor);
    this.#blocks = new BlockIndents(this.#queue);
  }

  /** @throws YamlError */
  peek(): Token {
    while (!this.#ready) {
      if (this.#queue.isEmpty || this.#keys.mayBeKey(this.#queue.headNumber)) this.#fetch();
      else this.#ready = true;
    }
    return this.#queue.head;
  }

  /** Takes the token that was peeked at. */
  skip(): void {
    this.#ready = false;
    this.#queue.take();
  }

  #fetch(): void {
    const { cursor } = this;
    this.#skipToToken();
    this.#unroll(cursor.column);
    const char = cursor.char();
    if (char === '%' && cursor.pos === cursor.lineStart) this.#fetchDirective();
    else if (cursor.atDocumentIndicator()) this.#fetchDocumentIndicator();
    else this.#fetchBy(char);
  }

  #fetchBy(char: string): void {
    const { cursor } = this;
    switch (char) {
      case '':
      case '\0':
        this.#fetchEnd();
        break;
      case '[':
      case '{':
        this.#fetchFlowStart(char === '[' ? 'flow-sequence-start' : 'flow-mapping-start');
        break;
      case ']':
      case '}':
        this.#fetchFlowEnd(char === ']' ? 'flow-sequence-end' : 'flow-mapping-end');
        break;
      case ',':
        this.#keys.drop();
        this.#keyAllowed = true;
        this.#addIndicator('flow-entry');
        break;
      case '-':
        if (isBlankOrEnd(cursor.code(1))) this.#fetchBlockEntry();
        else this.#fetchPlain();
        break;
      case '?':
        if (this.#flowLevel > 0 || isBlankOrEnd(cursor.code(1))) this.#fetchKey();
        else this.#fetchPlain();
        break;
      case ':':
        if (this.#flowLevel > 0 || isBlankOrEnd(cursor.code(1))) this.#fetchValue();
        else this.#fetchPlain();
        break;
      case '*':
      case '&':
        this.#fetchProperty(char === '*' ? 'alias' : 'anchor');
        break;
      case '!':
        this.#fetchProperty('tag');
        break;
      case "'":
      case '"':
        this.#fetchQuoted();
        break;
      case '|':
      case '>':
        this.#fetchBlock();
        break;
      default:
        if ('\t%@`'.includes(char)) throw cursor.fault('found character that cannot start any token');
        this.#fetchPlain();
    }
  }

  /** Tabs are white space in flow collections and within a line, but not where a key may begin. */
  #skipToToken(): void {
    const { cursor } = this;
    for (;;) {
      if (this.#flowLevel > 0 || !this.#keyAllowed) cursor.skipBlanks();
      else cursor.skipSpaces();
      cursor.skipComment();
      if (!isBreak(cursor.code())) return;
      cursor.takeBreak();
      if (this.#flowLevel === 0) this.#keyAllowed = true;
    }
  }

  #fetchEnd(): void {
    const { cursor } = this;
    // Behind the NUL: the library opens a line of its own here, on which no key that is open can end.
    cursor.pos = cursor.text.length;
    cursor.lineStart = cursor.pos;
    this.#closeAll();
    this.#queue.add(new Token('stream-end', cursor.pos));
  }

  #fetchDirective(): void {
    const { pos } = this.cursor;
    this.#closeAll();
    this.#queue.add(new Token('directive', pos, '', false, scanDirective(this.cursor)));
  }

  #fetchDocumentIndicator(): void {
    this.#closeAll();
    this.#queue.add(new Token(this.cursor.char() === '-' ? 'document-start' : 'document-end', this.cursor.pos));
    this.cursor.pos += 3;
  }

  #closeAll(): void {
    this.#unroll(-1);
    this.#keys.drop();
    this.#keyAllowed = false;
  }

  #fetchFlowStart(kind: 'flow-sequence-start' | 'flow-mapping-start'): void {
    this.#saveKey();
    this.#flowLevel++;
    this.#keys.openLevel(this.#queue.nextNumber);
    this.#keyAllowed = true;
    this.#addIndicator(kind);
  }

  #fetchFlowEnd(kind: 'flow-sequence-end' | 'flow-mapping-end'): void {
    this.#keys.drop();
    if (this.#flowLevel > 0) {
      this.#flowLevel--;
      this.#keys.closeLevel();
    }
    this.#keyAllowed = false;
    this.#addIndicator(kind);
  }

  #fetchBlockEntry(): void {
    this.#openBlock('block-sequence-start', 'block sequence entries are not allowed in this context');
    this.#keys.drop();
    this.#keyAllowed = true;
    this.#addIndicator('block-entry');
  }

  #fetchKey(): void {
    this.#openBlock('block-mapping-start', 'mapping keys are not allowed in this context');
    this.#keys.drop();
    this.#keyAllowed = this.#flowLevel === 0;
    this.#addIndicator('key');
  }

  #fetchValue(): void {
    const key = this.#keys.current;
    if (this.#keys.isPossible(key)) {
      this.#queue.insert(key.token, new Token('key', key.pos));
      if (this.#flowLevel === 0) {
        this.#blocks.roll(key.pos - key.lineStart, new Token('block-mapping-start', key.pos), key.token);
      }
      this.#keys.settle(key);
      this.#keyAllowed = false;
    } else {
      this.#openBlock('block-mapping-start', 'mapping values are not allowed in this context');
      this.#keyAllowed = this.#flowLevel === 0;
    }
    this.#addIndicator('value');
  }

  #fetchProperty(kind: 'alias' | 'anchor' | 'tag'): void {
    const { pos } = this.cursor;
    this.#saveKey();
    this.#keyAllowed = false;
    if (kind === 'tag') this.#queue.add(new Token(kind, pos, '', false, scanTag(this.cursor)));
    else this.#queue.add(new Token(kind, pos, scanAnchor(this.cursor)));
  }

  #fetchBlock(): void {
    const { pos } = this.cursor;
    if (this.#flowLevel > 0) throw this.cursor.fault('found character that cannot start any token');
    this.#keys.drop();
    this.#keyAllowed = true;
    this.#queue.add(new Token('scalar', pos, scanBlock(this.cursor, this.#blocks.column)));
  }

  #fetchQuoted(): void {
    const { pos } = this.cursor;
    this.#saveKey();
    this.#keyAllowed = false;
    this.#queue.add(new Token('scalar', pos, scanQuoted(this.cursor)));
  }

  #fetchPlain(): void {
    const { pos } = this.cursor;
    this.#saveKey();
    const { value, endsLine } = scanPlain(this.cursor, this.#blocks.column + 1, this.#flowLevel > 0);
    this.#keyAllowed = endsLine;
    this.#queue.add(new Token('scalar', pos, value, true));
  }

  #addIndicator(kind: TokenKind): void {
    this.#queue.add(new Token(kind, this.cursor.pos));
    this.cursor.pos++;
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return;
    const required = this.#flowLevel === 0 && this.#blocks.column === this.cursor.column;
    this.#keys.save(this.#queue.nextNumber, required);
  }

  /** An indicator outside of flow collections may open a block collection, and only where a key may stand. */
  #openBlock(kind: TokenKind, problem: string): void {
    if (this.#flowLevel > 0) return;
    if (!this.#keyAllowed) throw this.cursor.fault(problem);
    this.#blocks.roll(this.cursor.column, new Token(kind, this.cursor.pos), this.#queue.nextNumber);
  }

  /** In flow collections indentation means nothing. */
  #unroll(column: number): void {
    if (this.#flowLevel === 0) this.#blocks.unroll(column, this.cursor.pos);
  }
}
