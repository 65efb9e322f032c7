/** Markdown as a flat list of what opens, stands and closes, for those who make something else of it than HTML. */
import MarkdownIt, { type Token } from 'markdown-it';

export type MarkdownToken = Token;

export function parseMarkdown(text: string): MarkdownToken[] {
  return new MarkdownIt({ html: true }).parse(text, {});
}
