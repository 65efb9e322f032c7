/**
 * Where a key without `?` may have begun: on each level of flow collections at most one place is open, and it closes at the
 * end of the line or 1024 characters on (YAML 1.1, 7.3, "simple keys").
 */
import type { Cursor } from './yaml-cursor.js';

export interface SimpleKey {
  possible: boolean;
  /** Nothing but a key can stand there. */
  required: boolean;
  /** The number of its first token. */
  token: number;
  pos: number;
  lineStart: number;
}

const MAX_LENGTH = 1024;

export class SimpleKeys {
  readonly #cursor: Cursor;
  readonly #levels: SimpleKey[] = [];
  readonly #byToken = new Map<number, SimpleKey>();

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.openLevel(0);
  }

  /** That of the innermost level. */
  get current(): SimpleKey {
    return this.#levels[this.#levels.length - 1]!;
  }

  openLevel(nextToken: number): void {
    this.#levels.push({ possible: false, required: false, token: nextToken, pos: 0, lineStart: 0 });
  }

  closeLevel(): void {
    this.#byToken.delete(this.#levels.pop()!.token);
  }

  /** Notes that the next token may be a key. */
  save(nextToken: number, required: boolean): void {
    this.drop();
    const key = this.current;
    key.possible = true;
    key.required = required;
    key.token = nextToken;
    key.pos = this.#cursor.pos;
    key.lineStart = this.#cursor.lineStart;
    this.#byToken.set(nextToken, key);
  }

  /** What may have been a key is none. @throws YamlError where it had to be one */
  drop(): void {
    const key = this.current;
    if (!key.possible) return;
    if (key.required) throw this.#cursor.fault("could not find expected ':'");
    this.settle(key);
  }

  /** It is clear now whether this is a key. */
  settle(key: SimpleKey): void {
    key.possible = false;
    this.#byToken.delete(key.token);
  }

  /** Whether a token may yet turn out to be a key. */
  mayBeKey(token: number): boolean {
    const key = this.#byToken.get(token);
    return key !== undefined && this.isPossible(key);
  }

  /** @throws YamlError where it had to be one and cannot be any longer */
  isPossible(key: SimpleKey): boolean {
    if (!key.possible) return false;
    if (key.lineStart === this.#cursor.lineStart && !this.#isTooLong(key.pos)) return true;
    if (key.required) throw this.#cursor.fault("could not find expected ':'");
    key.possible = false;
    return false;
  }

  #isTooLong(from: number): boolean {
    const { text, pos } = this.#cursor;
    if (pos - from <= MAX_LENGTH) return false;
    if (pos - from > 2 * MAX_LENGTH) return true;
    return [...text.slice(from, pos)].length > MAX_LENGTH;
  }
}
