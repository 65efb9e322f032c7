// The table, and what has become of it since the last run.

const WIDTHS = [44, 30, 26];

export const HEADER = ['chart ...', 'beside', 'ratio']
  .map((text, i) => text.padEnd(WIDTHS[i]))
  .join('')
  .trimEnd();

/** Change of a ratio that is never taken for more than noise. */
const TOLERANCE = 0.2;

/** @returns what to say of the row beside the same row of an earlier run: nothing where there is none, or no difference */
export function compareWith(before, { key, ratio, spread }) {
  const old = before.find((row) => row.key === key);
  if (!old || !(old.ratio > 0)) return '';
  const change = ratio / old.ratio - 1;
  const noise = Math.max(TOLERANCE, 3 * Math.max(spread, old.spread ?? 0));
  if (change > noise) return `SLOWER than before by ${Math.round(change * 100)} %`;
  if (change < -noise / (1 + noise)) return `faster than before by ${Math.round((old.ratio / ratio - 1) * 100)} %`;
  return '';
}

export function formatRow({ name, against, ratio }, remark = '') {
  const text = ratio < 1 ? `${oneDecimal(1 / ratio)} times as fast` : `${ratio.toFixed(2)} times the time`;
  return `${[name, against, text].map((cell, i) => cell.padEnd(WIDTHS[i])).join('')}${remark}`.trimEnd();
}

function oneDecimal(value) {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}
