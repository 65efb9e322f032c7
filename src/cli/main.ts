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
    process.exitCode = await run(args);
  }
}

void main(process.argv.slice(2));
