/**
 * Changes to the list of entries, made on a copy. What is not touched stays as it is, in its place.
 */
import { type Descriptor, isRecord } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { splitName } from '../oci/reference.js';
import { claimedDigest, claimedName, type IndexEntry, makeEntry, parseEntry } from './index-json.js';

export class IndexEdit {
  /** Undefined where an entry was removed. */
  readonly #entries: (unknown | undefined)[];
  #byName: Map<string, number[]> | undefined;
  #changed = false;

  constructor(entries: readonly unknown[]) {
    this.#entries = [...entries];
  }

  get changed(): boolean {
    return this.#changed;
  }

  result(): unknown[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }

  /** The entry that has the name, as it is now. */
  find(name: string): IndexEntry | undefined {
    const position = this.#positions(name).at(-1);
    return position === undefined ? undefined : parseEntry(this.#entries[position], name, position);
  }

  /**
   * Points a name at a manifest: in the place of the first entry with that name, of which none but this one remains, or at
   * the end.
   */
  put(name: string, descriptor: Descriptor, isForHelm: boolean): void {
    const [first, ...more] = this.#positions(name);
    const entry = makeEntry(name, descriptor, isForHelm);
    if (first !== undefined && more.length === 0 && saysTheSame(this.#entries[first], entry)) return;
    this.#changed = true;
    for (const position of more) this.#entries[position] = undefined;
    const place = first ?? this.#entries.length;
    this.#entries[place] = entry;
    this.#names().set(name, [place]);
  }

  /** Removes every entry with the name. */
  remove(name: string): void {
    for (const position of this.#positions(name)) {
      this.#changed = true;
      this.#entries[position] = undefined;
    }
    this.#names().delete(name);
  }

  removeAt(position: number): void {
    this.#changed = true;
    this.#entries[position] = undefined;
    this.#byName = undefined;
  }

  replaceAt(position: number, entry: unknown): void {
    this.#changed = true;
    this.#entries[position] = entry;
    this.#byName = undefined;
  }

  /** Where the very same entry stands now, at that position or elsewhere. */
  positionOf(entry: unknown, position: number): number | undefined {
    const text = JSON.stringify(entry);
    const isSame = (other: unknown): boolean => other !== undefined && JSON.stringify(other) === text;
    if (isSame(this.#entries[position])) return position;
    const found = this.#entries.findIndex(isSame);
    return found < 0 ? undefined : found;
  }

  has(name: string): boolean {
    return this.#positions(name).length > 0;
  }

  /** Tags, and digests of entries without a tag. */
  *tagsOf(repository: string): Iterable<string> {
    for (const name of this.#names().keys()) {
      if (!name.startsWith(repository)) continue;
      const split = splitName(name);
      if (split.repository === repository) yield split.tag;
    }
  }

  /** Positions of the entries of a repository, or of all where none is given, that name the manifest. */
  withDigest(digest: Digest, repository?: string): number[] {
    return this.#entries.flatMap((entry, position) => {
      if (claimedDigest(entry) !== digest) return [];
      return repository === undefined || repositoryOf(entry) === repository ? [position] : [];
    });
  }

  #positions(name: string): readonly number[] {
    return this.#names().get(name) ?? [];
  }

  #names(): Map<string, number[]> {
    if (this.#byName) return this.#byName;
    const names = new Map<string, number[]>();
    for (const [position, entry] of this.#entries.entries()) {
      const name = claimedName(entry);
      if (name === undefined) continue;
      const positions = names.get(name);
      if (positions) positions.push(position);
      else names.set(name, [position]);
    }
    this.#byName = names;
    return names;
  }
}

function repositoryOf(entry: unknown): string | undefined {
  const name = claimedName(entry);
  return name === undefined ? undefined : splitName(name).repository;
}

/** True if the entry there has the same name in the same place, and the same manifest; it may have more to say. */
function saysTheSame(there: unknown, entry: unknown): boolean {
  if (!isRecord(there) || !isRecord(entry) || !isRecord(there.annotations) || !isRecord(entry.annotations))
    return false;
  const { annotations } = there;
  return (
    (['mediaType', 'digest', 'size'] as const).every((member) => there[member] === entry[member]) &&
    Object.entries(entry.annotations).every(([key, value]) => annotations[key] === value)
  );
}
