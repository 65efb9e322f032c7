/** Which artifacts of a bundle are whole by now: each waits for the blobs that its manifests name. */

import { isManifestType } from '../bundle/closure.js';
import type { BundledItem } from '../bundle/content.js';
import { isChartError } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { parseManifest, successors } from '../oci/manifest.js';

export interface Arrival {
  readonly item: BundledItem;
}

interface Waiting extends Arrival {
  /** What it lacks, as far as is known. */
  readonly lacks: Map<Digest, Descriptor>;
  readonly seen: Set<Digest>;
}

export class Arrivals {
  readonly #layout: Layout;
  readonly #signal: AbortSignal | undefined;
  readonly #onWhole: (arrival: Arrival) => void;
  readonly #items: Waiting[] = [];
  readonly #waiting = new Map<Digest, Set<Waiting>>();
  readonly #here = new Set<Digest>();

  constructor(
    layout: Layout,
    items: readonly BundledItem[],
    signal: AbortSignal | undefined,
    onWhole: (arrival: Arrival) => void,
  ) {
    this.#layout = layout;
    this.#signal = signal;
    this.#onWhole = onWhole;
    for (const item of items) {
      const waiting = { item, lacks: new Map(), seen: new Set<Digest>() };
      this.#items.push(waiting);
      for (const root of [item.descriptor, ...item.referrers]) this.#lack(waiting, root);
    }
  }

  get refs(): readonly string[] {
    return this.#items.map(({ item }) => item.ref);
  }

  /** The blob is in the cache, whole. */
  async arrived(digest: Digest): Promise<void> {
    this.#here.add(digest);
    const queue = [digest];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const waiting = this.#waiting.get(next);
      if (!waiting) continue;
      this.#waiting.delete(next);
      for (const item of waiting) queue.push(...(await this.#got(item, next)));
    }
  }

  /** Looks in the cache for what has not come: what a delta leaves out, and what an earlier run stored. */
  async searchCache(): Promise<void> {
    for (let before = -1; before !== this.#here.size; ) {
      before = this.#here.size;
      for (const [digest, waiting] of [...this.#waiting]) {
        const [descriptor] = [...waiting].flatMap(({ lacks }) => lacks.get(digest) ?? []);
        if (descriptor && (await this.#isInCache(descriptor))) await this.arrived(digest);
      }
    }
  }

  /** The artifacts that are not whole, each with what is missing. */
  waiting(): readonly (Arrival & { readonly missing: readonly Descriptor[] })[] {
    return this.#items
      .filter(({ lacks }) => lacks.size > 0)
      .map(({ item, lacks }) => ({ item, missing: [...lacks.values()] }));
  }

  /** @returns blobs that are here already and that the item needs to be told of */
  async #got(waiting: Waiting, digest: Digest): Promise<Digest[]> {
    const descriptor = waiting.lacks.get(digest);
    if (!descriptor) return [];
    const known = new Set(waiting.lacks.keys());
    if (isManifestType(descriptor.mediaType)) {
      try {
        const bytes = await this.#layout.readSmallBlob(descriptor);
        for (const part of successors(parseManifest(bytes, descriptor.mediaType))) this.#lack(waiting, part);
      } catch (error) {
        // It stays lacking: a manifest that makes no sense is as good as none.
        if (isChartError(error) && error.code !== 'LAYOUT_UNREADABLE') return [];
        throw error;
      }
    }
    waiting.lacks.delete(digest);
    if (waiting.lacks.size === 0) this.#onWhole(waiting);
    return [...waiting.lacks.keys()].filter((other) => !known.has(other) && this.#here.has(other));
  }

  #lack(waiting: Waiting, descriptor: Descriptor): void {
    if (waiting.seen.has(descriptor.digest)) return;
    waiting.seen.add(descriptor.digest);
    waiting.lacks.set(descriptor.digest, descriptor);
    const others = this.#waiting.get(descriptor.digest);
    if (others) others.add(waiting);
    else this.#waiting.set(descriptor.digest, new Set([waiting]));
  }

  async #isInCache(descriptor: Descriptor): Promise<boolean> {
    try {
      await this.#layout.verifyBlob(descriptor, { signal: this.#signal });
      return true;
    } catch (error) {
      if (isChartError(error) && error.code.startsWith('BLOB_')) return false;
      throw error;
    }
  }
}
