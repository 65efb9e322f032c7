/** What is known of a registry's lists of referrers, and whose turn it is to change one that clients keep. */
export class ReferrersState {
  readonly #listing = new Map<string, boolean>();
  readonly #turns = new Map<string, Promise<void>>();

  /** Whether the registry lists referrers of a repository itself; undefined before it was asked. */
  isListing(repository: string): boolean | undefined {
    return this.#listing.get(repository);
  }

  noteListing(repository: string, listing: boolean): void {
    this.#listing.set(repository, listing);
  }

  /** Runs `work` when all that came before it under the same name has ended. */
  async inTurn(name: string, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    this.#turns.set(name, turn);
    try {
      await turn;
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    }
  }
}
