/**
 * Conditional and range requests. What is served is named by its digest, so the digest is the entity tag.
 * https://www.rfc-editor.org/rfc/rfc9110#section-13 and #section-14
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Digest } from '../oci/digest.js';
import { Refusal } from './errors.js';

export interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

export function entityTag(digest: Digest): string {
  return `"${digest}"`;
}

/** True if `If-None-Match` says that the client has this content. */
export function isNotModified(headers: IncomingHttpHeaders, digest: Digest): boolean {
  const condition = headers['if-none-match'];
  if (condition === undefined) return false;
  return (
    condition.trim() === '*' || condition.split(',').some((tag) => tag.trim().replace(/^W\//, '') === entityTag(digest))
  );
}

/**
 * The part that `Range` asks for, or undefined for the whole: without the header, for another unit or several ranges,
 * which a server may ignore, and where `If-Range` names other content.
 *
 * @throws Refusal 416 for a range that has no byte of the content
 */
export function parseRange(headers: IncomingHttpHeaders, size: number, digest: Digest): ByteRange | undefined {
  const { range } = headers;
  if (range === undefined) return undefined;
  const condition = headers['if-range'];
  if (condition !== undefined && condition !== entityTag(digest)) return undefined;
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(range) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start <= end) return { start, end };
  throw new Refusal(416, 'SIZE_INVALID', `the content has ${size} bytes`, {
    headers: { 'Content-Range': `bytes */${size}`, 'Accept-Ranges': 'bytes' },
  });
}
