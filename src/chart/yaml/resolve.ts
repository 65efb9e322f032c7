/**
 * What type a scalar is, by the rules of go-yaml 2.4, which are those of YAML 1.1 with changes of its own:
 *
 *     y yes on true -> true      ~ null (nothing) -> null      0x1F 0b11 0o17 017 1_000 -> integers
 *     .5 1e3 .inf .nan -> floats     2001-12-14 1:30 08:00 -> strings       08 -> the float 8
 */
import { textOfBytes } from '../go/format.js';
import { YamlError } from './error.js';

/** Integers are bigint, so that none of 64 bits loses a digit; floats are number. */
export type YamlScalar = string | bigint | number | boolean | null;

const LONG = 'tag:yaml.org,2002:';
export const MERGE_TAG = `${LONG}merge`;

const WORDS = new Map<string, string | number | boolean | null>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
]);

const LONGEST_WORD = 5;
const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const MAX_UINT = 2n ** 64n - 1n;

export function isUint64(value: bigint): boolean {
  return value > MAX_INT;
}

/** A scalar that is neither quoted nor tagged. */
export function resolvePlain(text: string): YamlScalar {
  const first = text.charCodeAt(0);
  if (first === 46) return resolveWord(text) ?? parseFloatPoint(text);
  if ((first >= 48 && first <= 57) || first === 43 || first === 45) {
    return WORDS.has(text) ? WORDS.get(text)! : resolveNumber(text);
  }
  const word = text.length > LONGEST_WORD ? undefined : WORDS.get(text);
  return word === undefined ? text : word;
}

function resolveWord(text: string): number | undefined {
  return WORDS.get(text) as number | undefined;
}

function resolveNumber(text: string): YamlScalar {
  const plain = text.includes('_') ? text.replaceAll('_', '') : text;
  const int = parseInteger(plain);
  if (int !== undefined) return int;
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(plain)) {
    const float = Number(plain);
    if (Number.isFinite(float)) return float;
  }
  return text;
}

/** As Go's ParseInt and ParseUint read it with the base taken from the prefix, which 64 bits must hold. */
function parseInteger(text: string): bigint | undefined {
  const match = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/.exec(text);
  if (match === null) {
    const signedBits = /^0b([-+])([01]+)$/.exec(text);
    return signedBits === null ? undefined : fit(signedBits[1]!, BigInt(`0b${signedBits[2]}`));
  }
  const [, sign = '', hex, bits, octal, decimal] = match;
  if (decimal !== undefined) return fit(sign, BigInt(decimal));
  return fit(sign, BigInt(hex === undefined ? (bits === undefined ? `0o${octal}` : `0b${bits}`) : `0x${hex}`));
}

/** Above the range of signed integers a sign is not allowed. */
function fit(sign: string, magnitude: bigint): bigint | undefined {
  const value = sign === '-' ? -magnitude : magnitude;
  return value < MIN_INT || value > (sign === '' ? MAX_UINT : MAX_INT) ? undefined : value;
}

/** What starts with a point: underscores may stand between digits. */
function parseFloatPoint(text: string): number | string {
  if (!/^\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?$/.test(text)) return text;
  const float = Number(text.replaceAll('_', ''));
  return Number.isFinite(float) ? float : text;
}

/**
 * A scalar with a tag. Tags that are not YAML's own leave the text as it is.
 *
 * @throws YamlError where the text is not of the tag's type
 */
export function resolveTagged(tag: string, text: string): YamlScalar {
  const type = tag.startsWith(LONG) ? tag.slice(LONG.length) : '';
  if (type === 'binary') return decodeBinary(text);
  if (type === 'str' || !['bool', 'int', 'float', 'null', 'timestamp'].includes(type)) return text;
  const value = resolvePlain(text);
  const found = typeOf(value, text, type);
  if (found === type) return value;
  if (type === 'float' && typeof value === 'bigint' && !isUint64(value)) return Number(value);
  throw new YamlError(`cannot decode !!${found} \`${text}\` as a !!${type}`);
}

function typeOf(value: YamlScalar, text: string, wanted: string): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'boolean') return 'bool';
  if (wanted === 'timestamp' && isTimestamp(text)) return 'timestamp';
  return 'str';
}

const TIMESTAMP =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d+)?(?:Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d+)?))?$/;

function isTimestamp(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  const time = (/[Tt ](.*)$/.exec(text)?.[1] ?? '').split(/[:.,Z+-]/).map(Number);
  const [hour = 0, minute = 0, second = 0] = time;
  const days = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  return month >= 1 && month <= 12 && day >= 1 && day <= days && hour < 24 && minute < 60 && second < 60;
}

function decodeBinary(text: string): string {
  const base64 = text.replaceAll(/[\r\n]/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) {
    throw new YamlError('!!binary value contains invalid base64 data');
  }
  return textOfBytes(Buffer.from(base64, 'base64'));
}
