/**
 * Lengths of time as people write them.
 *
 *     30d   12h   90m   1w   1d12h   1.5s   500ms     weeks, days, hours, minutes, seconds, milliseconds, in this order
 *     P30D  PT12H P1W   P1DT12H                       the same by ISO 8601; months and years have no fixed length and are refused
 */
const SECOND = 1000;
const UNITS = [7 * 24 * 3600 * SECOND, 24 * 3600 * SECOND, 3600 * SECOND, 60 * SECOND, SECOND, 1];
const PLAIN = new RegExp(
  `^${['w', 'd', 'h', 'm', 's', 'ms'].map((unit) => `(?:(\\d+(?:\\.\\d{1,3})?)${unit})?`).join('')}$`,
);
const ISO = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i;

/** @returns milliseconds; undefined for what is no length of time, or more than can be told apart */
export function parseDuration(text: string): number | undefined {
  const parts = (PLAIN.exec(text) ?? ISO.exec(text))?.slice(1);
  if (parts === undefined || parts.every((part) => part === undefined)) return undefined;
  const sum = Math.round(parts.reduce((total, part, unit) => total + Number(part ?? 0) * (UNITS[unit] as number), 0));
  return Number.isSafeInteger(sum) ? sum : undefined;
}
