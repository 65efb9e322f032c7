/** Several items at once, results in the order of the items. */

/** Items that are worked on while others are still being found. */
export class Queue<Item> {
  readonly #items: Item[] = [];
  readonly #waiting: (() => void)[] = [];
  #taken = 0;
  #hasEnded = false;

  static of<Item>(items: readonly Item[]): Queue<Item> {
    const queue = new Queue<Item>();
    queue.add(items);
    queue.end();
    return queue;
  }

  add(items: readonly Item[]): void {
    for (const item of items) this.#items.push(item);
    this.#wake();
  }

  /** Nothing more will come. */
  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** The next item with its place in the order, once there is one; undefined after the last. */
  async take(): Promise<readonly [item: Item, index: number] | undefined> {
    while (this.#taken === this.#items.length && !this.#hasEnded) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const index = this.#taken;
    if (index === this.#items.length) return undefined;
    this.#taken += 1;
    return [this.#items[index] as Item, index];
  }

  /** True while there is one that nobody has taken. */
  get hasNext(): boolean {
    return this.#taken < this.#items.length;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** As many at a time where it is not known how many there will be. */
const QUEUE_LIMIT = 1_024;

/**
 * Runs `work` on every item, at most `limit` at a time. Rejects with the first rejection once all that run have settled. Between two
 * items the event loop has its turn: small files are read at once, and Ctrl-C would otherwise be heard when all is done.
 */
export async function mapConcurrent<Item, Result>(
  items: readonly Item[] | Queue<Item>,
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const queue = items instanceof Queue ? items : Queue.of(items);
  const results: Result[] = [];
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let next = await queue.take(); next && !failed; next = await queue.take()) {
      const [item, index] = next;
      try {
        results[index] = await work(item, index);
        if (queue.hasNext) await new Promise(setImmediate);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const length = Math.min(limit, items instanceof Queue ? QUEUE_LIMIT : items.length);
  const settled = await Promise.allSettled(Array.from({ length }, worker));
  const rejection = settled.find((outcome) => outcome.status === 'rejected');
  if (rejection) throw rejection.reason;
  return results;
}

/**
 * As {@link mapConcurrent}, for work that ends in a wait shared with others: `work` gives a function for that last part,
 * which runs outside of the limit. `onAllWorked` is called when only such parts are left.
 */
export async function mapWithTail<Item, Result>(
  items: readonly Item[] | Queue<Item>,
  limit: number,
  work: (item: Item, index: number) => Promise<() => Promise<Result>>,
  onAllWorked: () => void,
): Promise<Result[]> {
  const tails: Promise<Result>[] = [];
  try {
    await mapConcurrent(items, limit, async (item, index) => {
      const tail = (await work(item, index))();
      tails[index] = tail;
      // Observed here, so that a rejection that comes before the others are done is not taken for unhandled.
      tail.catch(() => undefined);
    });
  } finally {
    onAllWorked();
    await Promise.allSettled(tails);
  }
  return Promise.all(tails);
}

/** Lets so many at a time through, in the order in which they come. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
