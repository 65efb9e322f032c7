/**
 * The cache as chart repositories.
 *
 *     SCOPE/index.yaml                              see index-yaml.ts
 *     SCOPE/charts/NAME-VERSION.tgz                 the packed chart
 *     SCOPE/charts/NAME-VERSION.tgz.prov            who signed it, where somebody did
 *     SCOPE/charts/SHA256/NAME-VERSION.tgz[.prov]   the same, by what is in it
 */
import { isDigest } from '../oci/digest.js';
import type { CatalogSnapshot, ChartCatalog, ChartContent } from './catalog.js';
import { formatIndexYaml, type KnownEntries } from './index-yaml.js';
import { Recent } from './recent.js';
import { EncodableText, type Reply, type StreamReply } from './reply.js';
import { isInside, type OfferedChart, openScope, type Scope } from './scope.js';
import { cleanLine } from './texts.js';

export type RepositoryRoute =
  | { readonly kind: 'index'; readonly scope: string }
  | { readonly kind: 'archive'; readonly scope: string; readonly sha256: string | undefined; readonly file: string };

/** @param segments the path between its slashes, decoded. A path is read from its end: a repository may be named `charts`. */
export function parseRepositoryRoute(segments: readonly string[]): RepositoryRoute | undefined {
  const last = segments.at(-1) ?? '';
  if (last === 'index.yaml') return { kind: 'index', scope: segments.slice(0, -1).join('/') };
  if (!/\.tgz(?:\.prov)?$/.test(last)) return undefined;
  if (segments.at(-2) === 'charts') {
    return { kind: 'archive', scope: segments.slice(0, -2).join('/'), sha256: undefined, file: last };
  }
  const sha256 = segments.at(-2) ?? '';
  if (segments.at(-3) !== 'charts' || !isDigest(`sha256:${sha256}`)) return undefined;
  return { kind: 'archive', scope: segments.slice(0, -3).join('/'), sha256, file: last };
}

interface OpenScope {
  readonly snapshot: CatalogSnapshot;
  readonly scope: Promise<Scope | undefined>;
  index: Promise<EncodableText> | undefined;
  files: Promise<ReadonlyMap<string, OfferedChart>> | undefined;
}

/** Scopes that are kept with their indexes; the one that was asked for longest ago goes first. */
const KEPT_SCOPES = 16;

/** Answers for chart repositories; what it made is kept until the catalog changes. */
export class ChartRepositories {
  readonly #catalog: ChartCatalog;
  readonly #open = new Recent<string, OpenScope>(KEPT_SCOPES);
  readonly #entries: KnownEntries = new WeakMap();

  constructor(catalog: ChartCatalog) {
    this.#catalog = catalog;
  }

  /** @returns undefined where there is nothing */
  async answer(route: RepositoryRoute): Promise<Reply | undefined> {
    const snapshot = await this.#catalog.read();
    const open = this.#scope(snapshot, route.scope);
    return route.kind === 'index' ? this.#index(open) : this.#archive(open, route);
  }

  /** True if the repository of that path has this archive as `NAME-VERSION`. */
  async offers(snapshot: CatalogSnapshot, path: string, { sha256, metadata }: ChartContent): Promise<boolean> {
    const scope = await this.#scope(snapshot, path).scope;
    return scope?.charts.some(({ content, name }) => content.sha256 === sha256 && name === metadata.name) ?? false;
  }

  async #index(open: OpenScope): Promise<Reply | undefined> {
    const { snapshot } = open;
    const scope = await open.scope;
    if (!scope) return undefined;
    open.index ??= formatIndexYaml(scope, snapshot.changed, this.#entries).then((text) => new EncodableText(text));
    return {
      status: 200,
      headers: {
        'Content-Type': 'application/yaml',
        'Cache-Control': 'no-cache',
        'Last-Modified': snapshot.changed.toUTCString(),
      },
      text: await open.index,
    };
  }

  async #archive(
    open: OpenScope,
    { scope, sha256, file }: Extract<RepositoryRoute, { kind: 'archive' }>,
  ): Promise<Reply | undefined> {
    const name = file.replace(/\.prov$/, '');
    const { content } =
      sha256 === undefined
        ? ((await filesOf(open)).get(name) ?? {})
        : (open.snapshot.charts.find(
            (chart) =>
              chart.content.sha256 === sha256 &&
              isNamed(chart.content.metadata, name) &&
              (scope === '' || isInside(chart, scope)),
          ) ?? {});
    if (!content) return undefined;
    const immutable = sha256 !== undefined;
    if (name === file) return this.#blob(content.archive, 'application/gzip', immutable, content.created);
    return content.provenance && this.#blob(content.provenance, 'text/plain; charset=utf-8', false, content.created);
  }

  #blob(blob: OfferedChart['content']['archive'], type: string, isImmutable: boolean, created: Date): StreamReply {
    return {
      headers: {
        'Content-Type': type,
        'Cache-Control': isImmutable ? 'max-age=31536000, immutable' : 'no-cache',
        'Last-Modified': created.toUTCString(),
      },
      etag: `"${blob.digest}"`,
      size: blob.size,
      open: (range) => (range ? this.#catalog.openBlob(blob, range) : this.#catalog.openVerified(blob)),
    };
  }

  #scope(snapshot: CatalogSnapshot, path: string): OpenScope {
    const known = this.#open.get(path);
    if (known?.snapshot === snapshot) return known;
    const open = { snapshot, scope: openScope(snapshot, path), index: undefined, files: undefined };
    this.#open.set(path, open);
    void open.scope.then((scope) => {
      if (!scope && this.#open.get(path) === open) this.#open.delete(path);
    });
    return open;
  }
}

function filesOf(open: OpenScope): Promise<ReadonlyMap<string, OfferedChart>> {
  open.files ??= open.scope.then(
    (scope) => new Map(scope?.charts.flatMap((chart) => (chart.hasOwnFile ? [[chart.file, chart] as const] : []))),
  );
  return open.files;
}

function isNamed({ name, version }: { name: string; version: string }, file: string): boolean {
  return file === `${cleanLine(name)}-${version}.tgz`;
}
