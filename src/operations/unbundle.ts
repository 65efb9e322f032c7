/**
 * A bundle into the cache, in one pass, from a file or a pipe.
 *
 * Blobs are stored as they come and stay, whatever happens later: the next run finds them. An artifact gets its name as soon as all that
 * it consists of is there, and not before.
 */

import { looksLikeChart } from '../artifact.js';
import type { BundleContent, BundledItem } from '../bundle/content.js';
import { type BundleEntry, type EntryInfo, readEntries, readWhole } from '../bundle/entries.js';
import type { BundleIndex } from '../bundle/index-json.js';
import { type BundleInput, reading } from '../bundle/input.js';
import { type EntryFacts, nameItems } from '../bundle/items.js';
import { readHead } from '../bundle/survey.js';
import { parseConfig } from '../chart/config.js';
import { ChartError, isChartError, throwIfCancelled } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { parseManifest } from '../oci/manifest.js';
import { parseReference, splitName } from '../oci/reference.js';
import { TagBatch } from './batch.js';
import type { Outcome } from './outcome.js';
import { type Arrival, Arrivals } from './unbundle-arrivals.js';
import { AGAIN, incomplete } from './unbundle-errors.js';
import { BlobIntake } from './unbundle-intake.js';
import { checkPrefix, withPrefix } from './unbundle-names.js';

export interface UnbundleDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
}

export interface UnbundleOptions {
  readonly input: BundleInput;
  /** Put this in place of the registry in every reference: `HOST[:PORT][/PATH]`. */
  readonly to?: string | undefined;
}

/** An artifact that the cache has now. */
export interface Unbundled {
  readonly ref: string;
  readonly digest: Digest;
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** `present`: the cache had all of it. `replaced`: the name stood for something else. */
  readonly status: 'loaded' | 'present' | 'replaced';
}

export interface UnbundleReport {
  readonly outcomes: readonly Outcome<Unbundled>[];
  /** Bytes of blobs that the cache did not have. */
  readonly receivedBytes: number;
  readonly receivedBlobs: number;
  /** Entries without a name. */
  readonly nameless: readonly string[];
  /** Why the bundle could not be read to its end; what came before counts. */
  readonly fault: ChartError | undefined;
}

/**
 * @param onOutcome called for each artifact, as it is done
 * @throws ChartError what is wrong with the bundle as a whole, before anything was named; `LAYOUT_UNWRITABLE`, `DISK_FULL`, `CANCELLED`
 *
 * @example
 * ```ts
 * import { fileInput, openLayout, planBundles, saveChart, unbundle, writeBundles } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * const { plans } = await planBundles({ layout }, { refs: [ref] });
 * await writeBundles({ layout }, plans, 'charts.tar');
 * const other = openLayout('./other');
 * const { outcomes } = await unbundle({ layout: other }, { input: fileInput('charts.tar') });
 * console.log(outcomes[0]?.result?.ref); // registry.example.com/team/app:1.0.0
 * await layout.close();
 * await other.close();
 * ```
 */
export async function unbundle(
  dependencies: UnbundleDependencies,
  { input, to }: UnbundleOptions,
  onOutcome: (outcome: Outcome<Unbundled>) => void = () => {},
): Promise<UnbundleReport> {
  const loader = new Loader(dependencies, to, onOutcome);
  let fault: ChartError | undefined;
  try {
    await reading(input, () => loader.read(input));
  } catch (error) {
    if (!isChartError(error) || !loader.hasContents || !OF_THE_BUNDLE.includes(error.code)) throw error;
    fault = new ChartError(error.code, error.message, { cause: error, hint: AGAIN });
  }
  return await loader.finish(fault);
}

const OF_THE_BUNDLE = ['ARCHIVE_INVALID', 'ARCHIVE_UNSAFE', 'BUNDLE_INVALID', 'BUNDLE_UNREADABLE', 'LIMIT_EXCEEDED'];

class Loader {
  readonly #layout: Layout;
  readonly #signal: AbortSignal | undefined;
  readonly #to: string | undefined;
  readonly #onOutcome: (outcome: Outcome<Unbundled>) => void;
  readonly #head = new Map<string, Buffer>();
  readonly #intake: BlobIntake;
  readonly #batch: TagBatch;
  #contents: { readonly index: BundleIndex; readonly content: BundleContent | undefined } | undefined;
  #listed: ReadonlyMap<Digest, number> | undefined;
  #arrivals: Arrivals | undefined;
  #before = new Map<string, Digest | undefined>();
  #outcomes = new Map<string, Outcome<Unbundled>>();
  /** Who is told of next: outcomes come in the order of the bundle. */
  #order: string[] = [];
  #naming: Promise<void>[] = [];
  #nameless: readonly string[] = [];

  constructor(
    { layout, signal }: UnbundleDependencies,
    to: string | undefined,
    onOutcome: (outcome: Outcome<Unbundled>) => void,
  ) {
    this.#layout = layout;
    this.#signal = signal;
    this.#to = to === undefined ? undefined : checkPrefix(to);
    this.#onOutcome = onOutcome;
    this.#intake = new BlobIntake(layout, signal, (digest) => this.#stored(digest));
    this.#batch = new TagBatch(layout, signal);
  }

  /** What the bundle holds is known. */
  get hasContents(): boolean {
    return this.#arrivals !== undefined;
  }

  async read(input: BundleInput): Promise<void> {
    try {
      for await (const entry of readEntries(input.open(), { signal: this.#signal })) {
        if (entry.kind === 'blob') await this.#takeBlob(entry);
        else await this.#takeHead(entry);
      }
    } finally {
      await this.#intake.settle();
    }
    if (!this.#contents) this.#contents = readHead(this.#head);
    if (!this.#arrivals) await this.#expect(await this.#nameForeign(this.#contents.index));
  }

  async finish(fault: ChartError | undefined): Promise<UnbundleReport> {
    const arrivals = this.#arrivals as Arrivals;
    await arrivals.searchCache();
    const isDelta = (this.#contents?.content?.since.length ?? 0) > 0;
    for (const arrival of arrivals.waiting()) {
      this.#done(arrival, { error: incomplete(arrival, this.#intake.faults, fault, isDelta) });
    }
    this.#batch.finish();
    await Promise.all(this.#naming);
    throwIfCancelled(this.#signal);
    const { receivedBytes, receivedBlobs } = this.#intake;
    const outcomes = arrivals.refs.map((ref) => this.#outcomes.get(ref) as Outcome<Unbundled>);
    return { outcomes, receivedBytes, receivedBlobs, nameless: this.#nameless, fault };
  }

  async #takeHead(entry: Extract<BundleEntry, { kind: 'fixed' }>): Promise<void> {
    this.#head.set(entry.name, await readWhole(entry));
    const isOurs = this.#head.has('oci-layout') && this.#head.has('index.json') && this.#head.has('bundle.json');
    if (!isOurs) return;
    this.#contents = readHead(this.#head);
    const { items, blobs } = this.#contents.content as BundleContent;
    this.#listed = new Map(blobs.map(({ digest, size }) => [digest, size]));
    await this.#expect(items);
  }

  async #takeBlob(entry: EntryInfo & { readonly digest: Digest }): Promise<void> {
    const listed = this.#listed?.get(entry.digest);
    // Nothing asks for what bundle.json does not list.
    if (this.#listed && listed === undefined) return;
    if (listed !== undefined && listed !== entry.size) {
      const words = `blob ${entry.digest} has ${entry.size} bytes instead of the ${listed} that bundle.json lists`;
      this.#intake.faults.set(entry.digest, new ChartError('BLOB_SIZE_MISMATCH', words));
      return;
    }
    await this.#intake.take(entry);
  }

  async #expect(items: readonly BundledItem[]): Promise<void> {
    const seen = new Map<string, Digest>();
    const renamed = items.map((item) => {
      const ref = this.#to === undefined ? item.ref : withPrefix(item.ref, this.#to);
      const other = seen.get(ref);
      if (other !== undefined && other !== item.descriptor.digest) {
        throw new ChartError('USAGE', `two artifacts of the bundle would become ${ref}`, {
          hint: 'Leave --to out, and give them new names with chart tag.',
        });
      }
      seen.set(ref, item.descriptor.digest);
      return { ...item, ref };
    });
    const known = (await this.#layout.readIndex()).map(({ name, descriptor }) => [name, descriptor?.digest] as const);
    this.#before = new Map(known.filter((entry): entry is [string, Digest | undefined] => entry[0] !== undefined));
    this.#order = [...seen.keys()];
    this.#arrivals = new Arrivals(this.#layout, renamed, this.#signal, (arrival) => this.#name(arrival));
    for (const digest of this.#intake.stored) await this.#arrivals.arrived(digest);
  }

  async #stored(digest: Digest): Promise<void> {
    await this.#arrivals?.arrived(digest);
  }

  /** All is there: the name goes into the cache with the next write. */
  #name(arrival: Arrival): void {
    const { item } = arrival;
    let naming: Promise<void>;
    try {
      const { tag, digest } = parseReference(item.ref);
      if (tag === undefined && digest === undefined) {
        throw new ChartError('REFERENCE_TAG_REQUIRED', `${item.ref} has no tag`);
      }
      const { repository } = splitName(item.ref);
      const names = [
        { name: item.ref, descriptor: item.descriptor },
        ...item.referrers.map((descriptor) => ({ name: `${repository}@${descriptor.digest}`, descriptor })),
      ];
      naming = Promise.all(names.map((name) => this.#batch.add(name))).then(() => {
        this.#done(arrival, { result: this.#result(arrival) });
      });
    } catch (error) {
      naming = Promise.reject(error);
    }
    const settled = naming.catch((error: unknown) => {
      if (!isChartError(error) || error.code === 'CANCELLED') throw error;
      this.#done(arrival, { error });
    });
    // Observed in `finish`.
    settled.catch(() => undefined);
    this.#naming.push(settled);
  }

  #result({ item }: Arrival): Unbundled {
    const before = this.#before.get(item.ref);
    const { digest } = item.descriptor;
    const had = before === digest && !this.#intake.wasReceived(digest);
    const status = had ? 'present' : this.#before.has(item.ref) && before !== digest ? 'replaced' : 'loaded';
    return { ref: item.ref, digest, name: item.name, version: item.version, status };
  }

  #done({ item }: Arrival, outcome: { result: Unbundled } | { error: ChartError }): void {
    const whole = { item: item.ref, ...outcome } as Outcome<Unbundled>;
    this.#outcomes.set(item.ref, whole);
    for (let next = this.#order[0]; next !== undefined; next = this.#order[0]) {
      const outcome = this.#outcomes.get(next);
      if (!outcome) return;
      this.#order.shift();
      this.#onOutcome(outcome);
    }
  }

  /** The blobs are in the cache by now: what they are is read there. */
  async #nameForeign(index: BundleIndex): Promise<readonly BundledItem[]> {
    const facts = new Map<Digest, EntryFacts>();
    for (const { descriptor } of index.entries) facts.set(descriptor.digest, await this.#factsOf(descriptor));
    const { items, nameless } = nameItems(index, ({ descriptor }) => {
      return facts.get(descriptor.digest) ?? { manifest: undefined, chart: undefined };
    });
    this.#nameless = nameless;
    return items;
  }

  async #factsOf(descriptor: Descriptor): Promise<EntryFacts> {
    try {
      const manifest = parseManifest(await this.#layout.readSmallBlob(descriptor), descriptor.mediaType);
      if (!looksLikeChart(manifest)) return { manifest, chart: undefined };
      const { name, version } = parseConfig(await this.#layout.readSmallBlob(manifest.config));
      return { manifest, chart: { name, version } };
    } catch (error) {
      if (isChartError(error) && error.code !== 'LAYOUT_UNREADABLE') return { manifest: undefined, chart: undefined };
      throw error;
    }
  }
}
