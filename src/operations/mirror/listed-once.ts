/** What is asked for once, however many entries of a mirror want it. */
import { isChartError } from '../../errors.js';

export class ListedOnce<T> {
  readonly #known = new Map<string, Promise<T>>();

  get(key: string, list: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key);
    if (known) return known;
    const listed = list();
    this.#known.set(key, listed);
    // What failed once is not kept: another entry may be luckier.
    listed.catch((error: unknown) => {
      if (isChartError(error)) this.#known.delete(key);
    });
    return listed;
  }

  all(): Promise<T>[] {
    return [...this.#known.values()];
  }
}

export async function collect(names: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const name of names) all.push(name);
  return all;
}
