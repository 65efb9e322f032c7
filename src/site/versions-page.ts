/** All versions of a chart, page by page. */

import { versionItem } from './chart-page.js';
import type { ChartFamily } from './families.js';
import { countOf, type PageContext, pager, renderPage } from './frame.js';
import { html } from './html.js';
import { cleanLine, shorten } from './texts.js';

const PAGE_SIZE = 100;

/** @param wanted the page's number, from 1 */
export function renderVersions(context: PageContext, { name, newest, charts }: ChartFamily, wanted: number): string {
  const { root } = context;
  const pages = Math.max(Math.ceil(charts.length / PAGE_SIZE), 1);
  const page = Math.min(wanted, pages);
  const title = cleanLine(newest.content.metadata.name);
  const body = html`<h1><bdi>${title}</bdi></h1>
<p class="lead">${countOf(charts.length, 'version')} of <a class="mono" href="${root}${name}">${name}</a>.</p>
<ul class="versions many" aria-label="Versions">${charts
    .slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)
    .map((chart) => versionItem(root, chart, false))}</ul>
${pager((number) => `${root}${name}?versions&page=${number}`, page, pages)}`;
  return renderPage(context, { title: `${shorten(title, 80)} – Versions`, body });
}
