/** Charts of classic repositories, as their index.yaml has them. */
import type { LayerFlavour } from '../../artifact.js';
import { parseVersion } from '../../chart/version.js';
import { ChartError } from '../../errors.js';
import { parseReference, wireTag } from '../../oci/reference.js';
import type { CallOptions, Target } from '../../oci/target.js';
import type { Downloads } from '../../registry/downloads.js';
import type { RepositoryAddress } from '../../repository/address.js';
import type { Fetch } from '../../repository/fetch.js';
import type { IndexedChart } from '../../repository/index-entry.js';
import type { RepositoryIndex } from '../../repository/read-index.js';
import { ClassicRepository } from '../../repository/repository.js';
import { ClassicChart } from './classic-chart.js';
import type { Findings, FoundChart } from './found-chart.js';
import { ListedOnce } from './listed-once.js';
import { noSuchChart, noSuchVersion } from './nothing-fits.js';
import { chartAt, parentOf } from './oci-findings.js';
import { isWanted, selectVersions } from './selection.js';
import type { LeftOut, MirrorEntry } from './types.js';

export interface ClassicDependencies {
  readonly connect: (host: string) => Promise<Target> | Target;
  readonly openWeb?: ((address: RepositoryAddress) => Fetch) | undefined;
  readonly flavour?: LayerFlavour | undefined;
}

export class ClassicSources {
  readonly #dependencies: ClassicDependencies;
  readonly #call: CallOptions;
  readonly #indexes = new ListedOnce<RepositoryIndex>();
  readonly #repositories = new Map<string, ClassicRepository>();
  readonly #downloads: Promise<Downloads>[] = [];

  constructor(dependencies: ClassicDependencies, call: CallOptions) {
    this.#dependencies = dependencies;
    this.#call = call;
  }

  /** Gives up connections that were opened here. */
  async close(): Promise<void> {
    await Promise.all(this.#downloads.map(async (opening) => (await opening).close()));
  }

  async find(entry: MirrorEntry, address: RepositoryAddress): Promise<Findings> {
    const repository = this.#repositoryAt(address);
    const index = await this.#indexes.get(address.base.href, () => repository.readIndex(undefined, this.#call));
    const charts: FoundChart[] = [];
    let prereleases = 0;
    for (const [name, versions] of index.charts) {
      if (!isWanted(entry, name)) continue;
      const selected = selectVersions(versions, entry);
      prereleases += selected.prereleases;
      for (const chart of selected.versions) charts.push(await this.#chartOf(repository, chart));
    }
    const broken = index.broken.filter(({ name, version }) => isWanted(entry, name) && fitsRule(entry, version));
    if (charts.length === 0 && broken.length === 0) throw nothingFits(entry, address, index, prereleases);
    const told = (duplicate: boolean): LeftOut[] =>
      broken
        .filter((entry) => entry.duplicate === duplicate)
        .map(({ name, version, reason }) => ({ source: address.shown, name, version, reason }));
    return { charts, leftOut: told(false), refused: told(true), prereleases };
  }

  /** An index may lead to a registry: then the chart is what that has. */
  async #chartOf(repository: ClassicRepository, entry: IndexedChart): Promise<FoundChart> {
    const { base } = repository.address;
    const [url] = entry.urls;
    if (!url?.startsWith('oci://')) {
      const home = base.protocol === 'file:' ? '' : `${base.host}${base.pathname.replace(/\/$/, '').toLowerCase()}`;
      return new ClassicChart(repository, entry, { home, flavour: this.#dependencies.flavour ?? 'legacy' });
    }
    const { host, path, tag } = parseReference(url);
    if (host === undefined) throw new ChartError('REPOSITORY_INVALID', `${url} names no registry`);
    const target = await this.#dependencies.connect(host);
    const place = { host, path, fixed: parentOf(path), repository: target.repository(path) };
    return chartAt(place, wireTag(tag ?? entry.version), entry.version);
  }

  #repositoryAt(address: RepositoryAddress): ClassicRepository {
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
}

function nothingFits(
  entry: MirrorEntry,
  address: RepositoryAddress,
  index: RepositoryIndex,
  prereleases: number,
): ChartError {
  const wanted = [...index.charts].filter(([name]) => isWanted(entry, name));
  if (wanted.length === 0) return noSuchChart(entry, `${address.shown} has no chart that fits`, index.charts.keys());
  const what = wanted.length === 1 ? `${address.shown} ${wanted[0]?.[0]}` : address.shown;
  const versions = new Map(wanted.map(([name, all]) => [name, all.map(({ version }) => version)]));
  return noSuchVersion(entry, what, versions, prereleases);
}

function fitsRule(entry: MirrorEntry, version: string | undefined): boolean {
  if (version === undefined || parseVersion(version) === undefined) return entry.version === undefined;
  return selectVersions([{ version }], { ...entry, limit: undefined }).versions.length > 0;
}
