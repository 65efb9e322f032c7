/**
 * A chart of a classic repository as an artifact: the packed chart byte for byte, its Chart.yaml as the config, its provenance
 * file. It is what `chart save` makes of the same files, without annotations and without a clock, and so has the same digest on
 * every run and machine.
 */
import { Readable } from 'node:stream';
import { chartManifest, chartParts, type LayerFlavour, layerMediaType } from '../../artifact.js';
import { checkChartArchive } from '../../chart/archive/check.js';
import { encodeConfig } from '../../chart/config.js';
import type { ChartMetadata } from '../../chart/metadata.js';
import { comparePrecedence, parseVersion } from '../../chart/version.js';
import { ChartError } from '../../errors.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { type Digest, digestOf } from '../../oci/digest.js';
import { parseManifest, type RawManifest } from '../../oci/manifest.js';
import { CHART_CONFIG, CHART_PROVENANCE } from '../../oci/media-types.js';
import type { CallOptions, Source } from '../../oci/target.js';
import type { IndexedChart, IndexedDependency } from '../../repository/index-entry.js';
import type { ClassicRepository } from '../../repository/repository.js';
import type { Comparison, ExistingManifest, FoundChart, OpenedChart, OpenOptions } from './found-chart.js';

export class ClassicChart implements FoundChart {
  readonly name: string;
  readonly version: string;
  readonly source: string;
  readonly home: string;
  readonly mayBeOther = false;
  readonly #repository: ClassicRepository;
  readonly #entry: IndexedChart;
  readonly #flavour: LayerFlavour;

  constructor(
    repository: ClassicRepository,
    entry: IndexedChart,
    { home, flavour }: { home: string; flavour: LayerFlavour },
  ) {
    this.name = entry.name;
    this.version = entry.version;
    this.source = `${repository.address.shown} ${entry.name} ${entry.version}`;
    this.home = home === '' ? entry.name : `${home}/${entry.name}`;
    this.#repository = repository;
    this.#entry = entry;
    this.#flavour = flavour;
  }

  get path(): string {
    return this.name;
  }

  get relative(): string {
    return this.name;
  }

  prepare(): void {}

  /** The packed chart decides: whether a manifest was made by this program or another, it holds the same chart. */
  async compare(existing: ExistingManifest, options: CallOptions): Promise<Comparison> {
    const there = layerOf(await existing.read());
    if (this.#entry.digest !== undefined) return { same: there === this.#entry.digest };
    const opened = await this.open(options);
    try {
      return { same: there === layerOf(opened.manifest), wanted: opened.manifest.descriptor.digest };
    } finally {
      await opened.close();
    }
  }

  async dependencies(): Promise<readonly IndexedDependency[]> {
    return this.#entry.dependencies;
  }

  async attachedTo(): Promise<undefined> {
    return undefined;
  }

  async open({ signal, through }: OpenOptions): Promise<OpenedChart> {
    const { archive, provenance } = await this.#repository.fetchChart(this.#entry, { signal, through });
    try {
      const { metadata } = await checkChartArchive(() => archive.open(), { signal });
      this.#checkIdentity(metadata);
      const config = encodeConfig(metadata);
      const layer = { mediaType: layerMediaType(this.#flavour), digest: archive.digest, size: archive.size };
      const parts = {
        config: describe(config, CHART_CONFIG),
        layer,
        provenance: provenance && describe(provenance, CHART_PROVENANCE),
      };
      const manifest = chartManifest(parts);
      const blobs = new Map<Digest, () => Promise<Readable>>([
        [parts.config.digest, async () => streamOf(config)],
        [layer.digest, () => archive.open()],
      ]);
      if (provenance && parts.provenance) blobs.set(parts.provenance.digest, async () => streamOf(provenance));
      return { manifest, source: sourceOf(manifest, blobs), atHand: true, close: () => archive.discard() };
    } catch (error) {
      await archive.discard();
      throw error;
    }
  }

  #checkIdentity({ name, version }: ChartMetadata): void {
    const [own, said] = [parseVersion(version), parseVersion(this.version)];
    const same =
      own !== undefined && said !== undefined && comparePrecedence(own, said) === 0 && own.build === said.build;
    if (name === this.name && same) return;
    throw new ChartError('CHART_INVALID', `${this.source}: the packed chart there is ${name} ${version}`, {
      hint: 'The index of the repository names another chart than the one that it leads to.',
    });
  }
}

function layerOf({ bytes, descriptor }: RawManifest): Digest | undefined {
  try {
    return chartParts(parseManifest(bytes, descriptor.mediaType)).layer.digest;
  } catch (error) {
    if (error instanceof ChartError) return undefined;
    throw error;
  }
}

function describe(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function streamOf(bytes: Uint8Array): Readable {
  return Readable.from([bytes], { objectMode: false });
}

/** One artifact at hand, as a place to copy from. */
function sourceOf(manifest: RawManifest, blobs: ReadonlyMap<Digest, () => Promise<Readable>>): Source {
  return {
    resolve: async () => manifest.descriptor,
    readManifest: async () => manifest,
    readBlob: async ({ digest }) => {
      const open = blobs.get(digest);
      if (open === undefined) throw new ChartError('BLOB_NOT_FOUND', `blob ${digest} is not part of this chart`);
      return open();
    },
    statBlob: async () => undefined,
    listTags: async function* () {},
  };
}
