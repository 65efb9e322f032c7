/** Artifacts of the cache, in one file or in several parts. */
import { looksLikeChart } from '../artifact.js';
import { readClosure } from '../bundle/closure.js';
import { compress, compressionFor } from '../bundle/compression.js';
import { type BundleInput, reading } from '../bundle/input.js';
import { type OutputFile, writeOutput } from '../bundle/output-file.js';
import { type BundleItem, type BundlePlan, type OlderBundles, planBundle } from '../bundle/plan.js';
import { surveyBundle } from '../bundle/survey.js';
import { writeBundle } from '../bundle/write.js';
import { checkChartArchive } from '../chart/archive/check.js';
import { parseConfig } from '../chart/config.js';
import { missingWarning } from '../chart/load.js';
import { isChartError } from '../errors.js';
import type { Layout } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import { parseReference, splitName } from '../oci/reference.js';
import { type CachedChart, entryFinder, type NamedEntry, readCachedChart } from './cached-chart.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { mapConcurrent } from './parallel.js';

export interface BundleDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
  /** Called for charts that lack what they depend on. They are read whole to know, so only where somebody listens. */
  readonly onWarning?: ((ref: string, text: string) => void) | undefined;
  /** Called while a bundle is written: its bytes so far, before compression. */
  readonly onProgress?: ((plan: BundlePlan, done: number) => void) | undefined;
}

export interface BundleInputOptions {
  readonly refs: readonly string[];
  /** Take along what is about the artifacts: signatures, attestations, and what is about those. */
  readonly referrers?: boolean | undefined;
  /** Leave out what these bundles have, or leave out themselves. */
  readonly since?: readonly BundleInput[] | undefined;
  /** Most bytes of one file. */
  readonly split?: number | undefined;
}

/** A file that was written. */
export interface WrittenBundle {
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly plan: BundlePlan;
}

/**
 * Finds out what goes into a bundle, and reads the manifests for it. Every reference that cannot go along has an error; the plans are
 * of use only if none has.
 *
 * @throws ChartError what is wrong with an older bundle; `LIMIT_EXCEEDED` for an artifact that fits into no part
 *
 * @example
 * ```ts
 * import { openLayout, planBundles, saveChart } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * const { plans } = await planBundles({ layout }, { refs: [ref] });
 * console.log(plans[0]?.blobs.length); // 3
 * await layout.close();
 * ```
 */
export async function planBundles(
  dependencies: BundleDependencies,
  { refs, referrers = false, since = [], split }: BundleInputOptions,
): Promise<{ readonly outcomes: Outcome<BundleItem>[]; readonly plans: BundlePlan[] }> {
  const older = since.length === 0 ? undefined : await readOlder(since, dependencies.signal);
  const index = await dependencies.layout.readIndex();
  const find = entryFinder(index);
  const outcomes = await mapConcurrent(refs, 8, (ref) =>
    outcomeOf(ref, () => readItem(dependencies, find(ref), referrers)),
  );
  const items = outcomes.flatMap(({ result }) => result ?? []);
  return { outcomes, plans: outcomes.length > items.length ? [] : planBundle(items, { since: older, split }) };
}

async function readItem(
  { layout, signal, onWarning }: BundleDependencies,
  entry: NamedEntry,
  withReferrers: boolean,
): Promise<BundleItem> {
  // A name that is no reference could be read nowhere.
  parseReference(entry.name);
  const repository = layout.repository(splitName(entry.name).repository);
  const { blobs, manifest } = await readClosure(repository, entry.descriptor, { signal });
  const all = new Map<Digest, Descriptor>(blobs.map((blob) => [blob.digest, blob]));
  for (const blob of blobs) checkSize(layout, blob);
  const referrers: Descriptor[] = [];
  const queue: Digest[] = withReferrers ? [entry.descriptor.digest] : [];
  for (let subject = queue.pop(); subject !== undefined; subject = queue.pop()) {
    const found = (await repository.listReferrers?.(subject, { signal })) ?? [];
    for (const referrer of [...found].sort((one, other) => (one.digest < other.digest ? -1 : 1))) {
      if (all.has(referrer.digest)) continue;
      referrers.push(referrer);
      queue.push(referrer.digest);
      const { blobs: more } = await readClosure(repository, referrer, { signal });
      for (const blob of more) {
        checkSize(layout, blob);
        all.set(blob.digest, blob);
      }
    }
  }
  const facts = looksLikeChart(manifest) ? await readCachedChart(layout, entry) : undefined;
  const missing = facts && onWarning ? await missingWarningOf(layout, facts, signal) : undefined;
  if (missing !== undefined) onWarning?.(entry.name, missing);
  return {
    ref: entry.name,
    descriptor: entry.descriptor,
    totalSize: [...all.values()].reduce((sum, { size }) => sum + size, 0),
    ...(facts && { name: facts.name, version: facts.version }),
    referrers,
    blobs: [...all.values()],
  };
}

/** Inside, what is missing cannot be fetched any more. What is wrong with the chart itself is for `chart verify` to say. */
async function missingWarningOf(
  layout: Layout,
  { parts }: CachedChart,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const { dependencies = [] } = parseConfig(await layout.readSmallBlob(parts.config));
    if (dependencies.length === 0) return undefined;
    const { missing } = await checkChartArchive(() => layout.readBlob(parts.layer), { signal });
    return missing.length > 0 ? missingWarning(missing) : undefined;
  } catch (error) {
    if (!isChartError(error) || error.code === 'CANCELLED') throw error;
    return undefined;
  }
}

/** @throws ChartError `BLOB_NOT_FOUND`, before anything is written; what is damaged shows while it is */
function checkSize(layout: Layout, { digest }: Descriptor): void {
  layout.statBlobFile(digest);
}

async function readOlder(inputs: readonly BundleInput[], signal?: AbortSignal): Promise<OlderBundles> {
  const digests: Digest[] = [];
  const blobs = new Set<Digest>();
  for (const input of inputs) {
    const older = await reading(input, () => surveyBundle(input.open(), { headOnly: true, signal }));
    digests.push(older.digest);
    for (const digest of older.blobs.keys()) blobs.add(digest);
    for (const { digest } of [...(older.content?.blobs ?? []), ...(older.content?.absent ?? [])]) blobs.add(digest);
  }
  return { digests, blobs };
}

/** The bytes of one bundle. */
export function bundleContent(
  { layout, signal, onProgress }: BundleDependencies,
  plan: BundlePlan,
): AsyncGenerator<Uint8Array> {
  const content = writeBundle(plan, (blob) => layout.readBlob(blob, { signal }), { signal });
  return onProgress ? counted(content, (done) => onProgress(plan, done)) : content;
}

async function* counted(
  content: AsyncIterable<Uint8Array>,
  onBytes: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const piece of content) {
    done += piece.length;
    onBytes(done);
    yield piece;
  }
}

/**
 * Writes bundles to files. All appear when all are whole, or none.
 *
 * @param file the one file; parts have their numbers before the suffix: `charts.tar` becomes `charts.001.tar`
 * @throws ChartError `BUNDLE_UNWRITABLE`, `DISK_FULL`, `BLOB_DIGEST_MISMATCH`, ...
 *
 * @example
 * ```ts
 * import { openLayout, planBundles, saveChart, writeBundles } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const { ref } = await saveChart({ layout }, { path: './app', ref: 'registry.example.com/team/app' });
 * const { plans } = await planBundles({ layout }, { refs: [ref] });
 * const [bundle] = await writeBundles({ layout }, plans, 'charts.tar');
 * console.log(bundle?.path); // charts.tar
 * await layout.close();
 * ```
 */
export async function writeBundles(
  dependencies: BundleDependencies,
  plans: readonly BundlePlan[],
  file: string,
): Promise<WrittenBundle[]> {
  const compression = compressionFor(file);
  const outputs: { output: OutputFile; plan: BundlePlan }[] = [];
  try {
    for (const plan of plans) {
      const path = plan.part === undefined ? file : partName(file, plan.part);
      const content = compress(bundleContent(dependencies, plan), compression);
      outputs.push({ output: await writeOutput(path, content, dependencies.signal), plan });
    }
    for (const { output } of outputs) await output.commit();
    return outputs.map(({ output: { path, size }, plan }) => ({ path, size, plan }));
  } finally {
    for (const { output } of outputs) await output.discard();
  }
}

/** `charts.tar.gz` becomes `charts.001.tar.gz`. */
export function partName(file: string, { number, of }: { readonly number: number; readonly of: number }): string {
  const suffix = /\.(?:tar(?:\.(?:gz|zst))?|tgz|tzst)$/i.exec(file)?.[0] ?? '';
  const digits = String(number).padStart(Math.max(3, String(of).length), '0');
  return `${file.slice(0, file.length - suffix.length)}.${digits}${suffix}`;
}

/**
 * Most bytes of a part before compression, so that it does not exceed `limit` after it: what cannot be compressed grows by 5 bytes in
 * 63 KiB (gzip), or 3 in 128 KiB (zstd).
 */
export function uncompressedLimit(limit: number, file: string): number {
  return compressionFor(file) === 'none' ? limit : limit - Math.ceil(limit / 8192) - 1024;
}
