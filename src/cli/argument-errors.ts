/**
 * Too few and too many arguments, in one form for all commands. The first line is in the words of Helm, the rest says which and how:
 *
 *     Error: "chart tags" requires at least 1 argument
 *     REPO is missing: a repository of a registry
 *     Usage:  chart tags REPO [options]
 *     (chart tags --help shows how it is used)
 */
import { existsSync } from 'node:fs';
import type { Argument, Command } from 'commander';
import { shellWord } from '../chart/shell-word.js';
import { ChartError } from '../errors.js';

/**
 * @param words which argument is wrong, and what to write
 * @param requirement what the command wants, as Helm says it: `requires 2 arguments`
 */
export function argumentError(command: Command, requirement: string, words: string): ChartError {
  const text = `${words}\n${usageLines(command)}\n${helpPointer(command)}`;
  return new ChartError('USAGE', `"${commandPath(command)}" ${requirement}`, { hint: text });
}

/** @param name as the help has it, in lower case */
export function missingArgument(command: Command, name: string, least = 1): ChartError {
  const argument = command.registeredArguments.find((one) => one.name() === name);
  const described = argument?.description ? `: ${argument.description}${choicesOf(argument)}` : '';
  return argumentError(
    command,
    `requires at least ${least} argument${least === 1 ? '' : 's'}`,
    `${name.toUpperCase()} is missing${described}`,
  );
}

export function surplusArguments(command: Command, given: readonly string[]): ChartError {
  const most = command.registeredArguments.length;
  const surplus = given.slice(most).map(shellWord);
  const isOne = surplus.length === 1;
  return argumentError(
    command,
    most === 0 ? 'accepts no arguments' : `accepts at most ${most} argument${most === 1 ? '' : 's'}`,
    meant(command, given) ?? `${surplus.join(' ')} ${isOne ? 'is' : 'are'} not taken`,
  );
}

/**
 * What commander says of arguments, in this form.
 *
 * @param text one message of commander
 */
export function argumentFault(command: Command, text: string): ChartError | undefined {
  const missing = /^error: missing required argument '([^']*)'/.exec(text)?.[1];
  if (missing !== undefined) return missingArgument(command, missing);
  return text.startsWith('error: too many arguments') ? surplusArguments(command, command.args) : undefined;
}

/** What is most likely meant by arguments that are too many. */
function meant(command: Command, given: readonly string[]): string | undefined {
  const [first = '', second = ''] = given;
  const name = commandPath(command);
  switch (command.name()) {
    case 'serve': {
      if (/^\d+$/.test(first)) return `Did you mean ${name} --port ${first}?`;
      if (/:\d+$/.test(first)) return `Did you mean ${name} --addr ${shellWord(first)}?`;
      return existsSync(first) ? `Did you mean ${name} --cache-dir ${shellWord(first)}?` : undefined;
    }
    case 'tags':
      return /^(?:list|ls)$/.test(first) ? `Did you mean ${name} ${shellWord(second)}?` : undefined;
    case 'login':
      return `A user name is given with -u, a password with --password-stdin: ${name} ${shellWord(first)} -u ${shellWord(second)} --password-stdin`;
    case 'unbundle':
      return `One bundle at a time: ${given.map((file) => `${name} ${shellWord(file)}`).join(' && ')}`;
    default:
      return undefined;
  }
}

/** `(chart tags --help shows how it is used)`. */
export function helpPointer(command: Command): string {
  return `(${commandPath(command)} --help shows how it is used)`;
}

/** `chart registry login`. */
export function commandPath(command: Command): string {
  return command.parent ? `${commandPath(command.parent)} ${command.name()}` : command.name();
}

/** `REPO [options]`: arguments as this project writes them, options last. */
export function usageOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name().toUpperCase()}${argument.variadic ? '...' : ''}`;
    return argument.required ? name : `[${name}]`;
  });
  return [...words, '[options]'].join(' ');
}

function usageLines(command: Command): string {
  return `Usage:  ${commandPath(command)} ${command.usage().replace(/\n\s*/g, '\n        ')}`;
}

function choicesOf({ argChoices }: Argument): string {
  return argChoices ? `, one of ${argChoices.join(', ')}` : '';
}
