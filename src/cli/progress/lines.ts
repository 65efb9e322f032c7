/**
 * Progress as lines of text, none wider than the terminal:
 *
 *     registry.example.com/team/app:1.0.0   45%  12.3 MiB of 27.0 MiB  2.1 MiB/s  7s left
 *     ...ple.com/team/database:2.11.0       ...
 *     and 3 more
 *     12 of 200, 345.0 MiB, 4.0 MiB/s, 1m 20s left
 */
import { formatSize, printable } from '../text.js';
import type { TotalState, TransferState } from './transfers.js';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

const LINES_LIMIT = 8;
/** On terminals of usual width; half of a wider one. */
const NAME_LIMIT = 60;
/** What a name needs to be told from others. */
const NAME_LEAST = 16;

export function progressLines(
  { transfers, total }: { readonly transfers: readonly TransferState[]; readonly total: TotalState },
  { columns, rows }: Screen,
): string[] {
  // The last column is left free: some terminals go to the next line there.
  const width = Math.max(1, columns - 1);
  const most = Math.max(0, Math.min(LINES_LIMIT, rows - 3));
  const shown = transfers.slice(0, most);
  const names = shown.map(({ name }) => printable(name));
  const longest = Math.max(0, ...names.map((name) => name.length));
  const nameWidth = Math.min(Math.max(NAME_LIMIT, Math.floor(width / 2)), longest);
  const more = most > 0 && transfers.length > most ? [`and ${transfers.length - most} more`] : [];
  return [
    ...shown.map((transfer, position) => transferLine(names[position] as string, transfer, nameWidth, width)),
    ...more,
    totalLine(total),
  ].map((line) => line.slice(0, width));
}

/** `12 of 200, 345.0 MiB, 4.0 MiB/s, 1m 20s left` */
export function totalLine({ finished, items, done, rate, left }: TotalState): string {
  const count = items === undefined ? `${finished} done` : `${finished} of ${items}`;
  return [count, formatSize(done), formatRate(rate), formatLeft(left)].filter((part) => part !== '').join(', ');
}

function transferLine(name: string, transfer: TransferState, nameWidth: number, width: number): string {
  const facts = factsOf(transfer).find((text) => width - text.length - 2 >= Math.min(nameWidth, NAME_LEAST)) ?? '';
  const room = Math.min(nameWidth, width - (facts === '' ? 0 : facts.length + 2));
  return facts === '' ? cutStart(name, width) : `${cutStart(name, room).padEnd(room)}  ${facts}`;
}

/** The most telling first. */
function factsOf({ done, total, rate, left }: TransferState): string[] {
  const known = total !== undefined && total > 0;
  const percent = known ? `${Math.floor((done * 100) / total)}%`.padStart(4) : '';
  const amount = known ? `${formatSize(done)} of ${formatSize(total)}` : formatSize(done);
  const join = (...parts: string[]): string => parts.filter((part) => part !== '').join('  ');
  return [
    join(percent, amount, formatRate(rate), formatLeft(left)),
    join(percent, formatRate(rate), formatLeft(left)),
    join(percent, formatRate(rate)),
    percent === '' ? formatSize(done) : percent,
  ];
}

/** The end of a reference tells more than its beginning. */
function cutStart(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 3 ? text.slice(-width) : `...${text.slice(3 - width)}`;
}

function formatRate(rate: number): string {
  return rate <= 0 ? '' : `${formatSize(Math.round(rate))}/s`;
}

/** `7s left`, `1m 20s left`, `2h 5m left`; nothing beyond a hundred hours, where it means nothing. */
function formatLeft(seconds: number | undefined): string {
  if (seconds === undefined || seconds >= 360_000) return '';
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours}h ${minutes}m left`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s left` : `${seconds}s left`;
}
