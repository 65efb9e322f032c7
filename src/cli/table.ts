/**
 * The table of `list`: cells joined by a tab and padded with blanks, the last column too, as Helm 3.6.3 printed it.
 */
/** Columns of the terminal; a wider cell is cut and ends in `...`. */
const LIMIT = 60;

type WidthOf = (text: string) => number;

/** Renders rows of cells, the header among them, in time linear to their number. */
export async function renderTable(rows: readonly (readonly string[])[]): Promise<string> {
  const widthOf = await measure(rows);
  const pad = (cell: string, width: number): string => cell + ' '.repeat(width - widthOf(cell));
  const cut = rows.map((row) => row.map((cell) => cutCell(cell, widthOf)));
  const widths: number[] = [];
  for (const row of cut) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  }
  const lines = cut.map((row) => row.map((cell, column) => pad(cell, widths[column] as number)).join('\t'));
  return `${lines.join('\n')}\n`;
}

function cutCell(cell: string, widthOf: WidthOf): string {
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

/** What tells the width of a text; the tables of Unicode, which take long to load, only where there is a cell that needs them. */
async function measure(rows: readonly (readonly string[])[]): Promise<WidthOf> {
  const isPlain = (text: string): boolean => /^[ -~]*$/.test(text);
  if (rows.every((row) => row.every(isPlain))) return (text) => text.length;
  const { default: stringWidth } = await import('string-width');
  return (text) => (isPlain(text) ? text.length : stringWidth(text));
}
