/** Charts from registries into the cache. */
import type { ChartParts } from '../artifact.js';
import { CHART_LIMITS } from '../chart/files.js';
import type { VersionRange } from '../chart/version-range.js';
import type { ContentSource } from '../copy.js';
import { ChartError, isChartError } from '../errors.js';
import type { Layout, NamedDescriptor } from '../layout/layout.js';
import type { Descriptor } from '../oci/descriptor.js';
import { type Digest, digestAlgorithm } from '../oci/digest.js';
import { checkBytes, type RawManifest } from '../oci/manifest.js';
import { formatReference, parseReference, type Reference, repositoryName } from '../oci/reference.js';
import type { Destination, Source, TagOrDigest } from '../oci/target.js';
import { TagBatch } from './batch.js';
import { cachedArtifact, readCachedChart, summaryOf } from './cached-chart.js';
import { ConfigHabit, copyChart } from './chart-arrival.js';
import { type ChartArtifact, chartOf } from './chart-of-artifact.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { mapWithTail } from './parallel.js';
import { isPattern } from './pattern.js';
import type { Provenance, PullVerification } from './provenance.js';
import type { TransferDependencies } from './push.js';
import type { AttachedItem, ReferrersDependencies } from './referrers.js';
import { explainHost, remoteReference } from './remote-reference.js';
import type { ChartSummary } from './summary.js';
import { chooseVersion, nearTagsHint, repositoryReference } from './tags.js';

export interface PullListener {
  /** It is known which chart is to be pulled; where a version was to be chosen, the registry has been asked for that alone. */
  onStart(index: number, tag: string, repository: string): void;
  onOutcome(index: number, outcome: Outcome<Pulled>): void;
}

/** A chart that is in the cache after a pull. */
export interface Pulled extends ChartSummary {
  /** `current`: the cache held the very same artifact, undamaged, under this name. */
  readonly status: 'downloaded' | 'current';
  /** Bytes that came over the network. */
  readonly receivedBytes: number;
  /** Where a verification was asked for. */
  readonly provenance?: Provenance | undefined;
  /** Where they were asked for. */
  readonly referrers?: readonly AttachedItem[] | undefined;
}

export interface PullDependencies extends TransferDependencies, ReferrersDependencies {
  /** For references without a tag and a digest: the highest version that fits. */
  readonly range?: VersionRange | undefined;
  /** What does not stand it gets no name. */
  readonly verification?: PullVerification | undefined;
  /** Fetch what is attached to each chart, too. */
  readonly withReferrers?: boolean | undefined;
}

/** Charts on their way at the same time: while some wait for an answer, others are unpacked and stored. */
const CONCURRENCY = 16;

interface Arrived extends Pick<Pulled, 'status' | 'receivedBytes' | 'provenance' | 'referrers'> {
  readonly entry: NamedDescriptor;
  /** Of what is attached to it. */
  readonly attached: readonly NamedDescriptor[];
}

/**
 * Pulls charts, several at a time. What is no readable chart gets no name in the cache.
 *
 * @example
 * ```ts
 * import { openLayout, openRegistry, pullCharts } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const registry = openRegistry('127.0.0.1:5000');
 * const refs = ['127.0.0.1:5000/team/app:1.0.0', '127.0.0.1:5000/team/app:9.9.9'];
 * for (const { result, error } of await pullCharts({ layout, connect: () => registry }, refs)) {
 *   console.log(error?.code ?? result?.status);
 * }
 * // downloaded
 * // MANIFEST_NOT_FOUND
 * await registry.close();
 * await layout.close();
 * ```
 */
export async function pullCharts(
  dependencies: PullDependencies,
  refs: readonly string[],
  listener: Partial<PullListener> = {},
): Promise<Outcome<Pulled>[]> {
  const { layout } = dependencies;
  const batch = new TagBatch(layout, dependencies.signal);
  const names = new Map((await layout.readIndex()).map(({ name, descriptor }) => [name, descriptor]));
  const habit = new ConfigHabit();
  const pull = async (text: string, position: number): Promise<() => Promise<Outcome<Pulled>>> => {
    const onStart = (tag: string, repository: string): void => listener.onStart?.(position, tag, repository);
    const arrived = await outcomeOf(text, () =>
      pullChart(dependencies, text, names, habit, onStart).catch(explainHost(text)),
    );
    return async () => {
      const outcome = await nameChart(layout, batch, arrived);
      listener.onOutcome?.(position, outcome);
      return outcome;
    };
  };
  return mapWithTail(refs, CONCURRENCY, pull, () => batch.finish());
}

async function nameChart(layout: Layout, batch: TagBatch, arrived: Outcome<Arrived>): Promise<Outcome<Pulled>> {
  if (arrived.error) return arrived;
  const { entry, attached, ...facts } = arrived.result;
  return outcomeOf(arrived.item, async () => {
    // Somebody may have removed the name since it was found to be current.
    if (facts.status === 'downloaded') await batch.add(entry, ...attached);
    else await batch.keep(entry, ...attached);
    return { ...summaryOf(await readCachedChart(layout, entry)), ...facts };
  });
}

async function pullChart(
  dependencies: PullDependencies,
  text: string,
  names: ReadonlyMap<string | undefined, Descriptor | undefined>,
  habit: ConfigHabit,
  onStart: (tag: string, repository: string) => void,
): Promise<Arrived> {
  const { layout, signal, onEvent, verification } = dependencies;
  const { parsed, source } = await findRemote(dependencies, text);
  const wanted = (parsed.digest ?? parsed.tag) as string;
  const { digest, ...tagged } = parsed;
  const name = formatReference(parsed.tag === undefined ? parsed : { ...tagged, digest: undefined });
  onStart(parsed.tag ?? wanted, repositoryName(parsed));
  const destination = withoutNames(layout, repositoryName(parsed));
  const referrersOf = async (
    chart: RawManifest,
  ): Promise<Pick<Arrived, 'attached' | 'referrers' | 'receivedBytes'>> => {
    if (!dependencies.withReferrers) return { attached: [], receivedBytes: 0 };
    const { pullReferrers } = await import('./referrers.js');
    const about = { item: text, repository: repositoryName(parsed), manifest: chart };
    const { names: attached, items, bytes } = await pullReferrers(dependencies, about, source, destination);
    return { attached, referrers: items, receivedBytes: bytes };
  };
  const found = await findManifest(layout, source, digest ?? wanted, name, names.get(name), signal);
  if (found.current) {
    const { descriptor, current } = found;
    const provenance = await verification?.afterCopy(name, current.parts);
    const more = await referrersOf(await layout.readManifest(descriptor));
    return { ...more, entry: { name, descriptor }, status: 'current', provenance };
  }
  const { manifest } = found;
  const listed = new Map<Digest, RawManifest>();
  const readListed = async ({ digest }: Descriptor): Promise<RawManifest> => {
    const manifest = listed.get(digest) ?? (await source.readManifest(digest, { signal }));
    listed.set(digest, manifest);
    return manifest;
  };
  const artifact = await chartOf(manifest, readListed);
  const { parts } = artifact;
  checkPromisedSizes(name, artifact);
  await verification?.beforeCopy(name, parts, (blob) => readRemote(source, blob, signal));
  const once: ContentSource = {
    readManifest: (reference) => readListed({ digest: reference } as Descriptor),
    readBlob: (descriptor, options) => source.readBlob(descriptor, options),
  };
  const receivedBytes = await copyChart(once, layout, destination, manifest, parts, habit, {
    signal,
    onEvent: (event) => onEvent?.(text, event),
  });
  const provenance = await verification?.afterCopy(name, parts);
  await layout.putBytes(manifest.bytes, manifest.descriptor.mediaType);
  const more = await referrersOf(manifest);
  return {
    ...more,
    entry: { name, descriptor: manifest.descriptor },
    status: 'downloaded',
    receivedBytes: receivedBytes + more.receivedBytes,
    provenance,
  };
}

/** What was named, with the tag that it has or that was chosen by version, and where it is. */
async function findRemote(
  { connect, range, signal }: PullDependencies,
  text: string,
): Promise<{ readonly parsed: Reference; readonly source: Source }> {
  if (isPattern(text)) remoteReference(text);
  const parsed = parseReference(text);
  const isWhole = parsed.digest !== undefined || parsed.tag !== undefined;
  if (!isWhole && range === undefined) {
    throw new ChartError('REFERENCE_TAG_REQUIRED', 'tag explicitly required', { hint: tagHint(parsed) });
  }
  const { host, path } = range === undefined ? remoteReference(text) : repositoryReference(text);
  const source = (await connect(host)).repository(path);
  return { parsed: range === undefined ? parsed : await chooseVersion(source, parsed, range, { signal }), source };
}

function tagHint(parsed: Reference): string {
  const { host, path } = parsed;
  const name = formatReference(parsed);
  if (host === undefined) return `Write HOST/${name}:TAG, such as registry.example.com/${name}:1.0.0.`;
  // `helm pull stable/app` means a chart repository that Helm has by that name.
  if (!/[.:]/.test(host) && host !== 'localhost') {
    return `Write HOST/${name}:TAG, such as registry.example.com/${name}:1.0.0. From a chart repository: chart mirror URL cache --include ${path}`;
  }
  return `Write ${name}:TAG or ${name}@sha256:..., or have the tag chosen with --version RANGE; chart tags ${name} lists the tags.`;
}

/** The repository in the cache, but what an index lists gets no name there: it comes with the index, or not at all. */
function withoutNames(layout: Layout, repository: string): Destination {
  const { writeBlob, statBlob } = layout.repository(repository);
  return {
    statBlob,
    writeBlob,
    async writeManifest({ bytes, descriptor }) {
      await layout.putBytes(bytes, descriptor.mediaType, digestAlgorithm(descriptor.digest));
    },
  };
}

/** What is larger than any chart may be is refused before its first byte. */
function checkPromisedSizes(name: string, { parts, content }: ChartArtifact): void {
  const { bytes, fileBytes } = CHART_LIMITS;
  const { config, provenance }: ChartParts = parts;
  const limits: [Descriptor | undefined, number][] = [
    [config, fileBytes],
    [provenance, fileBytes],
    ...content.map((part): [Descriptor, number] => [part, bytes]),
  ];
  for (const [part, limit] of limits) {
    if (part === undefined || part.size <= limit) continue;
    throw new ChartError('LIMIT_EXCEEDED', `${name} has a blob of ${part.size} bytes; at most ${limit} are taken`, {
      hint: 'A chart of this size is most likely damaged or hostile; nothing was downloaded.',
    });
  }
}

/** A small blob whole, compared with its digest. */
async function readRemote(source: Source, blob: Descriptor, signal?: AbortSignal): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of await source.readBlob(blob, { signal })) {
    size += piece.length;
    if (size > blob.size) break;
    pieces.push(piece);
  }
  const bytes = Buffer.concat(pieces);
  checkBytes(bytes, blob, 'blob');
  return bytes;
}

type FoundManifest =
  | { readonly descriptor: Descriptor; readonly current: ChartArtifact; readonly manifest?: undefined }
  | { readonly manifest: RawManifest; readonly current?: undefined };

/**
 * What the registry has under that tag or digest. Where the cache has something under the same name, HEAD tells whether it is that;
 * where it has nothing there is nothing to compare, and the manifest is read at once.
 *
 * @param cached what the cache has under the name
 */
async function findManifest(
  layout: Layout,
  source: Source,
  wanted: TagOrDigest,
  name: string,
  cached: Descriptor | undefined,
  signal?: AbortSignal,
): Promise<FoundManifest> {
  try {
    if (cached === undefined) return { manifest: await source.readManifest(wanted, { signal }) };
    const descriptor = await source.resolve(wanted, { signal });
    const current = cached.digest === descriptor.digest ? await intactArtifact(layout, descriptor) : undefined;
    if (current) return { descriptor, current };
    return { manifest: await source.readManifest(descriptor.digest, { signal }) };
  } catch (error) {
    if (!isChartError(error, 'MANIFEST_NOT_FOUND')) throw error;
    const hint = cached === undefined ? ((await nearTagsHint(source, name, { signal })) ?? error.hint) : error.hint;
    throw new ChartError('MANIFEST_NOT_FOUND', `${name}: not found`, { cause: error, hint });
  }
}

/** The cached artifact, if all that belongs to it is there and has its digest. */
async function intactArtifact(layout: Layout, descriptor: Descriptor): Promise<ChartArtifact | undefined> {
  try {
    const artifact = await cachedArtifact(layout, await layout.readManifest(descriptor));
    await Promise.all(artifact.content.map((part) => layout.verifyBlob(part)));
    return artifact;
  } catch (error) {
    if (isChartError(error) && error.code !== 'CANCELLED') return undefined;
    throw error;
  }
}
