/**
 * The program. `--version` is answered before anything else is loaded, because build scripts ask it often; all other
 * parts are loaded when a command needs them.
 */
import { version } from './version.js';

async function main(args: readonly string[]): Promise<void> {
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
    process.stdout.on('error', () => {
      process.exitCode = 1;
    });
    process.stdout.write(`${version}\n`);
  } else if (args[0] === '__complete') {
    const { runCompletion } = await import('./run.js');
    process.exitCode = await runCompletion(args.slice(1));
  } else {
    const { run } = await import('./run.js');
    // A program whose work waits for what never comes ends without a word, and must not seem to have done it.
    process.exitCode = 1;
    process.once('beforeExit', tellOfStandstill);
    const code = await run(args);
    process.off('beforeExit', tellOfStandstill);
    process.exitCode = code;
  }
}

function tellOfStandstill(): void {
  process.stderr.write(
    'Error: nothing is left to do, and the command is not done.\nThis is a fault of chart itself; please report it with the output of the same command and --debug.\n',
  );
}

void main(process.argv.slice(2));
