/** From arguments to exit code. */
import { CommanderError } from 'commander';
import { isChartError } from '../errors.js';
import { type Context, createContext } from './context.js';
import { buildProgram } from './program.js';

/** Runs one command. Never throws: what goes wrong is printed, and told by the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const context = createContext();
  let code = await attempt(context, () => runCommand(context, args));
  code = (await attempt(context, () => finishOutput(context))) || code;
  await context.close();
  return code;
}

/** @returns the exit code that `work` gives, or that follows from what it throws */
async function attempt(context: Context, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (context.signal.aborted && (isChartError(error, 'CANCELLED') || isAbort(error))) {
      context.stderr.write('Cancelled.\n');
      return context.signalExitCode;
    }
    context.printError(error);
    return 1;
  }
}

/** Prints what could stand at the last word. Nothing else, whatever goes wrong. */
export async function runCompletion(words: readonly string[]): Promise<number> {
  const { complete } = await import('./completion/complete.js');
  const context = createContext();
  context.stdout.write(await complete(context, words));
  await context.stdout.finish().catch(() => undefined);
  await context.close();
  return 0;
}

async function runCommand(context: Context, args: readonly string[]): Promise<number> {
  const program = await buildProgram(context, args);
  await program.parseAsync([...args], { from: 'user' });
  return context.failed ? 1 : 0;
}

async function finishOutput({ stdout }: Context): Promise<number> {
  await stdout.finish();
  return 0;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
