/** What every command works with: where to print, what to stop for, and the parts that are opened when first needed. */
import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { ChartError } from '../errors.js';
import type { Layout, LayoutOptions, LockWait } from '../layout/layout.js';
import { errorText } from './error-text.js';
import { Output } from './output.js';
import { printable, printableLines } from './text.js';

export interface Context {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: NodeJS.ReadStream;
  /** Aborted by SIGINT and SIGTERM; a second signal ends the process at once. */
  readonly signal: AbortSignal;
  /** What SIGINT does, for a Ctrl-C that comes as a key. */
  interrupt(): void;
  /** Exit code after that signal, by the shells' custom: 130 after SIGINT, 143 after SIGTERM. */
  readonly signalExitCode: number;
  /** Set by `printError`: the command goes on, and exits with 1. */
  readonly failed: boolean;
  debug: boolean;
  /** How the cache is to be written to. */
  cacheUse: Pick<LayoutOptions, 'fsync' | 'lockTimeout'>;
  /** A directory that somebody chose and that is there where all is well: the cache, or one that it is to be made in. */
  chosenPlace: string | undefined;
  /** Puts the name that the program is run by into text of ours that names commands. */
  spell(text: string): string;
  printError(error: unknown): void;
  printWarning(text: string): void;
  /** Runs at every SIGHUP, which without a listener ends the process. */
  onHangup(listener: () => void): void;
  /** Runs when the command has ended, however it ended. */
  onClose(close: () => Promise<void> | void): void;
  close(): Promise<void>;
}

export function createContext(): Context {
  const stdout = new Output(() => process.stdout);
  const stderr = new Output(() => process.stderr);
  const controller = new AbortController();
  // Everything that a command does listens to it; Node.js 20 warns of more than ten.
  setMaxListeners(0, controller.signal);
  const closers: (() => Promise<void> | void)[] = [];
  let signalExitCode = 0;
  // Not `once`: the lock library ends the process at a signal that nobody listens to any more.
  const stop = (_name: string, number: number): void => {
    signalExitCode ||= 128 + number;
    if (controller.signal.aborted) process.exit(signalExitCode);
    controller.abort(new ChartError('CANCELLED', 'cancelled'));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  let failed = false;
  return {
    stdout,
    stderr,
    get stdin() {
      return process.stdin;
    },
    signal: controller.signal,
    interrupt: () => stop('SIGINT', constants.signals.SIGINT),
    debug: false,
    cacheUse: {},
    chosenPlace: undefined,
    spell: (text) => text,
    get signalExitCode() {
      return signalExitCode;
    },
    get failed() {
      return failed;
    },
    printError(error) {
      failed = true;
      stderr.write(errorText(error, this.debug, this.spell));
    },
    printWarning(text) {
      stderr.write(printableLines(`Warning: ${text}\n`));
    },
    onHangup(listener) {
      process.on('SIGHUP', listener);
      closers.push(() => void process.removeListener('SIGHUP', listener));
    },
    onClose(close) {
      closers.push(close);
    },
    async close() {
      process.removeListener('SIGINT', stop);
      process.removeListener('SIGTERM', stop);
      for (const close of closers.reverse()) await close();
    },
  };
}

/**
 * Opens the cache, without reading or making anything yet; what it holds on to is given up with the command. A cache that was
 * chosen and is not there is most likely a slip, which an empty list would hide.
 *
 * @param mayBeNew for commands that bring charts into it
 * @param mustBe for commands whose success would say that all is well
 * @throws ChartError `USAGE` where it is chosen, has to be there, and is not
 */
export async function openCache(
  context: Context,
  directory: string,
  { readOnly = false, mayBeNew = false, mustBe = false } = {},
): Promise<Layout> {
  const { openLayout } = await import('../layout/layout.js');
  if (!mayBeNew && context.chosenPlace !== undefined && !existsSync(context.chosenPlace)) {
    if (mustBe) {
      throw new ChartError('USAGE', `there is no cache at ${directory}`, {
        hint: 'Check --cache-dir, or HELM_CACHE_HOME.',
      });
    }
    context.printWarning(`there is no cache at ${directory}`);
  }
  const layout = openLayout(directory, {
    readOnly,
    ...context.cacheUse,
    onLockWait: (wait) => context.stderr.write(waitText(wait)),
  });
  context.onClose(() => layout.close());
  return layout;
}

function waitText({ owner }: LockWait): string {
  return `Waiting for ${printable(owner ?? 'another process')}, which is writing to the cache...\n`;
}
