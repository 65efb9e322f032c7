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
import { type Layout, openLayout } from '../../layout/layout.js';
import type { CallOptions, Target } from '../../oci/target.js';
import { parseFileAddress, parseWebAddress, type RepositoryAddress } from '../../repository/address.js';
import type { Fetch } from '../../repository/fetch.js';
import type { ClassicSources } from './classic-sources.js';
import type { Findings } from './found-chart.js';
import { ListedOnce } from './listed-once.js';
import { LocalSources } from './local-sources.js';
import { RegistrySources } from './registry-sources.js';
import { sourceKind } from './source-kind.js';
import type { MirrorEntry } from './types.js';

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
  readonly #call: CallOptions;
  readonly #registries: RegistrySources;
  readonly #local: LocalSources;
  readonly #bundles = new ListedOnce<OpenBundle>();
  #classic: Promise<ClassicSources> | undefined;

  constructor(dependencies: SourceDependencies) {
    this.#dependencies = dependencies;
    this.#call = { signal: dependencies.signal };
    this.#registries = new RegistrySources(dependencies.connect, this.#call);
    this.#local = new LocalSources(this.#call);
  }

  /** Gives up bundles and connections that were opened here. */
  async close(): Promise<void> {
    await (await this.#classic)?.close();
    for (const opening of this.#bundles.all()) await (await opening.catch(() => undefined))?.close();
  }

  /** The charts that an entry asks for. @throws ChartError what the source throws; `MANIFEST_NOT_FOUND`, `CHART_NOT_FOUND` where nothing fits */
  async find(entry: MirrorEntry): Promise<Findings> {
    const { source } = entry;
    switch (sourceKind(source)) {
      case 'web':
        return (await this.#openClassic()).find(entry, parseWebAddress(source));
      case 'file':
        return (await this.#openClassic()).find(entry, parseFileAddress(source));
      case 'cache':
        return this.#local.find(entry, this.#dependencies.layout, source.slice('cache:'.length));
      case 'layout': {
        const path = /^file:/i.test(source) ? fileURLToPath(source) : source;
        return this.#local.find(entry, openLayout(path, { readOnly: true }), '');
      }
      case 'bundle': {
        const file = source.replace(/^bundle:/, '');
        const { openBundle } = await import('../../bundle/open.js');
        const bundle = await this.#bundles.get(file, () => openBundle(file, this.#call));
        return this.#local.find(entry, bundle, '');
      }
      case 'catalog':
        return this.#registries.findInCatalog(entry);
      default:
        return this.#registries.findInRepository(entry);
    }
  }

  /** With what reads an index.yaml, which is not needed for other sources. */
  #openClassic(): Promise<ClassicSources> {
    this.#classic ??= import('./classic-sources.js').then(
      ({ ClassicSources }) => new ClassicSources(this.#dependencies, this.#call),
    );
    return this.#classic;
  }
}
