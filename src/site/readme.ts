/**
 * A README as part of a page: Markdown with the HTML that people write in it, rendered, then cut down to what is known to be
 * harmless. Nothing is loaded from elsewhere: of an image its description is left.
 */
import MarkdownIt from 'markdown-it';
import sanitize from 'sanitize-html';
import { type Html, html, trusted } from './html.js';
import { isWebAddress } from './links.js';
import { withoutHidden } from './texts.js';

/** A README's own headings begin below the headings of the page. */
const TOP_LEVEL = 3;
/** Before the ids in a README, so that they are none of the page's. */
const PREFIX = 'readme-';
const DEPTH = 40;

/** @param path decides how it is read: `.md` is Markdown, all else plain text */
export function renderReadme(path: string, source: string): Html {
  const text = withoutHidden(source);
  if (!/\.md$/i.test(path)) return html`<pre tabindex="0">${text}</pre>`;
  const markdown = new MarkdownIt({ html: true, linkify: true, maxNesting: DEPTH });
  // Names without a scheme are seldom meant as links, and telling them apart takes long.
  markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
  markdown.core.ruler.push('heading-ids', ({ tokens }) => {
    const seen = new Map<string, number>();
    for (const [position, token] of tokens.entries()) {
      if (token.type !== 'heading_open') continue;
      const slug = slugOf(tokens[position + 1]?.content ?? '');
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      token.attrSet('id', count === 0 ? slug : `${slug}-${count}`);
    }
  });
  return trusted(makeScrollable(clean(markdown.render(text))));
}

/** As GitHub names headings. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

function clean(rendered: string): string {
  const levels = [...rendered.matchAll(/<h([1-6])\b/gi)].map(([, level]) => Number(level));
  const shift = TOP_LEVEL - Math.min(TOP_LEVEL, ...levels);
  const heading = (tagName: string, attribs: sanitize.Attributes): sanitize.Tag => {
    const level = Math.min(Math.max(Number(tagName[1]) + shift, TOP_LEVEL), 6);
    return { tagName: `h${level}`, attribs: withId(attribs) };
  };
  return sanitize(rendered, {
    allowedTags: TAGS,
    allowedAttributes: {
      a: ['href', 'id', 'rel'],
      ...Object.fromEntries(['h3', 'h4', 'h5', 'h6'].map((tag) => [tag, ['id']])),
      ol: ['start'],
      th: ['align', 'colspan', 'rowspan'],
      td: ['align', 'colspan', 'rowspan'],
    },
    allowedSchemes: ['http', 'https', 'mailto'],
    allowProtocolRelative: false,
    nonTextTags: [
      'script',
      'style',
      'textarea',
      'option',
      'noscript',
      'template',
      'svg',
      'math',
      'iframe',
      'object',
      'title',
    ],
    parseStyleAttributes: false,
    nestingLimit: DEPTH,
    transformTags: {
      ...Object.fromEntries(['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((tag) => [tag, heading])),
      a: (tagName, attribs) => ({ tagName, attribs: { ...withId(attribs), ...linkTo(attribs.href) } }),
      img: (_tagName, { alt = '' }) => ({ tagName: 'span', attribs: {}, text: alt === '' ? '' : `[${alt}]` }),
    },
  });
}

const TAGS = [
  ...['h3', 'h4', 'h5', 'h6', 'p', 'div', 'blockquote', 'pre', 'hr', 'br', 'ul', 'ol', 'li', 'dl', 'dt', 'dd'],
  ...['table', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td', 'caption', 'details', 'summary'],
  ...['a', 'b', 'strong', 'i', 'em', 'u', 's', 'del', 'ins', 'code', 'kbd', 'samp', 'var', 'sub', 'sup', 'mark'],
  ...['span', 'small', 'q', 'abbr', 'cite', 'bdi'],
];

function withId({ id, name }: sanitize.Attributes): sanitize.Attributes {
  const wanted = id ?? name;
  return wanted ? { id: PREFIX + wanted } : {};
}

/** To a place in the README, or to somewhere else in full; what is relative to a file that is not here leads nowhere. */
function linkTo(href = ''): sanitize.Attributes {
  if (href.startsWith('#')) return { href: `#${PREFIX}${href.slice(1)}` };
  return isWebAddress(href) ? { href, rel: 'nofollow noopener noreferrer' } : {};
}

/** What is too wide for a phone scrolls by itself, by keyboard too. */
function makeScrollable(sanitised: string): string {
  return sanitised
    .replaceAll('<pre>', '<pre tabindex="0">')
    .replaceAll(/<table>/g, '<div class="scroll" tabindex="0"><table>')
    .replaceAll('</table>', '</table></div>');
}
