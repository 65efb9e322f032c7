/**
 * The command tree. Only the command that is asked for is in it and loaded; without one there are all, with name and summary, for
 * the help and for "did you mean".
 */
import { Command, Help, Option } from 'commander';
import { argumentFault, helpPointer, usageOf } from './argument-errors.js';
import { COMMANDS, type CommandEntry } from './command-table.js';
import type { Context } from './context.js';
import { parseTime } from './quantities.js';
import { readProgramName } from './settings.js';
import { printableLines } from './text.js';
import { usageError } from './usage-error.js';
import { version } from './version.js';
import { wrapParagraphs } from './wrap.js';

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
  // Behind a command, --version is that of a chart, or a slip for it.
  const before = path[0] === undefined ? args : args.slice(0, args.indexOf(path[0]));
  const isOurs = path[0] === undefined || before.includes('--version');
  program
    .description(DESCRIPTION)
    .version(version, isOurs ? '-V, --version' : '-V', 'print the version')
    .addHelpText('after', EXAMPLES);
  program.addOption(new Option('--cache-dir <dir>', 'the cache (default: the one of Helm 3.6.3)'));
  program.addOption(new Option('--registry-config <file>', 'the one file to read and write credentials in'));
  program.addOption(
    new Option(
      '--lock-timeout <duration>',
      'how long to wait for another process that writes to the cache (default: 1m)',
    ).argParser(parseTime),
  );
  program.addOption(new Option('--no-fsync', 'do not wait for the disk, in a cache that may be lost with its machine'));
  program.addOption(new Option('--debug', 'print what is done in detail, and errors with their origin'));
  program.addOption(new Option('-q, --quiet', 'print references only'));
  program.addOption(new Option('--no-progress', 'do not show how far transfers are'));
  program.helpCommand(false);
  applyHouseStyle(program, context);
  const named = COMMANDS.filter((entry) => isNamed(entry, path));
  // The others are of use only to who asks for help or names none of them.
  const isHelp = asksForHelp(args) || args.some((word) => /^-(?:-help$|\w*h)/.test(word));
  await addCommands(program, context, named.length === 0 || isHelp ? COMMANDS : named, path);
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
  entries: readonly CommandEntry[],
  path: readonly string[],
): Promise<void> {
  for (const entry of entries) {
    const { name, alias, summary, load, children, group, topic } = entry;
    const command = parent
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
    if (alias) command.alias(alias);
    if (group) command.helpGroup(`${group}:`);
    applyHouseStyle(command, context);
    const wanted = isNamed(entry, path);
    if (children) {
      const own = topic ? children.map((child) => ({ topic, ...child })) : children;
      await addCommands(command, context, own, wanted ? path.slice(1) : []);
    }
    if (load && wanted) {
      (await load()).configure(command, context);
      // That is how commander's own begins.
      if (command.usage().startsWith('[options]')) command.usage(usageOf(command));
    }
    if (topic && wanted) command.addHelpText('after', `\nMore: chart help ${topic}`);
  }
}

function isNamed({ name, alias }: CommandEntry, [word]: readonly string[]): boolean {
  return word !== undefined && (word === name || word === alias);
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
    .showHelpAfterError(helpPointer(command))
    .showSuggestionAfterError(true)
    .configureHelp({
      showGlobalOptions: true,
      sortSubcommands: false,
      argumentTerm: (argument) => argument.name().toUpperCase(),
      formatHelp: (one, helper) => commandsFirst(Help.prototype.formatHelp.call(helper, one, helper)),
    })
    .configureOutput({
      writeOut: (text) => context.stdout.write(wrapParagraphs(context.spell(text), context.stdout.columns ?? 80)),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => {
        const fault = argumentFault(command, text);
        if (fault) throw fault;
        write(printableLines(context.spell(usageError(text, command.name()))));
      },
    });
}

/** Who asks for the help of several commands looks for one of them. */
function commandsFirst(text: string): string {
  const blocks = text.trimEnd().split('\n\n');
  const isOptions = (block: string): boolean => /^(?:Global )?Options:\n/.test(block);
  const last = Math.max(...blocks.map((block, index) => (isOptions(block) ? index : 0)));
  if (last === 0 || last === blocks.length - 1) return text;
  return `${[...blocks.filter((block) => !isOptions(block)), ...blocks.filter(isOptions)].join('\n\n')}\n`;
}

const NAMED_COMMAND = new RegExp(
  `(?<![\\w./-]|helm )chart (?=(?:${COMMANDS.map(({ name }) => name).join('|')})\\b)`,
  'g',
);

/** `chart save` as `helm chart save`, where the program is run so. */
function spell(text: string, name: string): string {
  return name === 'chart' ? text : text.replace(NAMED_COMMAND, `${name} `);
}
