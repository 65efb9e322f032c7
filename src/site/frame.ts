/** What all pages have in common. */
import { createHash } from 'node:crypto';
import type { Address } from './commands.js';
import { type Fragment, html } from './html.js';
import { STYLE } from './style.js';

/** What a page knows of its request. */
export interface PageContext {
  readonly address: Address;
  /** From the page to the root of the site, such as `../`: links are relative, so that they work behind any proxy. */
  readonly root: string;
}

/** A page is text alone: it runs nothing, and loads nothing but its style and its icon, from here. */
export const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-cache',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#1c64a8" d="M16 2 28 9v14L16 30 4 23V9z"/><path fill="none" stroke="#fff" stroke-width="2" stroke-linejoin="round" d="m4.500 9.300 11.500 6.700 11.500-6.700M16 16v13.500"/></svg>`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('hex').slice(0, 12);

/** Files that pages load, by name. A repository cannot have such a name. */
export const ASSETS: ReadonlyMap<string, { readonly type: string; readonly text: string }> = new Map([
  [`-/style-${STYLE_HASH}.css`, { type: 'text/css; charset=utf-8', text: STYLE }],
  ['-/icon.svg', { type: 'image/svg+xml', text: ICON }],
]);

export interface Page {
  readonly title: string;
  /** What the search field holds. */
  readonly query?: string | undefined;
  readonly body: Fragment;
}

export function renderPage({ root }: PageContext, { title, query = '', body }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="stylesheet" href="${root}-/style-${STYLE_HASH}.css">
<link rel="icon" href="${root}-/icon.svg" type="image/svg+xml">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<div class="wide">
<a class="home" href="${root}">Charts</a>
<form role="search" action="${root}" method="get">
<label class="hidden" for="q">Search charts</label>
<input type="search" id="q" name="q" value="${query}" placeholder="Search charts" autocomplete="off" spellcheck="false">
<button type="submit">Search</button>
</form>
</div>
</header>
<main id="content" class="wide" tabindex="-1">
${body}
</main>
</body>
</html>
`.text;
}

/** A line to copy: one click or tap selects all of it. */
export function commandLine(label: string, line: string): Fragment {
  // An option is not broken at its hyphens.
  const pieces = line
    .split(/(?<= )(--[a-z-]+)/)
    .map((piece, at) => (at % 2 === 0 ? piece : html`<span class="option">${piece}</span>`));
  return html`<figure class="command"><figcaption>${label}</figcaption><pre><code>${pieces}</code></pre></figure>`;
}

/** Links to the pages before and after; nothing where there is one page. */
export function pager(link: (page: number) => string, page: number, pages: number): Fragment {
  if (pages <= 1) return undefined;
  return html`<nav class="pager" aria-label="Pages">
${page > 1 ? html`<a rel="prev" href="${link(page - 1)}">Previous</a>` : html`<span></span>`}
<span>Page ${page} of ${pages}</span>
${page < pages ? html`<a rel="next" href="${link(page + 1)}">Next</a>` : html`<span></span>`}
</nav>`;
}

export function dateOf(date: Date): Fragment {
  return html`<time datetime="${date.toISOString()}">${DATES.format(date)}</time>`;
}

const DATES = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });

export function countOf(count: number, noun: string): string {
  return `${NUMBERS.format(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const NUMBERS = new Intl.NumberFormat('en-GB');

export function sizeOf(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[power]}`;
}
