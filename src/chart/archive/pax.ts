/**
 * The records of a pax header: `LENGTH KEY=VALUE\n` each, where LENGTH counts the whole record.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html ("pax Extended Header")
 */
import { decodeName, invalidHeader } from './tar-fields.js';

const SPACE = 0x20;
const LINE_FEED = 0x0a;

/**
 * All records; an empty value takes a key back.
 *
 * @throws ChartError `ARCHIVE_INVALID` for a malformed record, and for sparse files, whose size lies elsewhere
 */
export function parsePax(body: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(SPACE, at);
    const digits = body.toString('latin1', at, space < 0 ? at : space);
    const end = at + Number(digits);
    if (!/^[1-9]\d{0,8}$/.test(digits) || end > body.length || end <= space || body[end - 1] !== LINE_FEED) {
      throw invalidHeader('a malformed pax record');
    }
    const [key, value] = parseRecord(body.subarray(space + 1, end - 1));
    if (value === '') records.delete(key);
    else records.set(key, value);
    at = end;
  }
  return records;
}

function parseRecord(record: Buffer): [key: string, value: string] {
  const cut = record.indexOf('=');
  if (cut <= 0) throw invalidHeader('a malformed pax record');
  const key = record.toString('latin1', 0, cut);
  if (key.startsWith('GNU.sparse.')) throw invalidHeader('a sparse file');
  const isName = key === 'path' || key === 'linkpath';
  const value = isName ? decodeName(record.subarray(cut + 1)) : record.toString('latin1', cut + 1);
  if (isName && value.includes('\0')) throw invalidHeader('a NUL in a name', value);
  return [key, value];
}
