/**
 * The table of `list`: cells joined by a tab and padded with blanks, the last column too, as Helm 3.6.3 printed it.
 */
import { PLAIN } from './text.js';

/** Columns of the terminal; a wider cell is cut and ends in `...`. */
const LIMIT = 60;

type WidthOf = (text: string) => number;
type Cells = readonly string[];

/** Renders rows of cells, the header among them, in time linear to their number. */
export function renderTable(rows: readonly Cells[]): Promise<string> {
  return renderColumns(
    rows.map(([first = '']) => first),
    rows.map(([, ...others]) => others),
  );
}

/**
 * The same of the first cells of all rows and, for each of them, of the others: rows that have these in common have one list for
 * them, which is looked at once.
 */
export async function renderColumns(firsts: readonly string[], others: readonly Cells[]): Promise<string> {
  const distinct = new Set(others);
  const isPlain = firsts.every(isPlainCell) && [...distinct].every((cells) => cells.every(isPlainCell));
  if (isPlain) return render(firsts, others, distinct, (text) => text.length);
  // The tables of Unicode, which take long to load, only where there is a cell that needs them.
  const { default: stringWidth } = await import('string-width');
  return render(firsts, others, distinct, (text) => (PLAIN.test(text) ? text.length : stringWidth(text)));
}

function isPlainCell(cell: string): boolean {
  return PLAIN.test(cell);
}

function render(
  firsts: readonly string[],
  others: readonly Cells[],
  distinct: ReadonlySet<Cells>,
  widthOf: WidthOf,
): string {
  const blanks = Array.from({ length: LIMIT + 1 }, (_, width) => ' '.repeat(width));
  const ends = padRows(distinct, widthOf, blanks);
  const shown = firsts.map((first) => (widthOf(first) > LIMIT ? cutCell(first, widthOf) : first));
  const widths = shown.map(widthOf);
  const width = widths.reduce((widest, next) => (next > widest ? next : widest), 0);
  // All in one list and joined once: of thousands of rows, strings for each would cost more than all else.
  const pieces: string[] = [];
  for (let i = 0; i < shown.length; i++) {
    const blank = blanks[width - (widths[i] as number)] as string;
    pieces.push(shown[i] as string, blank, ends.get(others[i] as Cells) as string);
  }
  return pieces.join('');
}

/** What follows the first cell of a row, for each. */
function padRows(rows: ReadonlySet<Cells>, widthOf: WidthOf, blanks: Cells): ReadonlyMap<Cells, string> {
  const cut = new Map<Cells, Cells>();
  const widths: number[] = [];
  for (const row of rows) {
    const cells = row.map((cell) => (widthOf(cell) > LIMIT ? cutCell(cell, widthOf) : cell));
    for (const [column, cell] of cells.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
    cut.set(row, cells);
  }
  const padded = new Map<Cells, string>();
  for (const [row, cells] of cut) {
    let end = '';
    for (const [column, cell] of cells.entries()) {
      end += `\t${cell}${blanks[(widths[column] as number) - widthOf(cell)]}`;
    }
    padded.set(row, `${end}\n`);
  }
  return padded;
}

function cutCell(cell: string, widthOf: WidthOf): string {
  let kept = '';
  let width = 0;
  for (const character of cell) {
    width += widthOf(character);
    if (width > LIMIT - 3) break;
    kept += character;
  }
  return `${kept}...`;
}
