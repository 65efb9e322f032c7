/** Blobs that only certain repositories have: those that their entries lead to, and no other entry does. */
import type { Digest } from '../oci/digest.js';
import { splitName } from '../oci/reference.js';
import type { IndexFile, IndexSnapshot } from './index-file.js';
import { reachableFrom } from './reachable.js';

export type IsWanted = (repository: string) => boolean;

/** Remembers the answer for as long as index.json stays the same. */
export class Outside {
  readonly #dir: string;
  readonly #index: IndexFile;
  #kept: { readonly snapshot: IndexSnapshot; readonly isWanted: IsWanted; readonly outside: Set<Digest> } | undefined;

  constructor(dir: string, index: IndexFile) {
    this.#dir = dir;
    this.#index = index;
  }

  /** False also for a blob that no entry leads to. */
  async has(digest: Digest, isWanted: IsWanted): Promise<boolean> {
    const snapshot = await this.#index.read();
    if (this.#kept?.snapshot !== snapshot || this.#kept.isWanted !== isWanted) {
      this.#kept = { snapshot, isWanted, outside: this.#find(snapshot, isWanted) };
    }
    return this.#kept.outside.has(digest);
  }

  #find(snapshot: IndexSnapshot, isWanted: IsWanted): Set<Digest> {
    const entries = snapshot.entries().filter(({ descriptor }) => descriptor !== undefined);
    const isInside = ({ name }: { name?: string | undefined }): boolean =>
      name !== undefined && isWanted(splitName(name).repository);
    const reached = (wanted: boolean): Set<Digest> =>
      reachableFrom(
        this.#dir,
        entries.flatMap((entry) => (isInside(entry) === wanted && entry.descriptor) || []),
      );
    const [inside, outside] = [reached(true), reached(false)];
    for (const digest of inside) outside.delete(digest);
    return outside;
  }
}
