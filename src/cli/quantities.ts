/** Sizes, times and counts as options give them. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from './duration.js';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** `65536`, `64K`, `64KiB`, `1.5G`: bytes, by powers of 1024. */
export function parseSize(text: string): number {
  const [, number, unit] = /^(\d{1,15}(?:\.\d{1,3})?) ?([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const size = Math.round(Number(number) * (UNITS[unit?.toUpperCase() ?? ''] ?? Number.NaN));
  if (!Number.isSafeInteger(size) || size < 1)
    throw new InvalidArgumentError('It is a size such as 64KiB, 100M or 4GiB.');
  return size;
}

/** What a timer can hold: some 24 days. */
const LONGEST = 2 ** 31 - 1;

/** Of an option that a timer is set by: milliseconds. */
export function parseTime(text: string): number {
  const time = parseDuration(text) ?? 0;
  if (time < 1 || time > LONGEST) throw new InvalidArgumentError('It is a time such as 500ms, 15s, 2m or 1h30m.');
  return time;
}

/** A whole number above zero. */
export function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('It is a whole number above 0.');
  return count;
}
