/** A chart in a registry, the cache or a layout: copied byte for byte. */
import { chartParts, looksLikeChart } from '../../artifact.js';
import { parseConfig } from '../../chart/config.js';
import type { ChartDependency } from '../../chart/metadata.js';
import { ChartError } from '../../errors.js';
import type { Descriptor } from '../../oci/descriptor.js';
import { checkBytes, MANIFEST_LIMIT, parseManifest, type RawManifest } from '../../oci/manifest.js';
import type { CallOptions, Source } from '../../oci/target.js';
import type { AttachedTo, Comparison, ExistingManifest, FoundChart, OpenedChart, OpenOptions } from './found-chart.js';
import type { PlacedChart } from './placement.js';

export interface OciChartOptions extends PlacedChart {
  /** `HOST/PATH:TAG`. */
  readonly source: string;
  readonly repository: Source;
  /** As the source has it. */
  readonly tag: string;
  readonly mayBeOther: boolean;
}

export class OciChart implements FoundChart {
  readonly name: string;
  readonly path: string;
  readonly version: string;
  readonly relative: string;
  readonly home: string;
  readonly source: string;
  readonly mayBeOther: boolean;
  readonly #repository: Source;
  readonly #tag: string;
  #manifest: Promise<RawManifest> | undefined;
  #resolved: Promise<Descriptor> | undefined;

  constructor({ name, path, version, relative, home, source, repository, tag, mayBeOther }: OciChartOptions) {
    this.name = name;
    this.path = path;
    this.version = version;
    this.relative = relative;
    this.home = home;
    this.source = source;
    this.mayBeOther = mayBeOther;
    this.#repository = repository;
    this.#tag = tag;
  }

  prepare(next: 'compare' | 'copy', options: CallOptions): void {
    if (next === 'copy') this.#read(options).catch(() => undefined);
    else if (this.#manifest === undefined) this.#resolve(options).catch(() => undefined);
  }

  async compare({ digest }: ExistingManifest, options: CallOptions): Promise<Comparison> {
    const known = await (this.#manifest?.then(({ descriptor }) => descriptor) ?? this.#resolve(options));
    return { same: known.digest === digest, wanted: known.digest };
  }

  async dependencies(options: CallOptions): Promise<readonly ChartDependency[]> {
    const manifest = await this.#read(options);
    const parsed = parseManifest(manifest.bytes, manifest.descriptor.mediaType);
    if (!looksLikeChart(parsed)) return [];
    const { config } = chartParts(parsed);
    return parseConfig(await readSmall(this.#repository, config, options)).dependencies ?? [];
  }

  async attachedTo(options: CallOptions): Promise<AttachedTo> {
    return { source: this.#repository, manifest: await this.#read(options) };
  }

  async open(options: OpenOptions): Promise<OpenedChart> {
    const manifest = await this.#read(options);
    const parsed = parseManifest(manifest.bytes, manifest.descriptor.mediaType);
    if (!looksLikeChart(parsed)) {
      throw new ChartError('ARTIFACT_NOT_A_CHART', `${this.source} is no Helm chart`, {
        hint: 'It is another kind of artifact, such as an image. Leave it out with exclude.',
      });
    }
    const close = async (): Promise<void> => {
      if (!this.mayBeOther) this.#manifest = undefined;
    };
    return { source: this.#repository, manifest, atHand: false, close };
  }

  #resolve(options: CallOptions): Promise<Descriptor> {
    this.#resolved ??= this.#repository.resolve(this.#tag, options);
    return this.#resolved;
  }

  /** Once for dependencies and copying. */
  #read(options: CallOptions): Promise<RawManifest> {
    this.#manifest ??= this.#repository.readManifest(this.#tag, options);
    return this.#manifest;
  }
}

async function readSmall(source: Source, blob: Descriptor, options: CallOptions): Promise<Uint8Array> {
  if (blob.size > MANIFEST_LIMIT) {
    throw new ChartError(
      'LIMIT_EXCEEDED',
      `the config ${blob.digest} has ${blob.size} bytes; at most ${MANIFEST_LIMIT} are read`,
    );
  }
  const pieces: Buffer[] = [];
  for await (const piece of await source.readBlob(blob, options)) pieces.push(piece as Buffer);
  const bytes = Buffer.concat(pieces);
  checkBytes(bytes, blob, 'blob');
  return bytes;
}
