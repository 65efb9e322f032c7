/**
 * The command tree. Only the command that is asked for is loaded; of the others the tree holds name and summary, for the
 * help and for "did you mean".
 */
import { Command, Option } from 'commander';
import { nearNames } from '../operations/near-names.js';
import type { Configure } from './configure.js';
import type { Context } from './context.js';
import { commandPath } from './options.js';
import { parseDuration } from './quantities.js';
import { readProgramName } from './settings.js';
import { printableLines } from './text.js';
import { version } from './version.js';

interface Entry {
  readonly name: string;
  readonly alias?: string;
  readonly summary: string;
  readonly load?: () => Promise<{ configure: Configure }>;
  readonly children?: readonly Entry[];
  /** Its heading in the help. */
  readonly group?: Group;
  /** The page of docs/ that says more. */
  readonly topic?: string;
  /** Its `--version` is not the program's. */
  readonly takesVersion?: true;
}

type Group = 'Charts in the cache' | 'Registries' | 'Across a gap' | 'Servers' | 'Other';

const COMMANDS: readonly Entry[] = [
  {
    name: 'save',
    group: 'Charts in the cache',
    topic: 'charts',
    summary: 'save chart directories or packed charts into the cache',
    load: () => import('./commands/save.js'),
  },
  {
    name: 'list',
    group: 'Charts in the cache',
    topic: 'cache',
    alias: 'ls',
    summary: 'list the charts in the cache',
    load: () => import('./commands/list.js'),
  },
  {
    name: 'export',
    group: 'Charts in the cache',
    topic: 'charts',
    summary: 'write cached charts to directories',
    load: () => import('./commands/export.js'),
  },
  {
    name: 'remove',
    group: 'Charts in the cache',
    topic: 'cache',
    alias: 'rm',
    summary: 'remove references from the cache',
    load: () => import('./commands/remove.js'),
  },
  {
    name: 'push',
    group: 'Registries',
    topic: 'registries',
    summary: 'push cached charts to their registries',
    load: () => import('./commands/push.js'),
  },
  {
    name: 'pull',
    group: 'Registries',
    topic: 'registries',
    summary: 'pull charts from registries into the cache',
    load: () => import('./commands/pull.js'),
    takesVersion: true,
  },
  {
    name: 'tag',
    group: 'Charts in the cache',
    summary: 'give a cached chart a second name',
    load: () => import('./commands/tag.js'),
  },
  {
    name: 'tags',
    group: 'Registries',
    topic: 'tags-and-referrers',
    summary: 'list the tags of a repository, newest version first',
    load: () => import('./commands/tags.js'),
    takesVersion: true,
  },
  {
    name: 'show',
    group: 'Charts in the cache',
    topic: 'charts',
    summary: 'show parts of a cached chart',
    load: () => import('./commands/show.js'),
  },
  {
    name: 'verify',
    group: 'Charts in the cache',
    topic: 'cache',
    summary: 'check the cache, or who signed charts',
    load: () => import('./commands/verify.js'),
  },
  {
    name: 'prune',
    group: 'Charts in the cache',
    topic: 'cache',
    summary: 'delete what no reference reaches',
    load: () => import('./commands/prune.js'),
  },
  {
    name: 'bundle',
    group: 'Across a gap',
    topic: 'bundles',
    summary: 'write cached charts to one portable file',
    load: () => import('./commands/bundle.js'),
    children: [
      { name: 'ls', summary: 'list what a bundle holds', load: () => import('./commands/bundle-ls.js') },
      { name: 'verify', summary: 'check a bundle', load: () => import('./commands/bundle-verify.js') },
    ],
  },
  {
    name: 'images',
    group: 'Across a gap',
    topic: 'bundles',
    summary: 'list the container images that charts name',
    load: () => import('./commands/images.js'),
  },
  {
    name: 'unbundle',
    group: 'Across a gap',
    topic: 'bundles',
    summary: 'load a bundle into the cache',
    load: () => import('./commands/unbundle.js'),
  },
  {
    name: 'serve',
    group: 'Servers',
    topic: 'serve',
    summary: 'serve the cache as an OCI registry',
    load: () => import('./commands/serve.js'),
  },
  {
    name: 'mirror',
    group: 'Registries',
    topic: 'mirror',
    summary: 'copy charts from registries and chart repositories to where they are wanted',
    load: () => import('./commands/mirror.js'),
    takesVersion: true,
    children: [
      {
        name: 'init',
        summary: 'write an example of a mirror file',
        load: () => import('./commands/mirror-init.js'),
      },
    ],
  },
  {
    name: 'registry',
    group: 'Registries',
    topic: 'registries',
    summary: 'log in to registries and out of them',
    children: [
      { name: 'login', summary: 'log in to a registry', load: () => import('./commands/login.js') },
      { name: 'logout', summary: 'log out of a registry', load: () => import('./commands/logout.js') },
    ],
  },
  {
    name: 'completion',
    group: 'Other',
    summary: 'print a script that completes chart in a shell',
    load: () => import('./commands/completion.js'),
  },
  // Loaded apart, beside the command that it is to tell of.
  { name: 'help', group: 'Other', summary: 'show help for a command, or a page of the manual' },
];

const DESCRIPTION = `Keeps Helm charts in a local OCI image-layout cache and moves them between the cache, registries and files.`;

const EXAMPLES = `
Examples:
  chart save ./app registry.example.com/team/app:1.0.0
  chart push registry.example.com/team/app:1.0.0
  chart pull registry.example.com/team/app:1.0.0
  chart export registry.example.com/team/app:1.0.0 -d ./charts

More: chart help topics`;

/** Builds the tree with the command that `args` name loaded whole. */
export async function buildProgram(context: Context, args: readonly string[]): Promise<Command> {
  const program = new Command(readProgramName());
  context.spell = (text) => spell(text, program.name());
  const path = words(args);
  const takesVersion = COMMANDS.some((entry) => entry.takesVersion && entry.name === path[0]);
  program
    .description(DESCRIPTION)
    .version(version, takesVersion ? '-V' : '-V, --version', 'print the version')
    .addHelpText('after', EXAMPLES);
  program.addOption(new Option('--cache-dir <dir>', 'the cache (default: the one of Helm 3.6.3)'));
  program.addOption(new Option('--registry-config <file>', 'the one file to read and write credentials in'));
  program.addOption(
    new Option(
      '--lock-timeout <duration>',
      'how long to wait for another process that writes to the cache (default: 1m)',
    ).argParser(parseDuration),
  );
  program.addOption(new Option('--no-fsync', 'do not wait for the disk, in a cache that may be lost with its machine'));
  program.addOption(new Option('--debug', 'print what is done in detail, and errors with their origin'));
  program.addOption(new Option('-q, --quiet', 'print references only'));
  program.addOption(new Option('--no-progress', 'do not show how far transfers are'));
  program.helpCommand(false);
  applyHouseStyle(program, context);
  await addCommands(program, context, COMMANDS, path);
  const help = asksForHelp(args) && program.commands.find((command) => command.name() === 'help');
  if (help) (await import('./commands/help.js')).configure(help, context);
  const group = path.length === 0 ? program : program.commands.find((command) => command.name() === path[0]);
  if (group && path.length < 2 && group.commands.length > 0 && !doesSomething(group)) showHelpWhenBare(group);
  return program;
}

/** `chart bundle REF...` works by itself, beside `chart bundle ls`. */
function doesSomething(group: Command): boolean {
  return COMMANDS.some(({ name, load }) => name === group.name() && load !== undefined);
}

/** `chart` and `chart registry` alone print their help, and that is no error. */
function showHelpWhenBare(group: Command): void {
  group.action(() => group.outputHelp());
}

async function addCommands(
  parent: Command,
  context: Context,
  entries: readonly Entry[],
  path: readonly string[],
): Promise<void> {
  for (const { name, alias, summary, load, children, group, topic } of entries) {
    const command = parent
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
    if (alias) command.alias(alias);
    if (group) command.helpGroup(`${group}:`);
    applyHouseStyle(command, context);
    const wanted = path[0] === name || (alias !== undefined && path[0] === alias);
    if (children) {
      const own = topic ? children.map((child) => ({ topic, ...child })) : children;
      await addCommands(command, context, own, wanted ? path.slice(1) : []);
    }
    if (load && wanted) (await load()).configure(command, context);
    if (topic && wanted) command.addHelpText('after', `\nMore: chart help ${topic}`);
  }
}

/** The words that may name commands, without the `help` before them. */
function words(args: readonly string[]): string[] {
  const found = plainWords(args);
  return found[0] === 'help' ? found.slice(1) : found;
}

/** True for `help ...` with whatever options before it. */
export function asksForHelp(args: readonly string[]): boolean {
  return plainWords(args)[0] === 'help';
}

/** Those that are no options, without the values of the options that come first. */
function plainWords(args: readonly string[]): string[] {
  const found: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const word = args[index] as string;
    if (['--cache-dir', '--registry-config', '--lock-timeout'].includes(word)) index++;
    else if (!word.startsWith('-')) found.push(word);
  }
  return found;
}

function applyHouseStyle(command: Command, context: Context): void {
  command
    .exitOverride()
    .showHelpAfterError(`(${commandPath(command)} --help shows how it is used)`)
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => context.stdout.write(context.spell(text)),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(printableLines(withNearChoice(text.replace(/^error: /, 'Error: ')))),
    });
}

/** For a word that is none of the choices, the nearest of them; commander suggests only commands and options. */
function withNearChoice(text: string): string {
  const match = /'([^']*)' is invalid(?: for argument '[^']*')?\. Allowed choices are (.*)\.\n$/.exec(text);
  const [near] = match ? nearNames(match[1] as string, (match[2] as string).split(', '), 1) : [];
  return near === undefined ? text : `${text}(Did you mean ${near}?)\n`;
}

const NAMED_COMMAND = new RegExp(
  `(?<![\\w./-]|helm )chart (?=(?:${COMMANDS.map(({ name }) => name).join('|')})\\b)`,
  'g',
);

/** `chart save` as `helm chart save`, where the program is run so. */
function spell(text: string, name: string): string {
  return name === 'chart' ? text : text.replace(NAMED_COMMAND, `${name} `);
}
