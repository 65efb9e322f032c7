/** Where charts go: repositories of a registry, or the cache. */
import { performance } from 'node:perf_hooks';
import { chartParts } from '../../artifact.js';
import { type CopyOptions, copyContent } from '../../copy.js';
import { isChartError } from '../../errors.js';
import type { Layout } from '../../layout/layout.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { parseManifest } from '../../oci/manifest.js';
import { parseReference, wireTag } from '../../oci/reference.js';
import type { CallOptions, Repository, Target } from '../../oci/target.js';
import { TagBatch } from '../batch.js';
import { ConfigHabit, copyChart } from '../chart-arrival.js';
import type { OpenedChart } from './found-chart.js';
import type { PlannedChart } from './plan.js';

export type Place = Pick<PlannedChart, 'target' | 'repository' | 'tag'>;

export interface MirrorTarget {
  /** Says what will be asked for, before it is. */
  expect?(places: readonly Place[]): void;
  /**
   * What has the name now.
   *
   * @param options.onLikely called once it is likely that something has, before the target is asked what it is
   */
  find(
    place: Place,
    options: CallOptions & { readonly onLikely?: (() => void) | undefined },
  ): Promise<Descriptor | undefined>;
  repository(place: Place): Promise<Repository>;
  /**
   * Copies content, then names it.
   *
   * @param options.overwrite without it, what has come to have the name since `find` is left alone
   * @returns what was copied, and the naming, which may be shared with others and be waited for later: it gives what was found to have
   *   the name and was left
   */
  write(place: Place, opened: OpenedChart, options: WriteOptions): Promise<Written>;
  /** Nothing more will be written: what waits is named. */
  finish(): void;
}

type WriteOptions = CopyOptions & { readonly overwrite: boolean };

export interface Written {
  /** Bytes that the target did not have. */
  readonly copiedBytes: number;
  readonly named: () => Promise<Descriptor | undefined>;
}

/** From this many tags of one repository on, one listing is less than asking for each, if they are not there. */
const LISTING_PAYS = 3;

/**
 * Milliseconds for which it is believed that nothing has a tag. A listing may be cached, cut or filtered and is not believed at all: then
 * it is asked while the blobs are on their way, which takes no time of its own.
 */
const FREE_FOR = 2000;

/** Repositories that are listed before they are needed, each time that one is asked for. */
const LISTINGS_AHEAD = 2;

export function registryTarget(connect: (host: string) => Promise<Target> | Target): MirrorTarget {
  const wanted = new Map<string, number>();
  const listings = new Map<string, Promise<ReadonlySet<string> | undefined>>();

  const paysFor = ({ repository }: Place): boolean => (wanted.get(repository) ?? 0) >= LISTING_PAYS;
  /** Repositories that are to be listed, in the order in which they will be asked for. */
  const ahead: Place[] = [];

  /** When it was last seen that nothing has the name. */
  const seenFree = new Map<string, number>();
  const ask = async (place: Place, options: CallOptions): Promise<Descriptor | undefined> => {
    const asked = performance.now();
    const found = await resolveOrNothing(await open(place), wireTag(place.tag), options);
    if (found === undefined) seenFree.set(place.target, asked);
    return found;
  };
  const isSurelyFree = ({ target }: Place): boolean =>
    performance.now() - (seenFree.get(target) ?? Number.NEGATIVE_INFINITY) < FREE_FOR;

  const open = async ({ repository }: Place): Promise<Repository> => {
    const { host, path } = parseReference(repository);
    return (await connect(host as string)).repository(path);
  };
  /** Whether the chart before was there: then the next ones most likely are, and a listing would say nothing that is not asked anyway. */
  let present: boolean | undefined;
  const list = (place: Place, options: CallOptions): Promise<ReadonlySet<string> | undefined> => {
    const listing = listings.get(place.repository) ?? listTags(open(place), options);
    listings.set(place.repository, listing);
    return listing;
  };
  return {
    repository: open,
    expect(places) {
      for (const place of places) {
        const count = (wanted.get(place.repository) ?? 0) + 1;
        wanted.set(place.repository, count);
        if (count === LISTING_PAYS) ahead.push(place);
      }
    },
    async find(place, options) {
      const tag = wireTag(place.tag);
      if (paysFor(place) && !(present && !listings.has(place.repository))) {
        if (present === false)
          for (const next of ahead.splice(0, LISTINGS_AHEAD)) list(next, options).catch(() => undefined);
        const tags = await list(place, options);
        present = tags?.has(tag);
        if (present === false) return undefined;
      }
      if (paysFor(place) || present) options.onLikely?.();
      const found = await ask(place, options);
      present = found !== undefined;
      return found;
    },
    async write(place, { source, manifest }, { overwrite, ...options }) {
      const { signal, onEvent } = options;
      const repository = await open(place);
      const tag = wireTag(place.tag);
      const early = overwrite || isSurelyFree(place) ? undefined : ask(place, { signal });
      early?.catch(() => undefined);
      const { copiedBytes } = await copyContent(source, repository, manifest, options);
      let taken = await early;
      if (!overwrite && taken === undefined && !isSurelyFree(place)) taken = await ask(place, { signal });
      seenFree.delete(place.target);
      if (taken === undefined) {
        await repository.writeManifest(manifest, tag, { signal });
        onEvent?.({ kind: 'manifest-done', descriptor: manifest.descriptor, tag });
      }
      return { copiedBytes, named: async () => taken };
    },
    finish: () => undefined,
  };
}

/** Undefined where the registry does not tell. */
async function listTags(opening: Promise<Repository>, options: CallOptions): Promise<ReadonlySet<string> | undefined> {
  const tags = new Set<string>();
  try {
    for await (const tag of (await opening).listTags(options)) tags.add(tag);
    return tags;
  } catch (error) {
    if (isChartError(error, 'MANIFEST_NOT_FOUND')) return tags;
    const refused = [
      'REGISTRY_UNAUTHORIZED',
      'REGISTRY_FORBIDDEN',
      'REGISTRY_REFUSED',
      'REGISTRY_PROTOCOL',
      'LIMIT_EXCEEDED',
    ];
    if (isChartError(error) && refused.includes(error.code)) return undefined;
    throw error;
  }
}

async function resolveOrNothing(
  repository: Repository,
  tag: string,
  options: CallOptions,
): Promise<Descriptor | undefined> {
  try {
    return await repository.resolve(tag, options);
  } catch (error) {
    if (isChartError(error, 'MANIFEST_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Names are written many at a time. */
export async function cacheTarget(layout: Layout, signal: AbortSignal | undefined): Promise<MirrorTarget> {
  const names = new Map((await layout.readIndex({ signal })).map(({ name, descriptor }) => [name, descriptor]));
  const batch = new TagBatch(layout, signal);
  const habit = new ConfigHabit();
  return {
    find: async ({ target }) => names.get(target),
    repository: async ({ repository }) => layout.repository(repository),
    async write({ repository, target }, { source, manifest, atHand }, { overwrite, ...options }) {
      const destination = layout.repository(repository);
      const { bytes, descriptor } = manifest;
      // What is at hand was checked when it was made.
      const copiedBytes = atHand
        ? (await copyContent(source, destination, manifest, options)).copiedBytes
        : await copyChart(
            source,
            layout,
            destination,
            manifest,
            chartParts(parseManifest(bytes, descriptor.mediaType)),
            habit,
            options,
          );
      await layout.putBytes(bytes, descriptor.mediaType);
      const named = async (): Promise<Descriptor | undefined> => {
        const [previous] = await batch.add({ name: target, descriptor, ifFree: !overwrite });
        const there = previous?.descriptor;
        return overwrite || there?.digest === descriptor.digest ? undefined : there;
      };
      return { copiedBytes, named };
    },
    finish: () => batch.finish(),
  };
}
