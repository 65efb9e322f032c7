/**
 * The table of `list`: cells joined by a tab and padded with blanks, the last column too, as Helm 3.6.3 printed it.
 */
/** Columns of the terminal; a wider cell is cut and ends in `...`. */
const LIMIT = 60;

type WidthOf = (text: string) => number;
type Rows = readonly (readonly string[])[];

/** Renders rows of cells, the header among them, in time linear to their number. */
export async function renderTable(rows: Rows): Promise<string> {
  const plain = render(rows, (text) => text.length);
  if (/^[ -~\t\n]*$/.test(plain)) return plain;
  // The tables of Unicode, which take long to load, only where there is a cell that needs them.
  const { default: stringWidth } = await import('string-width');
  return render(rows, (text) => (/^[ -~]*$/.test(text) ? text.length : stringWidth(text)));
}

function render(rows: Rows, widthOf: WidthOf): string {
  const widths: number[] = [];
  const cells: string[] = [];
  for (const row of rows) {
    for (let column = 0; column < row.length; column++) {
      const cell = row[column] as string;
      const kept = widthOf(cell) > LIMIT ? cutCell(cell, widthOf) : cell;
      widths[column] = Math.max(widths[column] ?? 0, widthOf(kept));
      cells.push(kept);
    }
  }
  // All in one list and joined once: of thousands of rows, strings for each would cost more than all else.
  const blanks = Array.from({ length: LIMIT + 1 }, (_, width) => ' '.repeat(width));
  const pieces: string[] = [];
  for (let i = 0, column = 0; i < cells.length; i++) {
    const cell = cells[i] as string;
    pieces.push(cell, blanks[(widths[column] as number) - widthOf(cell)] as string);
    column = (column + 1) % widths.length;
    pieces.push(column === 0 ? '\n' : '\t');
  }
  return pieces.join('');
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
