/**
 * How far a command is, on standard error: on a terminal drawn in place, one line a transfer and one for all; elsewhere a
 * plain line now and then, for the logs of long runs; nothing with `--quiet` and `--no-progress`.
 */
import type { CopyEvent } from '../copy.js';
import type { Context } from './context.js';
import { totalLine } from './progress/lines.js';
import { Transfers } from './progress/transfers.js';
import type { Settings } from './settings.js';

export interface Progress {
  /** Fed with what a copy reports of an item. */
  copy(item: string, event: CopyEvent): void;
  /** For what is no copy: how many bytes of an item are done, and of how many where that is known. */
  report(item: string, done: number, total?: number): void;
  /** The item has come to its end, whichever. */
  finish(item: string): void;
  /** Takes away what is drawn. Called by itself when the command ends. */
  stop(): void;
}

export interface ProgressOptions {
  readonly quiet?: boolean;
  /** False with `--no-progress`. */
  readonly progress?: boolean;
  /** Draw on a terminal, and write nothing elsewhere. */
  readonly terminalOnly?: boolean;
}

/** Milliseconds. What is done sooner needs no progress. */
const FIRST_DRAWING = 300;
const BETWEEN_DRAWINGS = 100;
const BETWEEN_LINES = 10_000;

/** @param items how many there are, where that is known */
export function openProgress(
  context: Context,
  { terminalType }: Pick<Settings, 'terminalType'>,
  { quiet = false, progress = true, terminalOnly = false }: ProgressOptions,
  items?: number,
): Progress {
  if (quiet || !progress || (terminalOnly && terminalType === 'dumb')) return SILENT;
  const transfers = new Transfers(items);
  // Whether standard error is a terminal takes a while to find out: where nothing else would be written, that is left for later.
  const draws = terminalOnly || (context.stderr.isTerminal && terminalType !== 'dumb');
  const stop = draws ? startDrawing(context, transfers) : startLines(context, transfers);
  context.onClose(stop);
  return {
    copy: (item, event) => transfers.copy(item, event),
    report: (item, done, total) => transfers.report(item, done, total),
    finish: (item) => transfers.finish(item),
    stop,
  };
}

const SILENT: Progress = { copy() {}, report() {}, finish() {}, stop() {} };

function startLines({ stderr }: Context, transfers: Transfers): () => void {
  transfers.read(performance.now());
  const timer = setInterval(() => {
    stderr.write(`${totalLine(transfers.read(performance.now()).total)}\n`);
  }, BETWEEN_LINES).unref();
  return () => clearInterval(timer);
}

function startDrawing({ stdout, stderr }: Context, transfers: Transfers): () => void {
  let timer: NodeJS.Timeout | undefined;
  let end = (): void => {};
  let stopped = false;
  const start = async (): Promise<void> => {
    if (!stderr.isTerminal) return;
    const [{ DEFAULT_SIZE, openDrawing }, { progressLines }] = await Promise.all([
      import('./progress/screen.js'),
      import('./progress/lines.js'),
    ]);
    if (stopped) return;
    const terminal = process.stderr;
    const drawing = openDrawing(terminal);
    // What is printed goes above what is drawn.
    const outputs = stdout.isTerminal ? [stdout, stderr] : [stderr];
    for (const output of outputs) output.beforeWrite = drawing.clear;
    const draw = (): void => {
      const screen = { columns: terminal.columns || DEFAULT_SIZE.columns, rows: terminal.rows || DEFAULT_SIZE.rows };
      drawing.draw(progressLines(transfers.read(performance.now()), screen));
    };
    draw();
    timer = setInterval(draw, BETWEEN_DRAWINGS).unref();
    end = () => {
      for (const output of outputs) output.beforeWrite = undefined;
      drawing.close();
    };
  };
  transfers.read(performance.now());
  timer = setTimeout(() => void start(), FIRST_DRAWING).unref();
  return () => {
    if (stopped) return;
    stopped = true;
    clearTimeout(timer);
    clearInterval(timer);
    end();
  };
}
