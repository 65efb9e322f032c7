/**
 * Pages for people, of the charts that are here.
 *
 *     /                            all, page by page; ?q=WORDS&page=N
 *     /team                        those below a path
 *     /team/app                    one, in its newest version; ?versions lists all
 *     /team/app:1.0.0              as the reference says
 *     /-/...                       what pages load
 */
import type { IncomingMessage } from 'node:http';
import { isChartError } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { splitName } from '../oci/reference.js';
import type { CatalogChart, CatalogSnapshot, ChartCatalog } from './catalog.js';
import { renderChart, type ShownTexts } from './chart-page.js';
import { addressOf } from './commands.js';
import { type ChartFamily, type Families, findChart, groupFamilies, searchFamilies } from './families.js';
import { ASSETS, PAGE_HEADERS, type PageContext, renderPage } from './frame.js';
import { html } from './html.js';
import { renderList } from './list-page.js';
import { Recent } from './recent.js';
import { EncodableText, type TextReply } from './reply.js';
import type { ChartRepositories } from './repository.js';
import { isInside } from './scope.js';
import { decodeText, shorten, withoutHidden } from './texts.js';
import { renderVersions } from './versions-page.js';

/** Bytes of an archive that is opened to show what is in it. */
const ARCHIVE_LIMIT = 16 * 1024 * 1024;
/** Bytes of a README or of values that are shown. */
const TEXT_LIMIT = 128 * 1024;
/** Charts whose texts are kept. */
const KEPT_TEXTS = 64;
const QUERY_LIMIT = 200;

export interface PagesOptions {
  readonly publicUrl?: string | undefined;
}

export class Pages {
  readonly #catalog: ChartCatalog;
  readonly #repositories: ChartRepositories;
  readonly #options: PagesOptions;
  readonly #texts = new Recent<string, Promise<ShownTexts>>(KEPT_TEXTS);
  #grouped: { readonly snapshot: CatalogSnapshot; readonly families: Families } | undefined;

  constructor(catalog: ChartCatalog, repositories: ChartRepositories, options: PagesOptions) {
    this.#catalog = catalog;
    this.#repositories = repositories;
    this.#options = options;
  }

  /** @returns undefined where there is nothing. @param path decoded, without its first slash */
  async answer(request: IncomingMessage, path: string, parameters: URLSearchParams): Promise<TextReply | undefined> {
    const asset = ASSETS.get(path);
    if (asset) return assetReply(asset);
    const snapshot = await this.#catalog.read();
    const text = await this.#render(this.#context(request), snapshot, path.replace(/\/$/, ''), parameters);
    return text === undefined ? undefined : { status: 200, headers: PAGE_HEADERS, text: new EncodableText(text) };
  }

  notFound(request: IncomingMessage): TextReply {
    const text = renderPage(this.#context(request), {
      title: 'Not found',
      body: html`<h1>Not found</h1>
<p class="lead">Nothing is here under this name. It may have been removed, or never have been here.</p>
<p class="use"><a href="${rootOf(request)}">All charts</a></p>`,
    });
    return { status: 404, headers: PAGE_HEADERS, text: new EncodableText(text) };
  }

  #context(request: IncomingMessage): PageContext {
    return { address: addressOf(request, this.#options.publicUrl), root: rootOf(request) };
  }

  async #render(
    context: PageContext,
    snapshot: CatalogSnapshot,
    path: string,
    parameters: URLSearchParams,
  ): Promise<string | undefined> {
    const { all, byName } = this.#families(snapshot);
    const page = pageNumber(parameters.get('page'));
    if (path === '') {
      const query = shorten(withoutHidden(parameters.get('q') ?? '').trim(), QUERY_LIMIT);
      return renderList(context, { families: searchFamilies(all, query), scope: '', query, page });
    }
    const { repository, tag } = byName.has(path) ? { repository: path, tag: '' } : splitName(path);
    const family = byName.get(repository);
    if (family && tag === '' && parameters.has('versions')) return renderVersions(context, family, page);
    const chart = family && (tag === '' ? family.newest : findChart(family, tag));
    if (chart) return this.#renderChart(context, snapshot, family, chart);
    const families = family ? [] : all.filter(({ newest }) => isInside(newest, path));
    return families.length === 0 ? undefined : renderList(context, { families, scope: path, query: '', page });
  }

  async #renderChart(
    context: PageContext,
    snapshot: CatalogSnapshot,
    family: ChartFamily,
    chart: CatalogChart,
  ): Promise<string> {
    const isOffered = await this.#repositories.offers(snapshot, family.name, chart.content);
    return renderChart(context, { family, chart, isOffered, texts: await this.#readTexts(chart.content.archive) });
  }

  #families(snapshot: CatalogSnapshot): Families {
    if (this.#grouped?.snapshot !== snapshot) this.#grouped = { snapshot, families: groupFamilies(snapshot) };
    return this.#grouped.families;
  }

  async #readTexts(archive: Descriptor): Promise<ShownTexts> {
    const known = this.#texts.get(archive.digest);
    if (known) return known;
    const reading = readTexts(this.#catalog, archive);
    this.#texts.set(archive.digest, reading);
    const forget = () => this.#texts.delete(archive.digest);
    // What is damaged may be mended.
    reading.then(({ isUnreadable }) => isUnreadable && forget(), forget);
    return reading;
  }
}

async function readTexts(catalog: ChartCatalog, archive: Descriptor): Promise<ShownTexts> {
  if (archive.size > ARCHIVE_LIMIT) return { isUnreadable: true };
  try {
    const { readme, values } = await catalog.readTexts(archive);
    return {
      ...(readme && { readme: await showReadme(readme.path, readme.bytes) }),
      ...(values && { values: showText(values.bytes) }),
    };
  } catch (error) {
    if (isChartError(error)) return { isUnreadable: true };
    throw error;
  }
}

async function showReadme(path: string, bytes: Uint8Array): Promise<NonNullable<ShownTexts['readme']>> {
  // What renders is large, and pages without a README do without.
  const { renderReadme } = await import('./readme.js');
  const { content, isCut } = showText(bytes);
  return { content: renderReadme(path, content), isCut };
}

function showText(bytes: Uint8Array): NonNullable<ShownTexts['values']> {
  const { text, isCut } = decodeText(bytes, TEXT_LIMIT);
  return { content: text, isCut };
}

function assetReply({ type, text }: { readonly type: string; readonly text: string }): TextReply {
  return {
    status: 200,
    headers: {
      'Content-Type': type,
      'Cache-Control': 'max-age=31536000, immutable',
      'Content-Security-Policy': "default-src 'none'",
    },
    text: new EncodableText(text),
  };
}

/** As many `../` as the path has slashes after its first. */
function rootOf({ url = '/' }: IncomingMessage): string {
  const path = url.split('?', 1)[0] as string;
  return '../'.repeat(path.split('/').length - 2) || './';
}

function pageNumber(text: string | null): number {
  const number = Number(text ?? 1);
  return Number.isSafeInteger(number) && number >= 1 ? number : 1;
}
