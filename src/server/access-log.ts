/**
 * The access record as a line: Apache's combined form, or JSON. It holds nothing that a terminal acts upon, no user, and of a
 * query only what the API knows, since clients put tokens there.
 *
 *     10.0.0.7 - - [26/Nov/2026:21:02:11 +0000] "GET /v2/team/app/manifests/1.0.0 HTTP/1.1" 200 436 "-" "Helm/4.0.0"
 *     {"time":"2026-11-26T21:02:11.034Z","remote":"10.0.0.7","method":"GET","url":"/v2/...","status":200,"bytes":436,...}
 */
import type { AccessRecord } from './access-record.js';

export type AccessLogForm = 'combined' | 'json';

/** @returns one line with its line break */
export function formatAccess(record: AccessRecord, form: AccessLogForm): string {
  return form === 'json' ? jsonLine(record) : combinedLine(record);
}

function combinedLine(record: AccessRecord): string {
  const { method, httpVersion, status, bytes } = record;
  const request = quoted(`${method} ${safeUrl(record.url)} HTTP/${httpVersion}`);
  const referrer = quoted(safeUrl(record.referrer ?? '-'));
  const agent = quoted(record.userAgent ?? '-');
  const size = bytes === 0 ? '-' : bytes;
  return `${record.remoteAddress ?? '-'} - - [${clfTime(record.time)}] "${request}" ${status} ${size} "${referrer}" "${agent}"\n`;
}

function jsonLine(record: AccessRecord): string {
  const { method, status, bytes, kind, httpVersion } = record;
  const line = JSON.stringify({
    time: new Date(record.time).toISOString(),
    remote: record.remoteAddress,
    method,
    url: safeUrl(record.url),
    protocol: `HTTP/${httpVersion}`,
    kind,
    status,
    bytes,
    durationMs: Math.round(record.durationMs * 1000) / 1000,
    referrer: record.referrer === undefined ? undefined : safeUrl(record.referrer),
    userAgent: record.userAgent,
  });
  return `${line.replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

const KNOWN = new Set(['digest', 'mount', 'from', 'n', 'last', 'artifactType', 'tag', 'digest-algorithm', 'q']);

/** Without a user and password before the host, and without the values of a query that are not the API's. */
function safeUrl(url: string): string {
  const plain = url.replace(/^([A-Za-z][A-Za-z0-9+.-]*:)?\/\/[^/?#]*@/, '$1//').replace(/#.*$/s, '');
  const mark = plain.indexOf('?');
  if (mark < 0) return plain;
  const query = plain
    .slice(mark + 1)
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0 || KNOWN.has(pair.slice(0, equals)) ? pair : `${pair.slice(0, equals)}=...`;
    });
  return `${plain.slice(0, mark)}?${query.join('&')}`;
}

/** As Apache does: what is not printable ASCII, and what ends a quoted field. */
function quoted(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  });
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** In UTC, so that the lines of two machines can be laid side by side. */
function clfTime(time: number): string {
  const date = new Date(time);
  const day = String(date.getUTCDate()).padStart(2, '0');
  return `${day}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${date.toISOString().slice(11, 19)} +0000`;
}
