/** The charts that are here, or those that a search found, page by page. */
import { servedReference } from './catalog.js';
import { addRepositoryLine } from './commands.js';
import type { ChartFamily } from './families.js';
import { commandLine, countOf, dateOf, type PageContext, pager, renderPage } from './frame.js';
import { type Fragment, html } from './html.js';
import { cleanLine, shorten } from './texts.js';

export interface ListInput {
  readonly families: readonly ChartFamily[];
  /** The path below which all of them are; empty for everything. */
  readonly scope: string;
  readonly query: string;
  /** From 1. */
  readonly page: number;
}

const PAGE_SIZE = 50;

export function renderList(context: PageContext, { families, scope, query, page: wanted }: ListInput): string {
  const { root, address } = context;
  const pages = Math.max(Math.ceil(families.length / PAGE_SIZE), 1);
  const page = Math.min(wanted, pages);
  const shown = families.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
  const heading = query !== '' ? 'Search' : scope !== '' ? scope : 'Charts';
  const link = (number: number): string => {
    const parameters = new URLSearchParams({ ...(query !== '' && { q: query }), page: String(number) });
    return `${root}${scope}?${parameters}`;
  };
  const body = html`<h1>${heading}</h1>
<p class="lead">${summary(families.length, query)}</p>
${shown.length > 0 && html`<ul class="charts">${shown.map((family) => item(context, family))}</ul>`}
${pager(link, page, pages)}
${
  query === '' &&
  html`<section class="use" aria-labelledby="use"><h2 id="use">Use them</h2>
<p>Each chart’s own page has the lines that install and pull it. All of them, as a classic chart repository:</p>
${commandLine('Add the repository', addRepositoryLine(address, scope))}</section>`
}`;
  const title = query !== '' ? `${shorten(query, 60)} – Search` : heading;
  return renderPage(context, { title, query, body });
}

function summary(count: number, query: string): Fragment {
  if (query === '') return count === 0 ? 'No charts are here yet.' : `${countOf(count, 'chart')}.`;
  const quoted = html`<q><bdi>${shorten(query, 200)}</bdi></q>`;
  return count === 0 ? html`Nothing was found for ${quoted}.` : html`${countOf(count, 'chart')} for ${quoted}.`;
}

function item({ root }: PageContext, { name, newest, charts }: ChartFamily): Fragment {
  const { metadata, created } = newest.content;
  const description = cleanLine(metadata.description ?? '');
  return html`<li>
<h2><a href="${root}${servedReference(newest)}"><bdi>${cleanLine(metadata.name)}</bdi></a> <span class="version"><bdi>${cleanLine(metadata.version)}</bdi></span>${metadata.deprecated && html` <span class="badge warn">Deprecated</span>`}</h2>
${description !== '' && html`<p dir="auto">${shorten(description, 280)}</p>`}
<p class="facts"><span class="mono">${name}</span> <span>${countOf(charts.length, 'version')}</span> <span>${dateOf(created)}</span></p>
</li>`;
}
