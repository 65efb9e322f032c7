/**
 * Lengths of time as people write them.
 *
 *     30d   12h   90m   1w   1d12h     weeks, days, hours, minutes, seconds, in this order
 *     P30D  PT12H P1W   P1DT12H        the same by ISO 8601; months and years have no fixed length and are refused
 */
import { ChartError } from '../errors.js';

const SECOND = 1000;
const UNITS = [7 * 24 * 3600 * SECOND, 24 * 3600 * SECOND, 3600 * SECOND, 60 * SECOND, SECOND];
const PLAIN = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;
const ISO = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i;

/** @returns milliseconds. @throws ChartError `USAGE` */
export function parseDuration(text: string): number {
  const parts = (PLAIN.exec(text) ?? ISO.exec(text))?.slice(1);
  const sum = parts?.reduce((total, part, unit) => total + Number(part ?? 0) * (UNITS[unit] as number), 0);
  if (parts === undefined || parts.every((part) => part === undefined) || !Number.isSafeInteger(sum)) {
    throw new ChartError('USAGE', `${JSON.stringify(text)} is no length of time`, {
      hint: 'Write weeks, days, hours, minutes or seconds: 2w, 30d, 12h, 90m, 1d12h, or P30D.',
    });
  }
  return sum as number;
}
