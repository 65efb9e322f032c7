/** What is wrong with a mirror file, told as compilers do: `FILE:LINE:COLUMN: what`. */
import { ChartError } from '../../errors.js';
import type { Place } from './places.js';

export interface Mistake extends Place {
  readonly text: string;
  readonly hint?: string | undefined;
}

/** Mistakes told at once. */
const MISTAKES_LIMIT = 20;

/** What to do, told for all mistakes together. */
const CURES_LIMIT = 3;

/** Mistakes that are looked for: where there are more, they are most likely all the same. */
export const MISTAKES_SOUGHT = 200;

export const EXAMPLE_HINT = '"chart mirror init" writes an example with every key explained.';

/** The error that tells of mistakes, in the order in which they stand there. */
export function invalidFile(file: string, mistakes: readonly Mistake[]): ChartError {
  const sorted = [...mistakes].sort((a, b) => a.line - b.line || a.column - b.column);
  const told = sorted.slice(0, MISTAKES_LIMIT);
  const lines = told.map(({ line, column, text }) => `${file}:${line}:${column}: ${text}`);
  const more = sorted.length - MISTAKES_LIMIT;
  if (more > 0) lines.push(sorted.length >= MISTAKES_SOUGHT ? 'and many more' : `and ${more} more`);
  const cures = new Set(told.map(({ hint }) => hint).filter((hint) => hint !== undefined));
  const hint = [...cures].slice(0, CURES_LIMIT).join('\n') || EXAMPLE_HINT;
  return new ChartError('MIRROR_FILE_INVALID', lines.join('\n'), { hint });
}
