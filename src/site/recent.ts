/** A map that forgets what was used longest ago once it holds too much. */
export class Recent<Key, Value> {
  readonly #limit: number;
  readonly #items = new Map<Key, Value>();

  /** @param limit how many items are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: Key): Value | undefined {
    const value = this.#items.get(key);
    if (value === undefined) return undefined;
    this.#items.delete(key);
    this.#items.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.#items.delete(key);
    this.#items.set(key, value);
    const [oldest] = this.#items.keys();
    if (this.#items.size > this.#limit && oldest !== undefined) this.#items.delete(oldest);
  }

  delete(key: Key): void {
    this.#items.delete(key);
  }
}
