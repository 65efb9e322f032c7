/**
 * The table of `list`: cells joined by a tab and padded with blanks, the last column too, as Helm 3.6.3 printed it.
 */
import stringWidth from 'string-width';

/** Columns of the terminal; a wider cell is cut and ends in `...`. */
const LIMIT = 60;

/** Renders rows of cells, the header among them, in time linear to their number. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const cut = rows.map((row) => row.map(cutCell));
  const widths: number[] = [];
  for (const row of cut) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  }
  const lines = cut.map((row) => row.map((cell, column) => pad(cell, widths[column] as number)).join('\t'));
  return `${lines.join('\n')}\n`;
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(width - widthOf(cell));
}

function cutCell(cell: string): string {
  if (widthOf(cell) <= LIMIT) return cell;
  let kept = '';
  let width = 0;
  for (const character of cell) {
    width += widthOf(character);
    if (width > LIMIT - 3) break;
    kept += character;
  }
  return `${kept}...`;
}

function widthOf(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}
