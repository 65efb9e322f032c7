/** Sizes, times and counts as options give them. */
import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** `65536`, `64K`, `64KiB`, `1.5G`: bytes, by powers of 1024. */
export function parseSize(text: string): number {
  const [, number, unit] = /^(\d{1,15}(?:\.\d{1,3})?) ?([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const size = Math.round(Number(number) * (UNITS[unit?.toUpperCase() ?? ''] ?? Number.NaN));
  if (!Number.isSafeInteger(size) || size < 1)
    throw new InvalidArgumentError('It is a size such as 64KiB, 100M or 4GiB.');
  return size;
}

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** What a timer can hold: some 24 days. */
const LONGEST = 2 ** 31 - 1;

/** `500ms`, `15s`, `2m`, `1h30m`: milliseconds. */
export function parseDuration(text: string): number {
  const isOne = /^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|s|m|h))+$/.test(text);
  const parts = isOne ? [...text.matchAll(/([\d.]+)(ms|s|m|h)/g)] : [];
  const time = Math.round(
    parts.reduce((sum, [, n, unit]) => sum + Number(n) * (MILLISECONDS[unit ?? ''] as number), 0),
  );
  if (time < 1 || time > LONGEST) throw new InvalidArgumentError('It is a time such as 500ms, 15s, 2m or 1h30m.');
  return time;
}

/** A whole number above zero. */
export function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('It is a whole number above 0.');
  return count;
}
