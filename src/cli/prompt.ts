/** Questions on the terminal. */
import { createInterface } from 'node:readline';
import { ChartError, cancelled, throwIfCancelled } from '../errors.js';
import type { Context } from './context.js';

/**
 * Asks and reads one line, from a terminal or a pipe. The question goes to standard output, as Helm's does.
 *
 * @throws ChartError `USAGE` where standard input has ended, `CANCELLED` after a signal
 */
export async function askLine(context: Context, question: string): Promise<string> {
  const { stdin, signal } = context;
  context.stdout.write(question);
  const lines = createInterface({ input: stdin, terminal: false, signal });
  try {
    for await (const line of lines) return line;
  } finally {
    lines.close();
  }
  leaveLine(context);
  throwIfCancelled(signal);
  throw new ChartError('USAGE', `no answer to "${question.trim()}": standard input has ended`, {
    hint: 'Give --username and --password-stdin where no terminal is at hand.',
  });
}

/**
 * Asks and reads one line without echo.
 *
 * @throws ChartError `USAGE` where standard input is no terminal, `CANCELLED` after Ctrl-C
 */
export async function askHidden(context: Context, question: string): Promise<string> {
  context.stdout.write(question);
  const { stdin } = context;
  if (!stdin.isTTY) {
    leaveLine(context);
    throw new ChartError('USAGE', 'a password cannot be read without echo: standard input is no terminal', {
      hint: 'Pipe the password in and give --password-stdin.',
    });
  }
  stdin.setRawMode(true);
  try {
    return await readKeys(context);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    context.stdout.write('\n');
  }
}

/** Nobody has pressed Enter: what is said next begins a line of its own. In a pipe the question stays as Helm prints it. */
function leaveLine({ stdout }: Context): void {
  if (stdout.isTerminal) stdout.write('\n');
}

/** Reads keys until Enter; Backspace and Ctrl-U correct, Ctrl-C cancels, Ctrl-D ends. */
function readKeys({ stdin, signal, interrupt }: Context): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer: string[] = [];
    const finish = (settle: () => void): void => {
      stdin.removeListener('data', onData);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = (): void => finish(() => reject(cancelled(signal)));
    const onData = (chunk: Buffer): void => {
      for (const key of chunk.toString('utf8')) {
        // The terminal makes no signal of it while it sends every key.
        if (key === '\u0003') interrupt();
        else if (key === '\r' || key === '\n' || key === '\u0004') finish(() => resolve(answer.join('')));
        else if (key === '\u007F' || key === '\b') answer.pop();
        else if (key === '\u0015') answer = [];
        else answer.push(key);
      }
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    stdin.on('data', onData);
    stdin.resume();
  });
}
