/** Errors as a person reads them. */
import { type ChartError, isChartError } from '../errors.js';
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
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return printableLines(
    `Error: ${debug ? stack : error instanceof Error ? error.message : stack}\n` +
      'This is a fault of chart itself; please report it with the output of the same command and --debug.\n',
  );
}

function traceOf(error: ChartError): string {
  const lines = [`  ${error.code}: ${error.stack ?? error.message}`];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) lines.push(`  caused by ${cause.stack}`);
  return lines.join('\n');
}
