/** How Go writes numbers and strings where they become part of a chart's metadata or of a message. */
import { isPrintable } from './printable.js';

/**
 * The shortest digits that give the number back, as `%g` writes them: `1.1`, `2000`, `1e+06`, `+Inf`.
 *
 * @param bits 32 rounds to single precision first
 */
export function formatFloat(value: number, bits: 32 | 64): string {
  const rounded = bits === 32 ? Math.fround(value) : value;
  if (Number.isNaN(rounded)) return 'NaN';
  if (!Number.isFinite(rounded)) return rounded > 0 ? '+Inf' : '-Inf';
  const sign = rounded < 0 || Object.is(rounded, -0) ? '-' : '';
  const [mantissa = '0', power = '0'] = shortestExponential(Math.abs(rounded), bits).split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 6) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const magnitude = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits.charAt(0)}${fraction}e${exponent < 0 ? '-' : '+'}${magnitude}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return sign + whole + (digits.length > exponent + 1 ? `.${digits.slice(exponent + 1)}` : '');
}

/** The fewest digits that give the number back, as `1.25e+3`. */
function shortestExponential(value: number, bits: 32 | 64): string {
  if (bits === 64) return value.toExponential();
  for (let digits = 0; digits < 9; digits++) {
    const [mantissa = '', power = ''] = value.toExponential(digits).split('e');
    const nearest = Number(mantissa.replace('.', ''));
    // At a power of two, below which the gap to the next number halves, the one above the nearest may do where that does not.
    // Elsewhere, halfway between two, the even one counts and not the upper one as in JavaScript.
    const down = !isPowerOfTwo(value) && nearest % 2 === 1 && /^50*$/.test(digitsOf(value).slice(digits + 1));
    for (const candidate of down ? [nearest - 1, nearest] : [nearest, nearest + 1]) {
      const number = Number(`${candidate}e${Number(power) - digits}`);
      if (Math.fround(number) === value) return number.toExponential();
    }
  }
  return value.toExponential();
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}

function digitsOf(value: number): string {
  return value.toExponential(60).replace('.', '').replace(/e.*/, '');
}

const QUOTED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** `%q`: in double quotes, with escapes for what does not print. */
export function quote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (character in QUOTED) quoted += QUOTED[character];
    else if (isPrintable(code)) quoted += character;
    else if (code < 0x80) quoted += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (code < 0x10000) quoted += `\\u${code.toString(16).padStart(4, '0')}`;
    else quoted += `\\U${code.toString(16).padStart(8, '0')}`;
  }
  return quoted + '"';
}

/** The text of bytes that Go would put into JSON: each byte that is not UTF-8 becomes U+FFFD, one by one. */
export function textOfBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  let result = '';
  for (let at = 0; at < bytes.length; ) {
    const width = [1, 2, 3, 4].find((n) => isCharacter(bytes.subarray(at, at + n), n));
    result += width === undefined ? '\ufffd' : bytes.toString('utf8', at, at + width);
    at += width ?? 1;
  }
  return result;
}

function isCharacter(bytes: Buffer, width: number): boolean {
  const text = bytes.toString('utf8');
  return (
    bytes.length === width &&
    [...text].length === 1 &&
    Buffer.byteLength(text) === width &&
    Buffer.from(text).equals(bytes)
  );
}
