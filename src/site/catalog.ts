/**
 * What the site is told of the charts that are here. It sees this and nothing else: not the cache, and not how names are given.
 *
 *     registry.example.com/team/app : 1.0.0      repository : reference, as the cache has them
 *                          team/app              shortName, where nothing else goes by it
 */
import type { Readable } from 'node:stream';
import type { ChartMetadata } from '../chart/metadata.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { Digest } from '../oci/digest.js';
import type { ReadBlobOptions } from '../oci/target.js';

/** What is in a chart artifact, whatever names it has. */
export interface ChartContent {
  /** Of the manifest. */
  readonly digest: Digest;
  /** Texts as their author wrote them: to be cleaned and escaped before they are shown. */
  readonly metadata: ChartMetadata;
  /** The packed chart. */
  readonly archive: Descriptor;
  /** The packed chart's SHA-256, 64 hex digits, also where its digest is another. */
  readonly sha256: string;
  readonly provenance: Descriptor | undefined;
  /** When the artifact says that it was made, else when the packed chart came here. */
  readonly created: Date;
}

/** A chart by one of its names. */
export interface CatalogChart {
  /** In full, as `registry.example.com/team/app`; of the grammar of references. */
  readonly repository: string;
  /** The repository without its host, where that is enough to find it. */
  readonly shortName: string | undefined;
  /** A tag as on screen (`1.0.0+build`), or a digest where the chart has no other name. */
  readonly reference: string;
  /** True on the host that short names mean. */
  readonly isPreferred: boolean;
  readonly content: ChartContent;
}

/** All charts at one moment. The same object is returned for as long as nothing has changed. */
export interface CatalogSnapshot {
  readonly charts: readonly CatalogChart[];
  /** When what is here last changed. */
  readonly changed: Date;
}

/** A file of a chart that the site shows. */
export interface ChartText {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface ChartCatalog {
  /** @throws ChartError where the cache as a whole cannot be read; a chart that cannot be read is left out */
  read(): Promise<CatalogSnapshot>;
  /** A blob's bytes as they are. @throws ChartError `BLOB_NOT_FOUND` */
  openBlob(blob: Descriptor, range?: Pick<ReadBlobOptions, 'start' | 'end'>): Promise<Readable>;
  /** As `openBlob`, whole; the stream fails instead of ending where its content is not what the digest promises. */
  openVerified(blob: Descriptor): Promise<Readable>;
  /** README and values of a packed chart. @throws ChartError where it cannot be unpacked */
  readTexts(archive: Descriptor): Promise<{ readonly readme?: ChartText; readonly values?: ChartText }>;
}

/** The name under which a chart is shown: the shortest that finds it. */
export function servedName({ shortName, repository }: CatalogChart): string {
  return shortName ?? repository;
}

/** `team/app:1.0.0`, or `team/app@sha256:...` */
export function servedReference(chart: CatalogChart): string {
  return `${servedName(chart)}${chart.reference.includes(':') ? '@' : ':'}${chart.reference}`;
}
