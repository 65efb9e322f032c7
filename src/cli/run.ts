/** From arguments to exit code. */
import { CommanderError } from 'commander';
import { createContext, INTERRUPTED } from './context.js';
import { buildProgram } from './program.js';

/** Runs one command. Never throws: what goes wrong is printed, and told by the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const context = createContext();
  try {
    const program = await buildProgram(context, args);
    await program.parseAsync([...args], { from: 'user' });
    await context.stdout.finish();
    return context.failed ? 1 : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (context.signal.aborted) {
      context.stderr.write('Cancelled.\n');
      return INTERRUPTED;
    }
    context.printError(error);
    return 1;
  } finally {
    await context.close();
  }
}
