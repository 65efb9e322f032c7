/** Lines that are drawn again and again in one place. In a part of its own: few commands draw, and only on a terminal. */
import { createLogUpdate } from 'log-update';

export interface Terminal extends NodeJS.WritableStream {
  readonly columns?: number;
  readonly rows?: number;
}

export interface Drawing {
  draw(lines: readonly string[]): void;
  /** Takes away what was drawn; the next `draw` begins where the cursor is then. */
  clear(): void;
  /** Takes away what was drawn, and shows the cursor. */
  close(): void;
}

/** Of a terminal that does not know its size, or says that it has none, as one on a serial line does. */
export const DEFAULT_SIZE = { columns: 80, rows: 24 } as const;

function sized(terminal: Terminal): Pick<NodeJS.WriteStream, 'columns' | 'rows' | 'isTTY' | 'write'> {
  return {
    get columns() {
      return terminal.columns || DEFAULT_SIZE.columns;
    },
    get rows() {
      return terminal.rows || DEFAULT_SIZE.rows;
    },
    isTTY: true,
    write: (text: string | Uint8Array) => terminal.write(text),
  };
}

export function openDrawing(terminal: Terminal): Drawing {
  const update = createLogUpdate(sized(terminal) as NodeJS.WriteStream);
  let drawn: readonly string[] = [];
  /** A terminal that became narrower has broken each line into several, so more is to be taken away than was written. */
  const onResize = (): void => {
    if (drawn.length === 0) return;
    const columns = terminal.columns || DEFAULT_SIZE.columns;
    const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    terminal.write(`\u001b[${rows}A\r\u001b[J`);
    update.done();
    drawn = [];
  };
  terminal.on('resize', onResize);
  const clear = (): void => {
    if (drawn.length > 0) update.clear();
    drawn = [];
  };
  return {
    draw(lines) {
      drawn = lines;
      update(lines.join('\n'));
    },
    clear,
    close() {
      terminal.removeListener('resize', onResize);
      clear();
      update.done();
    },
  };
}
