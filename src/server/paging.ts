/**
 * Lists in pages: `?n=COUNT&last=ITEM`, and a `Link` to the next page.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
import { Refusal } from './errors.js';

export interface Page {
  readonly items: readonly string[];
  /** Empty, or the `Link` header. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Sorts by code unit and takes what comes after `last`, which need not be in the list (it may be gone by now).
 *
 * @throws Refusal for an `n` that is not a number
 */
export function pageOf(all: Iterable<string>, path: string, query: URLSearchParams): Page {
  const last = query.get('last') ?? '';
  const n = query.get('n');
  if (n !== null && !/^\d{1,9}$/.test(n)) throw new Refusal(400, 'UNSUPPORTED', 'n is not a number');
  const rest = [...all].filter((item) => item > last).sort();
  const count = n === null ? rest.length : Number(n);
  const items = rest.slice(0, count);
  const next = items.at(-1);
  if (rest.length <= count || next === undefined) return { items, headers: {} };
  return { items, headers: { Link: nextLink(path, { n: String(count), last: next }) } };
}

export function nextLink(path: string, query: Record<string, string>): string {
  return `<${path}?${new URLSearchParams(query)}>; rel="next"`;
}
