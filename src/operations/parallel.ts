/** Several items at once, results in the order of the items. */

/** Runs `work` on every item, at most `limit` at a time. Rejects with the first rejection once all that run have settled. */
export async function mapConcurrent<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length);
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await work(items[index] as Item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.min(limit, items.length) }, worker);
  const settled = await Promise.allSettled(workers);
  const rejection = settled.find((outcome) => outcome.status === 'rejected');
  if (rejection) throw rejection.reason;
  return results;
}

/**
 * As {@link mapConcurrent}, for work that ends in a wait shared with others: `work` gives a function for that last part,
 * which runs outside of the limit. `onAllWorked` is called when only such parts are left.
 */
export async function mapWithTail<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<() => Promise<Result>>,
  onAllWorked: () => void,
): Promise<Result[]> {
  const tails: Promise<Result>[] = new Array(items.length);
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
