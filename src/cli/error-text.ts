/** Errors as a person reads them. */
import { ChartError, isChartError } from '../errors.js';
import { printableLines } from './text.js';

/**
 * An error as it is printed: `Error: ` and the message, then the hint on a line of its own.
 *
 * @param spell see Context; for the hint alone, since messages quote what others wrote
 */
export function errorText(error: unknown, debug: boolean, spell: (text: string) => string = String): string {
  if (isChartError(error)) {
    const hint = error.hint === undefined ? '' : `${spell(error.hint)}\n`;
    const trace = debug ? `${traceOf(error)}\n` : '';
    return printableLines(`Error: ${error.message}\n${hint}${trace}`);
  }
  if (isLostDirectory(error)) return errorText(lostDirectory(error), debug, spell);
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return printableLines(
    `Error: ${debug ? stack : error instanceof Error ? error.message : stack}\n` +
      'This is a fault of chart itself; please report it with the output of the same command and --debug.\n',
  );
}

/** Whatever resolves a relative path can meet it. */
function isLostDirectory(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd';
}

function lostDirectory(cause: unknown): ChartError {
  return new ChartError('USAGE', 'the working directory does not exist any more', {
    cause,
    hint: 'Change into a directory that exists, or name files and directories by their absolute paths.',
  });
}

function traceOf(error: ChartError): string {
  const lines = [`  ${error.code}: ${error.stack ?? error.message}`];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) lines.push(`  caused by ${cause.stack}`);
  return lines.join('\n');
}
