/** Text that came from elsewhere, made fit for a terminal; sizes and ages as Helm writes them. */

/** Nothing but printable ASCII, as nearly all of it is: one column a character. */
export const PLAIN = /^[ -~]*$/;

/**
 * Replaces what a terminal would act upon (C0 and C1 controls, escape sequences, bidirectional overrides) by a visible
 * form. Tabs and line breaks go too, so that one value stays one cell.
 */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(/[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069\u2028\u2029]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
  });
}

/** The same for text of several lines: line breaks and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(/[^\n\t]+/g, printable);
}

/** `192 B`, `3.9 KiB`, `1.0 GiB`: binary units, one decimal. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < 5) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${'KMGTPE'[unit]}iB`;
}

/** From two hours on: up to how many hours a unit is used, and how many hours make one. */
const LONG_AGES: readonly (readonly [below: number, hours: number, unit: string])[] = [
  [48, 1, 'hours'],
  [14 * 24, 24, 'days'],
  [60 * 24, 7 * 24, 'weeks'],
  [730 * 24, 30 * 24, 'months'],
  [Number.POSITIVE_INFINITY, 365 * 24, 'years'],
];

/** How long ago, in the words of `helm chart list`: hours are rounded, all else is cut. */
export function formatAge(created: Date, now: Date): string {
  const seconds = Math.trunc((now.getTime() - created.getTime()) / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds < 60) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  if (seconds < 3600) return seconds < 120 ? 'About a minute' : `${Math.trunc(seconds / 60)} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  const [, unitHours, unit] = LONG_AGES.find(([below]) => hours < below) as (typeof LONG_AGES)[number];
  return `${Math.trunc((unit === 'years' ? Math.trunc(seconds / 3600) : hours) / unitHours)} ${unit}`;
}
