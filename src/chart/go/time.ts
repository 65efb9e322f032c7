/** Times in RFC 3339, as Go's `time.Time` takes them from JSON, with its words for those that are none. */
import { ContentError } from '../content-error.js';
import { encodeString } from './encode.js';

const LAYOUT = '2006-01-02T15:04:05Z07:00';

/** @throws ContentError for what is no time */
export function checkTime(value: unknown): void {
  if (typeof value !== 'string') throw new ContentError('Time.UnmarshalJSON: input is not a JSON string');
  const text = encodeString(value).slice(1, -1);
  new TimeReader(text).read();
}

class TimeReader {
  readonly #text: string;
  #rest: string;

  constructor(text: string) {
    this.#text = text;
    this.#rest = text;
  }

  read(): void {
    const year = this.#take('2006', /^[0-9]{4}/);
    this.#take('-', /^-/);
    const month = this.#take('01', /^[0-9]{2}/, 'month', 1, 12);
    this.#take('-', /^-/);
    const day = this.#take('02', /^[0-9]{2}/);
    this.#take('T', /^T/);
    this.#take('15', /^[0-9]{1,2}/, 'hour', 0, 23);
    this.#take(':', /^:/);
    this.#take('04', /^[0-9]{2}/, 'minute', 0, 59);
    this.#take(':', /^:/);
    this.#take('05', /^[0-9]{2}/, 'second', 0, 59);
    this.#rest = this.#rest.replace(/^[.,][0-9]+/, '');
    this.#takeZone();
    if (this.#rest !== '') throw this.#fault(`: extra text: ${quoteBytes(this.#rest)}`);
    if (day < 1 || day > new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()) {
      throw this.#fault(': day out of range');
    }
  }

  #take(element: string, pattern: RegExp, name = '', min = 0, max = 9999): number {
    const taken = pattern.exec(this.#rest)?.[0];
    if (taken === undefined) {
      throw this.#fault(` as ${quoteBytes(LAYOUT)}: cannot parse ${quoteBytes(this.#rest)} as ${quoteBytes(element)}`);
    }
    this.#rest = this.#rest.slice(taken.length);
    const number = Number(taken);
    if (number < min || number > max) throw this.#fault(`: ${name} out of range`);
    return number;
  }

  #takeZone(): void {
    const zone = this.#rest;
    this.#take('Z07:00', /^(?:Z|[-+][0-9]{2}:[0-9]{2})/);
    if (Number(zone.slice(1, 3)) > 24) throw this.#fault(': time zone offset hour out of range');
    if (Number(zone.slice(4, 6)) > 60) throw this.#fault(': time zone offset minute out of range');
  }

  #fault(rest: string): ContentError {
    return new ContentError(`parsing time ${quoteBytes(this.#text)}${rest}`);
  }
}

function quoteBytes(text: string): string {
  let quoted = '"';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    if (byte < 0x20 || byte >= 0x80) quoted += `\\x${byte.toString(16).padStart(2, '0')}`;
    else quoted += character === '"' || character === '\\' ? `\\${character}` : character;
  }
  return quoted + '"';
}
