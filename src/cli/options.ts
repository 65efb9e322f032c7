/** Options and arguments that several commands share. */
import { type Command, Option } from 'commander';
import type { VersionRange } from '../chart/version-range.js';
import { ChartError } from '../errors.js';
import { missingArgument } from './argument-errors.js';
import type { Context } from './context.js';
import { readLines } from './read-lists.js';
import { readSettings, type Settings } from './settings.js';

export interface CommonOptions {
  readonly cacheDir?: string;
  readonly registryConfig?: string;
  readonly debug?: boolean;
  readonly quiet?: boolean;
  readonly progress?: boolean;
  readonly mediaType?: string;
  readonly keyring?: string;
  readonly fsync?: boolean;
  readonly lockTimeout?: number;
}

export interface ConnectionOptions {
  readonly plainHttp?: boolean;
  readonly insecureSkipTlsVerify?: boolean;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

export type OutputFormat = 'table' | 'json' | 'yaml';

export interface FormatOptions {
  readonly output: OutputFormat;
}

export interface FileOptions {
  readonly file?: string;
}

export interface VersionOptions {
  readonly version?: string;
  readonly prerelease?: boolean | undefined;
}

/** The options of a command with those of its parents, and the settings that follow from them. */
export function readOptions<Options>(
  command: Command,
  context: Context,
): { options: Options & CommonOptions; settings: Settings } {
  const options = command.optsWithGlobals<Options & CommonOptions>();
  refuseEmptyPlaces(options);
  const settings = readSettings(options);
  context.debug = settings.debug;
  context.chosenPlace = settings.chosenPlace;
  context.cacheUse = { fsync: settings.fsync, lockTimeout: settings.lockTimeout };
  return { options, settings };
}

/** An empty place is a variable of a script that is not set: what then happens elsewhere is not what was meant. */
function refuseEmptyPlaces(options: CommonOptions & FileOptions): void {
  const places = { '--cache-dir': options.cacheDir, '--file': options.file };
  for (const [flag, value] of Object.entries(places)) {
    if (value !== '') continue;
    throw new ChartError('USAGE', `${flag} is empty`, {
      hint: 'Say where, or leave the option out. A variable that it was made of may not be set.',
    });
  }
}

export function addConnectionOptions(command: Command): Command {
  return command
    .option('--plain-http', 'speak HTTP without TLS')
    .option('--insecure-skip-tls-verify', 'accept any certificate')
    .option('--ca-file <file>', "trust these certificate authorities beside the system's")
    .option('--cert-file <file>', 'identify with this client certificate')
    .option('--key-file <file>', "the client certificate's key")
    .option('-u, --username <name>', 'user name, instead of a stored one')
    .option('-p, --password <password>', 'password; visible to other users of this machine, so rather:')
    .option('--password-stdin', 'read the password from standard input');
}

export function addFormatOption(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'output format').choices(['table', 'json', 'yaml']).default('table'),
  );
}

/** For a command below one that does something by itself: that one's options are not for this one, and not in its help. */
export function ownOptionsOnly(command: Command): Command {
  return command.configureHelp({
    ...command.configureHelp(),
    visibleGlobalOptions: () => [...(command.parent?.parent?.options ?? [])],
  });
}

export function addKeyringOption(command: Command): Command {
  return command.option(
    '--keyring <file>',
    "public keys that signatures count of, binary or armoured (default: GnuPG's pubring.gpg)",
  );
}

export function addFileOption(command: Command, what = 'references'): Command {
  return command.option('-f, --file <file>', `read ${what} from a file, one a line; - is standard input`);
}

export function addVersionOptions(command: Command, what: string): Command {
  return command
    .option('--version <range>', `${what}: 1.2.3, ^1.2, ~1.2.3, 1.x, ">=1.2 <3"`)
    .option('--prerelease', 'let prereleases count, such as 1.0.0-rc.1')
    .addOption(new Option('--devel', "--prerelease by Helm's name").implies({ prerelease: true }));
}

/** @throws ChartError `USAGE` for a range that cannot be read */
export async function readRange({ version, prerelease }: VersionOptions): Promise<VersionRange | undefined> {
  if (version === undefined) return undefined;
  const { parseVersionRange } = await import('../chart/version-range.js');
  return parseVersionRange(version, { prerelease });
}

/**
 * The arguments and, after them, the lines of `-f FILE`. Blank lines and lines that begin with `#` do not count.
 *
 * @throws ChartError `USAGE` where there is nothing in either
 */
export async function readItems(
  context: Context,
  command: Command,
  given: readonly string[],
  { file }: FileOptions,
  argument = 'ref',
): Promise<string[]> {
  const lines = file === undefined ? [] : await readLines(context, file);
  const items = [...given, ...lines];
  if (items.length === 0 && file === undefined) {
    throw missingArgument(command, argument);
  }
  if (items.length === 0) {
    context.printWarning(`no references ${file === '-' ? 'on standard input' : `in ${file}`}`);
  }
  return items;
}
