/** One chart: what it is, how to get it, and what its author says of it. */
import type { ChartDependency, ChartMetadata } from '../chart/metadata.js';
import { type CatalogChart, servedName, servedReference } from './catalog.js';
import { classicPullLine, installLine, pullLine } from './commands.js';
import type { ChartFamily } from './families.js';
import { commandLine, countOf, dateOf, type PageContext, renderPage, sizeOf } from './frame.js';
import { type Fragment, type Html, html } from './html.js';
import { isWebAddress } from './links.js';
import { cleanLine, codePointName, shorten, splitHidden, withoutHidden } from './texts.js';

/** The parts of a chart's archive that are shown; each may be missing. */
export interface ShownTexts {
  readonly readme?: Shown<Html>;
  readonly values?: Shown<string>;
  /** True if the archive could not be read. */
  readonly isUnreadable?: boolean;
}

export interface Shown<T> {
  readonly content: T;
  /** True if there is more than is shown. */
  readonly isCut: boolean;
}

export interface ChartInput {
  readonly family: ChartFamily;
  readonly chart: CatalogChart;
  readonly texts: ShownTexts;
  /** True if the chart repository of this path has the chart. */
  readonly isOffered: boolean;
}

const SHOWN_VERSIONS = 8;
const SHOWN_ITEMS = 100;

export function renderChart(context: PageContext, input: ChartInput): string {
  const { chart, texts, isOffered } = input;
  const { address } = context;
  const { metadata } = chart.content;
  const name = cleanLine(metadata.name);
  const version = cleanLine(metadata.version);
  const description = cleanLine(metadata.description ?? '');
  const install = installLine(chart, address);
  const body = html`<article class="chart">
<header>
<h1><bdi>${name}</bdi> <span class="version"><bdi>${version}</bdi></span></h1>
${description !== '' && html`<p class="lead" dir="auto">${shorten(description, 1000)}</p>`}
${badges(metadata)}
</header>
<section class="use" aria-labelledby="use">
<h2 id="use" class="hidden">Use it</h2>
${install !== undefined && commandLine('Install', install)}
${commandLine('Pull', pullLine(chart, address))}
${isOffered && commandLine('Pull with Helm before 3.8', classicPullLine(chart, address))}
</section>
<div class="columns">
<div class="texts">
${readme(texts)}
${values(texts)}
${dependencies(metadata.dependencies ?? [])}
</div>
<aside aria-label="About this chart">
${facts(context, input)}
${versions(context, input)}
${people(context, metadata)}
</aside>
</div>
</article>`;
  return renderPage(context, { title: `${shorten(name, 80)} ${shorten(version, 40)}`, body });
}

function badges({ deprecated, type, appVersion, kubeVersion }: ChartMetadata): Fragment {
  const shown = [
    deprecated && html`<li class="badge warn">Deprecated</li>`,
    type === 'library' && html`<li class="badge">Library</li>`,
    appVersion !== undefined && html`<li class="badge">App <bdi>${shorten(cleanLine(appVersion), 80)}</bdi></li>`,
    kubeVersion !== undefined &&
      html`<li class="badge">Kubernetes <bdi>${shorten(cleanLine(kubeVersion), 80)}</bdi></li>`,
  ].filter((badge) => badge !== false);
  return shown.length > 0 && html`<ul class="badges" aria-label="Properties">${shown}</ul>`;
}

function readme({ readme: shown, isUnreadable }: ShownTexts): Fragment {
  return html`<section aria-labelledby="readme"><h2 id="readme">README</h2>
${
  isUnreadable
    ? html`<p class="note">The archive of this chart cannot be read here: it is damaged, or too large to be shown.</p>`
    : shown === undefined
      ? html`<p class="note">This chart has no README.</p>`
      : html`<div class="readme" dir="auto">${shown.content}</div>${shown.isCut && rest('README', 'readme')}`
}
</section>`;
}

function values({ readme: hasReadme, values: shown }: ShownTexts): Fragment {
  if (shown === undefined) return undefined;
  return html`<section aria-labelledby="values"><h2 id="values">Values</h2>
<details${!hasReadme && html` open`}><summary>values.yaml</summary>
<pre tabindex="0" dir="ltr"><code>${markHidden(shown.content)}</code></pre>${shown.isCut && rest('file', 'values')}</details>
</section>`;
}

function rest(what: string, part: string): Fragment {
  return html`<p class="note">The ${what} is longer than what is shown here; <code>helm show ${part}</code> has all of it.</p>`;
}

/** What would deceive a reader is shown by its number. */
function markHidden(text: string): Fragment {
  return splitHidden(text).map((piece, position) =>
    position % 2 === 0 ? piece : html`<mark>${codePointName(piece)}</mark>`,
  );
}

function dependencies(all: readonly ChartDependency[]): Fragment {
  if (all.length === 0) return undefined;
  return html`<section aria-labelledby="dependencies"><h2 id="dependencies">Dependencies</h2>
<div class="scroll" tabindex="0" role="group" aria-labelledby="dependencies"><table>
<thead><tr><th scope="col">Name</th><th scope="col">Version</th><th scope="col">Repository</th><th scope="col">When</th></tr></thead>
<tbody>${all.slice(0, SHOWN_ITEMS).map(
    ({ name, alias, version = '', repository, condition = '', tags = [] }) => html`<tr>
<th scope="row"><bdi>${cleanLine(name)}</bdi>${alias !== undefined && html` as <bdi>${cleanLine(alias)}</bdi>`}</th>
<td><bdi>${cleanLine(version)}</bdi></td>
<td class="address"><bdi>${cleanLine(repository)}</bdi></td>
<td><bdi>${cleanLine([condition, ...tags.map((tag) => `tag ${tag}`)].filter(Boolean).join(', '))}</bdi></td>
</tr>`,
  )}</tbody>
</table></div>
${all.length > SHOWN_ITEMS && html`<p class="note">And ${all.length - SHOWN_ITEMS} more.</p>`}
</section>`;
}

function facts({ root }: PageContext, { chart, family }: ChartInput): Fragment {
  const { digest, archive, sha256, provenance, created, metadata } = chart.content;
  const file = `${cleanLine(metadata.name)}-${metadata.version}.tgz`;
  const address = `${root}charts/${sha256}/${encodeURIComponent(file)}`;
  const others = family.charts.filter((other) => other !== chart && other.content === chart.content);
  return html`<h2>Details</h2>
<dl>
<dt>Reference</dt><dd class="mono">${servedReference(chart)}</dd>
${chart.repository !== servedName(chart) && html`<dt>From</dt><dd class="mono">${chart.repository}</dd>`}
${others.length > 0 && html`<dt>Also tagged</dt><dd class="mono">${others.slice(0, SHOWN_VERSIONS).map(({ reference }, at) => `${at > 0 ? ', ' : ''}${reference}`)}</dd>`}
<dt>Digest</dt><dd class="mono hash">${digest}</dd>
<dt>Created</dt><dd>${dateOf(created)}</dd>
<dt>Archive</dt><dd><a href="${address}" download>${shorten(file, 300)}</a>, ${sizeOf(archive.size)}</dd>
<dt>Archive SHA-256</dt><dd class="mono hash">${sha256}</dd>
<dt>Signature</dt><dd>${provenance ? html`<a href="${address}.prov">Provenance file</a>` : 'None'}</dd>
</dl>`;
}

function versions({ root }: PageContext, { chart, family }: ChartInput): Fragment {
  const { charts } = family;
  return html`<h2 id="versions">Versions</h2>
<ul class="versions" aria-labelledby="versions">${charts
    .slice(0, SHOWN_VERSIONS)
    .map((other) => versionItem(root, other, other === chart))}</ul>
${charts.length > SHOWN_VERSIONS && html`<p><a href="${root}${family.name}?versions">All ${countOf(charts.length, 'version')}</a></p>`}`;
}

export function versionItem(root: string, chart: CatalogChart, isCurrent: boolean): Fragment {
  const { reference, content } = chart;
  const label = reference.includes(':') ? `${reference.slice(0, 19)}…` : reference;
  return html`<li><a href="${root}${servedReference(chart)}"${isCurrent && html` aria-current="page"`}>${label}</a> <span>${dateOf(content.created)}</span></li>`;
}

function people(
  { root }: PageContext,
  { maintainers = [], home, sources = [], keywords = [] }: ChartMetadata,
): Fragment {
  return [
    keywords.length > 0 &&
      html`<h2 id="keywords">Keywords</h2><ul class="badges" aria-labelledby="keywords">${keywords
        .slice(0, SHOWN_ITEMS)
        .map(cleanLine)
        .filter((word) => word.trim() !== '')
        .map(
          (word) =>
            html`<li class="badge"><a href="${root}?${new URLSearchParams({ q: word }).toString()}"><bdi>${shorten(word, 60)}</bdi></a></li>`,
        )}</ul>`,
    (home !== undefined || sources.length > 0) &&
      html`<h2>Links</h2><ul class="plain">${[...(home === undefined ? [] : [home]), ...sources]
        .slice(0, SHOWN_ITEMS)
        .map((address) => html`<li>${outsideLink(address)}</li>`)}</ul>`,
    maintainers.length > 0 &&
      html`<h2>Maintainers</h2><ul class="plain">${maintainers.slice(0, SHOWN_ITEMS).map(
        ({ name = '', email = '', url = '' }) => html`<li><bdi>${shorten(cleanLine(name), 200)}</bdi>
${email !== '' && outsideLink(`mailto:${email}`, email)} ${url !== '' && outsideLink(url)}</li>`,
      )}</ul>`,
  ];
}

/** A link where the address is one, else its text. */
function outsideLink(address: string, label = address): Fragment {
  const shown = html`<bdi>${shorten(cleanLine(label), 200)}</bdi>`;
  return isWebAddress(address)
    ? html`<a href="${withoutHidden(address)}" rel="nofollow noopener noreferrer">${shown}</a>`
    : shown;
}
