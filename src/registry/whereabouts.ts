/** Which repositories of a registry were seen to hold a blob, so that others there can have it without its being sent. */
import type { Digest } from '../oci/digest.js';

export class Whereabouts {
  readonly #holders = new Map<Digest, Set<string>>();

  note(digest: Digest, repository: string): void {
    const holders = this.#holders.get(digest) ?? new Set();
    this.#holders.set(digest, holders.add(repository));
  }

  forget(digest: Digest, repository: string): void {
    this.#holders.get(digest)?.delete(repository);
  }

  /** The repository, other than that one, which was seen to hold the blob first. */
  elsewhere(digest: Digest, repository: string): string | undefined {
    for (const holder of this.#holders.get(digest) ?? []) if (holder !== repository) return holder;
    return undefined;
  }
}
