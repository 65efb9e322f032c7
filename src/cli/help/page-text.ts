/**
 * A page of docs/ as text for a terminal.
 *
 *     The cache                          headings at the margin
 *
 *       It is an OCI image layout        what belongs to them below, wrapped at the width
 *       (https://...):
 *
 *           chart verify                 code, never wrapped
 *
 *       - an item
 *       `kind`     what it is            a table, each cell wrapped in its column
 *
 * Comments are left out. Without colours `code` keeps its quotes.
 */
import { styleText } from 'node:util';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { type MarkdownToken, parseMarkdown } from '../../site/markdown-tokens.js';

export interface PageLook {
  readonly columns: number;
  readonly colour: boolean;
}

type Style = Parameters<typeof styleText>[0];

interface Row {
  readonly isHeader: boolean;
  readonly cells: readonly string[];
}

const MARGIN = '  ';
const GAP = '  ';
/** Of a column of a table that does not fit. */
const NARROWEST = 8;

/** @param markdown its links to other pages become `chart help TOPIC` */
export function pageText(markdown: string, look: PageLook): string {
  const page = new PageText(look.colour);
  const lines = page.blocks(parseMarkdown(markdown), look.columns - MARGIN.length, MARGIN);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

class PageText {
  readonly #paint: (style: Style, text: string) => string;
  readonly #quote: string;

  constructor(colour: boolean) {
    this.#paint = colour ? styleText : (_style, text) => text;
    this.#quote = colour ? '' : '`';
  }

  /** @param margin before everything but headings */
  blocks(tokens: readonly MarkdownToken[], width: number, margin = ''): string[] {
    const lines: string[] = [];
    for (let at = 0; at < tokens.length; ) {
      const end = endOf(tokens, at);
      const token = tokens[at] as MarkdownToken;
      const isHeading = token.type === 'heading_open';
      const block = this.#block(tokens.slice(at, end), width);
      if (block.length > 0) {
        // Between the items of a tight list stands nothing.
        if (lines.length > 0 && !token.hidden && !isTightItem(tokens, at)) lines.push('');
        lines.push(...block.map((line) => (line === '' || isHeading ? line : margin + line)));
      }
      at = end;
    }
    return lines;
  }

  #block(tokens: readonly MarkdownToken[], width: number): string[] {
    const [token] = tokens as [MarkdownToken];
    const inner = tokens.slice(1, -1);
    switch (token.type) {
      case 'heading_open':
        return [this.#paint(token.tag === 'h1' ? ['bold', 'underline'] : 'bold', this.#inline(inner[0]))];
      case 'paragraph_open':
        return wrap(this.#inline(inner[0]), width);
      case 'fence':
      case 'code_block':
        return token.content
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${MARGIN}${this.#codeLine(line)}`);
      case 'bullet_list_open':
        return this.#list(inner, width, () => '- ');
      case 'ordered_list_open':
        return this.#list(inner, width, (number) => `${Number(token.attrGet('start') ?? 1) + number}. `);
      case 'blockquote_open':
        return this.blocks(inner, width - 2).map((line) => `| ${line}`);
      case 'table_open':
        return this.#table(
          rowsOf(inner, (cell) => this.#inline(cell)),
          width,
        );
      default:
        return [];
    }
  }

  #codeLine(line: string): string {
    const comment = /^(.*?)(\s#\s.*|^#\s.*)$/.exec(line);
    if (comment) return `${this.#paint('cyan', comment[1] as string)}${this.#paint('dim', comment[2] as string)}`;
    return this.#paint('cyan', line);
  }

  #list(items: readonly MarkdownToken[], width: number, mark: (number: number) => string): string[] {
    const lines: string[] = [];
    let number = 0;
    for (let at = 0; at < items.length; ) {
      const end = endOf(items, at);
      const before = mark(number++);
      const content = items.slice(at + 1, end - 1);
      if (lines.length > 0 && !content[0]?.hidden) lines.push('');
      const item = this.blocks(content, width - before.length);
      lines.push(...item.map((line, index) => `${index === 0 ? before : ' '.repeat(before.length)}${line}`));
      at = end;
    }
    return lines;
  }

  #table(rows: readonly Row[], width: number): string[] {
    const count = Math.max(...rows.map(({ cells }) => cells.length));
    const natural = Array.from({ length: count }, (_, column) =>
      Math.max(1, ...rows.map(({ cells }) => stringWidth(cells[column] ?? ''))),
    );
    const widths = fitColumns(natural, width - GAP.length * (count - 1));
    const wrapped = rows
      .filter(({ isHeader, cells }) => !isHeader || cells.some((cell) => cell !== ''))
      .map(({ isHeader, cells }) => {
        const styled = isHeader ? cells.map((cell) => this.#paint('bold', cell)) : cells;
        return widths.map((column, index) => wrap(styled[index] ?? '', column, true));
      });
    // Rows of several lines would run into one another.
    const isTall = wrapped.some((row) => row.some((cell) => cell.length > 1));
    return wrapped.flatMap((row, index) => {
      const height = Math.max(...row.map((cell) => cell.length));
      const lines = Array.from({ length: height }, (_, line) =>
        row.map((cell, column) => pad(cell[line] ?? '', widths[column] as number)).join(GAP),
      );
      return isTall && index > 0 ? ['', ...lines] : lines;
    });
  }

  #inline(token: MarkdownToken | undefined): string {
    const open: { style?: Style; before: string; href?: string }[] = [];
    let text = '';
    for (const child of token?.children ?? []) {
      switch (child.type) {
        case 'text':
          text += child.content;
          break;
        case 'code_inline':
          text += this.#paint('cyan', `${this.#quote}${child.content}${this.#quote}`);
          break;
        case 'softbreak':
          text += ' ';
          break;
        case 'hardbreak':
          text += '\n';
          break;
        case 'strong_open':
        case 'em_open':
        case 'link_open':
          open.push({ ...OPENS[child.type], before: text, href: String(child.attrGet('href') ?? '') });
          text = '';
          break;
        case 'strong_close':
        case 'em_close':
        case 'link_close': {
          const { style, before, href } = open.pop() as (typeof open)[number];
          text = `${before}${style && text !== '' ? this.#paint(style, text) : text}${href ? targetText(href, text) : ''}`;
          break;
        }
      }
    }
    return text;
  }
}

const OPENS: Readonly<Record<string, { style?: Style }>> = {
  strong_open: { style: 'bold' },
  em_open: { style: 'italic' },
  link_open: {},
};

/** What follows the text of a link: where it leads, unless the text says it. */
function targetText(href: string, text: string): string {
  const page = /^([a-z-]+)\.md(?:#.*)?$/.exec(href)?.[1];
  if (page) return ` (chart help ${page})`;
  return /^https?:/.test(href) && !text.includes(href) ? ` (${href})` : '';
}

/** After the token that closes what opens at `at`. */
function endOf(tokens: readonly MarkdownToken[], at: number): number {
  const { nesting, level } = tokens[at] as MarkdownToken;
  if (nesting !== 1) return at + 1;
  return tokens.findIndex((token, index) => index > at && token.nesting === -1 && token.level === level) + 1;
}

function isTightItem(tokens: readonly MarkdownToken[], at: number): boolean {
  return tokens[at - 1]?.type === 'paragraph_close' && tokens[at - 1]?.hidden === true;
}

function rowsOf(tokens: readonly MarkdownToken[], render: (cell: MarkdownToken | undefined) => string): Row[] {
  const rows: { isHeader: boolean; cells: string[] }[] = [];
  for (const [at, { type }] of tokens.entries()) {
    if (type === 'tr_open') rows.push({ isHeader: tokens[at + 1]?.type === 'th_open', cells: [] });
    else if (type === 'th_open' || type === 'td_open') rows.at(-1)?.cells.push(render(tokens[at + 1]));
  }
  return rows;
}

/** Narrow columns keep their width, wide ones share what is left. */
function fitColumns(natural: readonly number[], width: number): number[] {
  let wide = natural.map((_, column) => column);
  let left = width;
  for (;;) {
    const share = Math.max(NARROWEST, Math.floor(left / Math.max(1, wide.length)));
    const narrow = wide.filter((column) => (natural[column] as number) <= share);
    if (narrow.length === 0 || narrow.length === wide.length) {
      return natural.map((own, column) => (wide.includes(column) ? Math.min(own, share) : own));
    }
    for (const column of narrow) left -= natural[column] as number;
    wide = wide.filter((column) => !narrow.includes(column));
  }
}

function wrap(text: string, width: number, hard = false): string[] {
  return wrapAnsi(text, Math.max(NARROWEST, width), { hard }).split('\n');
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}
