/** JSON as Go's encoding/json writes it: compact, keys of maps sorted, and safe to put into HTML. */
import { compareBytes } from '../byte-order.js';

/**
 * @param value what JSON has; a Map stands for a struct, whose fields keep their order, and an object for a map, whose keys
 *   are sorted
 */
export function encodeJson(value: unknown): string {
  if (typeof value === 'string') return encodeString(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(',')}]`;
  if (value instanceof Map) return encodeMembers([...value]);
  if (typeof value === 'object' && value !== null) {
    return encodeMembers(Object.entries(value).sort(([a], [b]) => compareBytes(a, b)));
  }
  return String(value);
}

function encodeMembers(members: [string, unknown][]): string {
  return `{${members.map(([key, value]) => `${encodeString(key)}:${encodeJson(value)}`).join(',')}}`;
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export function encodeString(text: string): string {
  const plain = JSON.stringify(text);
  if (!/[<>&\u2028\u2029\ud800-\udfff]/.test(text)) return plain;
  return JSON.stringify(text.replace(LONE_SURROGATE, '\ufffd')).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
