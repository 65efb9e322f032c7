/**
 * Where charts come from.
 *
 *     oci://HOST/PATH            a repository of a registry; with :TAG, that one version
 *     oci://HOST/PATH/*          every repository that the registry's catalog lists and the pattern fits
 *     https://... http://...     a classic repository
 *     DIR  file:///DIR           a classic repository on disk; or an OCI image layout, which is read as the cache is
 *     cache  cache:PATTERN       the cache
 *     FILE.tar  bundle:FILE      a bundle
 *
 * What is listed is listed once, however many entries ask for it.
 */
import { fileURLToPath } from 'node:url';
import type { LayerFlavour } from '../../artifact.js';
import type { OpenBundle } from '../../bundle/open.js';
import { parseVersion } from '../../chart/version.js';
import { tagToVersion } from '../../chart/version-tags.js';
import { ChartError, isChartError } from '../../errors.js';
import { type Layout, openLayout } from '../../layout/layout.js';
import { isHost, parseReference, repositoryName, splitName, wireTag } from '../../oci/reference.js';
import type { CallOptions, Source, Target } from '../../oci/target.js';
import type { Downloads } from '../../registry/downloads.js';
import { parseFileAddress, parseWebAddress, type RepositoryAddress } from '../../repository/address.js';
import type { Fetch } from '../../repository/fetch.js';
import type { IndexedChart } from '../../repository/index-entry.js';
import type { RepositoryIndex } from '../../repository/read-index.js';
import { ClassicRepository } from '../../repository/repository.js';
import { isPattern, patternTest } from '../pattern.js';
import { ClassicChart } from './classic-chart.js';
import type { Findings, FoundChart } from './found-chart.js';
import { noSuchChart, noSuchVersion } from './nothing-fits.js';
import { OciChart } from './oci-chart.js';
import { isWanted, selectTags, selectVersions } from './selection.js';
import { sourceKind } from './source-kind.js';
import type { LeftOut, MirrorEntry } from './types.js';

/** Names of a catalog that are looked at for the sake of a hint. */
const LOOK_BELOW = 5_000;

export interface SourceDependencies {
  /** The cache. */
  readonly layout: Layout;
  readonly connect: (host: string) => Promise<Target> | Target;
  /** What reads the files of a classic repository, with its credentials and TLS options; without either if absent. */
  readonly openWeb?: ((address: RepositoryAddress) => Fetch) | undefined;
  /** Of what comes from classic repositories; `legacy`, which Helm 3.6.3 reads, if absent. */
  readonly flavour?: LayerFlavour | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Sources {
  readonly #dependencies: SourceDependencies;
  readonly #tags = new Map<string, Promise<string[]>>();
  readonly #catalogs = new Map<string, Promise<string[]>>();
  readonly #indexes = new Map<string, Promise<RepositoryIndex>>();
  readonly #repositories = new Map<string, ClassicRepository>();
  readonly #bundles = new Map<string, Promise<OpenBundle>>();
  readonly #downloads: Promise<Downloads>[] = [];

  constructor(dependencies: SourceDependencies) {
    this.#dependencies = dependencies;
  }

  /** Gives up bundles and connections that were opened here. */
  async close(): Promise<void> {
    await Promise.all(this.#downloads.map(async (opening) => (await opening).close()));
    for (const opening of this.#bundles.values()) await (await opening.catch(() => undefined))?.close();
  }

  /** The charts that an entry asks for. @throws ChartError what the source throws; `MANIFEST_NOT_FOUND`, `CHART_NOT_FOUND` where nothing fits */
  async find(entry: MirrorEntry): Promise<Findings> {
    switch (sourceKind(entry.source)) {
      case 'web':
        return this.#findClassic(entry, parseWebAddress(entry.source));
      case 'file':
        return this.#findClassic(entry, parseFileAddress(entry.source));
      case 'cache':
        return this.#findInTarget(entry, this.#dependencies.layout, entry.source.slice('cache:'.length));
      case 'layout': {
        const path = /^file:/i.test(entry.source) ? fileURLToPath(entry.source) : entry.source;
        return this.#findInTarget(entry, openLayout(path, { readOnly: true }), '');
      }
      case 'bundle': {
        const file = entry.source.replace(/^bundle:/, '');
        const { openBundle } = await import('../../bundle/open.js');
        const bundle = await once(this.#bundles, file, () => openBundle(file, this.#call()));
        return this.#findInTarget(entry, bundle, '');
      }
      case 'catalog':
        return this.#findInCatalog(entry);
      default:
        return this.#findInRepository(entry);
    }
  }

  async #findInRepository(entry: MirrorEntry): Promise<Findings> {
    const { host, path, tag, digest } = parseReference(entry.source);
    if (host === undefined || digest !== undefined) {
      throw new ChartError('USAGE', `${entry.source} is no repository of a registry`, {
        hint: 'A source is oci://HOST[:PORT]/PATH, with :TAG for one version and without a digest.',
      });
    }
    const target = await this.#dependencies.connect(host);
    const repository = target.repository(path);
    const fixed = path.slice(0, path.lastIndexOf('/') + 1);
    if (tag === undefined) return this.#findTagsOrBelow(entry, { host, path, fixed, repository }, target);
    const version = tagToVersion(tag)?.text ?? tag;
    return {
      charts: [chartAt({ host, path, fixed, repository }, wireTag(tag), version)],
      leftOut: [],
      refused: [],
      prereleases: 0,
    };
  }

  async #findInCatalog(entry: MirrorEntry): Promise<Findings> {
    const [host = '', ...rest] = entry.source.slice('oci://'.length).split('/');
    const pattern = rest.join('/');
    if (!isHost(host) || pattern === '') {
      throw new ChartError('USAGE', `${entry.source}: a pattern follows oci://HOST[:PORT]/`);
    }
    const target = await this.#dependencies.connect(host);
    const listed = await once(this.#catalogs, host, () => collect(target.listRepositories(this.#call())));
    const fits = patternTest(pattern);
    const fixed = pattern.slice(0, pattern.search(/[*?]/)).replace(/[^/]*$/, '');
    const wanted = listed.filter((path) => fits(path) && isWanted(entry, path, path.slice(path.lastIndexOf('/') + 1)));
    if (wanted.length === 0) throw noSuchChart(entry, `${host} lists no repository that fits`, listed);
    const found = await Promise.all(
      wanted.map((path) =>
        this.#findTags(
          { ...entry, name: undefined },
          { host, path, fixed, repository: target.repository(path), mayBeOther: true },
          true,
        ),
      ),
    );
    return merged(found);
  }

  /** Where nothing has that very name, charts may lie below it: then the error says so. */
  async #findTagsOrBelow(entry: MirrorEntry, place: RepositoryPlace, target: Target): Promise<Findings> {
    try {
      return await this.#findTags(entry, place);
    } catch (error) {
      if (!isChartError(error) || !['MANIFEST_NOT_FOUND', 'CHART_NOT_FOUND'].includes(error.code)) throw error;
      if (!(await this.#hasBelow(target, `${place.path}/`))) throw error;
      const below = `${entry.source.replace(/\/+$/, '')}/*`;
      throw new ChartError(error.code, `${place.host}/${place.path} is no chart, but there are charts below it`, {
        hint: `'${below}' stands for all of them.`,
        cause: error,
      });
    }
  }

  async #hasBelow(target: Target, start: string): Promise<boolean> {
    let looked = 0;
    try {
      for await (const name of target.listRepositories(this.#call())) {
        if (name.startsWith(start)) return true;
        looked += 1;
        if (looked === LOOK_BELOW) return false;
      }
    } catch (error) {
      if (!isChartError(error) || error.code === 'CANCELLED') throw error;
    }
    return false;
  }

  async #findTags(entry: MirrorEntry, place: RepositoryPlace, quiet = false): Promise<Findings> {
    const key = `${place.host}/${place.path}`;
    const tags = await once(this.#tags, key, () => collect(place.repository.listTags(this.#call())));
    const { versions, prereleases } = selectTags(tags, entry);
    if (versions.length === 0 && !quiet) throw noSuchVersion(entry, key, new Map([[key, tags]]), prereleases);
    return {
      charts: versions.map(({ tag, version }) => chartAt(place, tag, version)),
      leftOut: [],
      refused: [],
      prereleases,
    };
  }

  /** The cache, an image layout, a bundle: everything that has a name there. */
  async #findInTarget(entry: MirrorEntry, target: NamedSources, pattern: string): Promise<Findings> {
    const fits =
      pattern === ''
        ? () => true
        : isPattern(pattern)
          ? patternTest(pattern)
          : (name: string) => name === pattern || name.startsWith(`${pattern}/`);
    const names = await once(this.#catalogs, entry.source, () => collect(target.listRepositories(this.#call())));
    const wanted = names.filter((name) => fits(name) && isWanted(entry, name, name.slice(name.lastIndexOf('/') + 1)));
    const known = new Map<string, readonly string[]>();
    const found = await Promise.all(
      wanted.map(async (name) => {
        const { host, path } = parseReference(name);
        const repository = target.repository(name);
        const fixed = path.slice(0, path.lastIndexOf('/') + 1);
        const tags = (
          await once(this.#tags, `${entry.source} ${name}`, () => collect(repository.listTags(this.#call())))
        ).map((tag) => splitName(`x:${tag}`).tag);
        known.set(name, tags);
        const { versions, prereleases } = selectTags(tags, entry);
        return {
          charts: versions.map(({ tag, version }) =>
            chartAt({ host, path, fixed, repository, mayBeOther: true }, tag, version),
          ),
          leftOut: [],
          refused: [],
          prereleases,
        };
      }),
    );
    const findings = merged(found);
    if (findings.charts.length > 0) return findings;
    const all = names.map((name) => name.slice(name.lastIndexOf('/') + 1));
    if (wanted.length === 0) throw noSuchChart(entry, `${entry.source} holds no chart that fits`, all);
    const what = wanted.length === 1 ? `${entry.source} ${wanted[0]}` : entry.source;
    throw noSuchVersion(entry, what, known, findings.prereleases);
  }

  async #findClassic(entry: MirrorEntry, address: RepositoryAddress): Promise<Findings> {
    const repository = this.#classic(address);
    const index = await once(this.#indexes, address.base.href, () => repository.readIndex(undefined, this.#call()));
    const charts: FoundChart[] = [];
    let prereleases = 0;
    for (const [name, versions] of index.charts) {
      if (!isWanted(entry, name)) continue;
      const selected = selectVersions(versions, entry);
      prereleases += selected.prereleases;
      for (const chart of selected.versions) charts.push(await this.#indexedChart(repository, chart));
    }
    const broken = index.broken.filter(({ name, version }) => isWanted(entry, name) && fitsRule(entry, version));
    if (charts.length === 0 && broken.length === 0) {
      const wanted = [...index.charts].filter(([name]) => isWanted(entry, name));
      if (wanted.length === 0) throw noSuchChart(entry, `${address.shown} has no chart that fits`, index.charts.keys());
      const what = wanted.length === 1 ? `${address.shown} ${wanted[0]?.[0]}` : address.shown;
      const versions = new Map(wanted.map(([name, all]) => [name, all.map(({ version }) => version)]));
      throw noSuchVersion(entry, what, versions, prereleases);
    }
    const told = (duplicate: boolean): LeftOut[] =>
      broken
        .filter((entry) => entry.duplicate === duplicate)
        .map(({ name, version, reason }) => ({ source: address.shown, name, version, reason }));
    return { charts, leftOut: told(false), refused: told(true), prereleases };
  }

  /** An index may lead to a registry: then the chart is what that has. */
  async #indexedChart(repository: ClassicRepository, entry: IndexedChart): Promise<FoundChart> {
    const { base } = repository.address;
    const [url] = entry.urls;
    if (!url?.startsWith('oci://')) {
      const home = base.protocol === 'file:' ? '' : `${base.host}${base.pathname.replace(/\/$/, '').toLowerCase()}`;
      return new ClassicChart(repository, entry, { home, flavour: this.#dependencies.flavour ?? 'legacy' });
    }
    const { host, path, tag } = parseReference(url);
    if (host === undefined) throw new ChartError('REPOSITORY_INVALID', `${url} names no registry`);
    const target = await this.#dependencies.connect(host);
    const fixed = path.slice(0, path.lastIndexOf('/') + 1);
    return chartAt(
      { host, path, fixed, repository: target.repository(path) },
      wireTag(tag ?? entry.version),
      entry.version,
    );
  }

  #classic(address: RepositoryAddress): ClassicRepository {
    const key = address.base.href;
    const repository = this.#repositories.get(key) ?? new ClassicRepository({ address, fetch: this.#openWeb(address) });
    this.#repositories.set(key, repository);
    return repository;
  }

  #openWeb(address: RepositoryAddress): Fetch {
    if (this.#dependencies.openWeb) return this.#dependencies.openWeb(address);
    const { base, credentials } = address;
    const opening = import('../../registry/downloads.js').then(({ openDownloads }) =>
      openDownloads(base, { credentials }),
    );
    this.#downloads.push(opening);
    return async (url, use, options) => (await opening).read(url, use, options);
  }

  #call(): CallOptions {
    return { signal: this.#dependencies.signal };
  }
}

/** What of a `Target` is needed to read from it. */
interface NamedSources {
  repository(name: string): Source;
  listRepositories(options?: CallOptions): AsyncIterable<string>;
}

interface RepositoryPlace {
  readonly host: string | undefined;
  readonly path: string;
  /** The start of the path that is not repeated at the target. */
  readonly fixed: string;
  readonly repository: Source;
  readonly mayBeOther?: boolean;
}

function chartAt(
  { host, path, fixed, repository, mayBeOther = false }: RepositoryPlace,
  tag: string,
  version: string,
): OciChart {
  const home = repositoryName({ host, path });
  const name = path.slice(path.lastIndexOf('/') + 1);
  const relative = path.startsWith(fixed) ? path.slice(fixed.length) : path;
  return new OciChart({
    name,
    path,
    version,
    relative,
    home,
    source: `${home}:${version}`,
    repository,
    tag,
    mayBeOther,
  });
}

function fitsRule(entry: MirrorEntry, version: string | undefined): boolean {
  if (version === undefined || parseVersion(version) === undefined) return entry.version === undefined;
  return selectVersions([{ version }], { ...entry, limit: undefined }).versions.length > 0;
}

function merged(all: readonly Findings[]): Findings {
  return {
    charts: all.flatMap(({ charts }) => charts),
    leftOut: all.flatMap(({ leftOut }) => leftOut),
    refused: all.flatMap(({ refused }) => refused),
    prereleases: all.reduce((sum, { prereleases }) => sum + prereleases, 0),
  };
}

async function collect(names: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const name of names) all.push(name);
  return all;
}

/** What failed once is not kept: another entry may be luckier. */
function once<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = cache.get(key);
  if (known) return known;
  const made = make();
  cache.set(key, made);
  made.catch((error: unknown) => {
    if (isChartError(error)) cache.delete(key);
  });
  return made;
}
