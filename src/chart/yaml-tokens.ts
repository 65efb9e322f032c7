/** The tokens of YAML 1.1, and the queue in which they wait until it is known whether one of them is a key. */
import type { YamlDirective, YamlTag } from './yaml-properties.js';

export type TokenKind =
  | 'stream-end'
  | 'directive'
  | 'document-start'
  | 'document-end'
  | 'block-sequence-start'
  | 'block-mapping-start'
  | 'block-entry'
  | 'block-end'
  | 'flow-sequence-start'
  | 'flow-sequence-end'
  | 'flow-mapping-start'
  | 'flow-mapping-end'
  | 'flow-entry'
  | 'key'
  | 'value'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'scalar';

export class Token {
  readonly kind: TokenKind;
  /** Of its first character. */
  readonly pos: number;
  /** Of a scalar, the value; of an anchor or alias, the name. */
  readonly text: string;
  /** A scalar without quotes or block indicator. */
  readonly plain: boolean;
  readonly property: YamlDirective | YamlTag | undefined;

  constructor(kind: TokenKind, pos: number, text = '', plain = false, property?: YamlDirective | YamlTag) {
    this.kind = kind;
    this.pos = pos;
    this.text = text;
    this.plain = plain;
    this.property = property;
  }
}

/** Tokens are numbered from 0 in the order in which they leave. */
export class TokenQueue {
  #tokens: Token[] = [];
  #head = 0;
  #taken = 0;

  get isEmpty(): boolean {
    return this.#head === this.#tokens.length;
  }

  /** The one that leaves next. */
  get head(): Token {
    return this.#tokens[this.#head]!;
  }

  get headNumber(): number {
    return this.#taken;
  }

  /** The number that the next token at the end will have. */
  get nextNumber(): number {
    return this.#taken + this.#tokens.length - this.#head;
  }

  add(token: Token): void {
    this.#tokens.push(token);
  }

  /** Puts a token before another; if that one has left already it goes to the end, as in the library. */
  insert(number: number, token: Token): void {
    if (number < this.#taken) this.#tokens.push(token);
    else this.#tokens.splice(this.#head + number - this.#taken, 0, token);
  }

  take(): void {
    this.#taken++;
    if (++this.#head < this.#tokens.length) return;
    this.#tokens = [];
    this.#head = 0;
  }
}
