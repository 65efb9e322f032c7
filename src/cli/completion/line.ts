/**
 * A command line that is being typed, read against the command tree: which command it is about, and what stands at the cursor.
 *
 *     chart registry login --ca-file ca.pem reg|
 *           └─ command ──┘ └─ option's value ┘ └ first argument
 */
import type { Argument, Command, Option } from 'commander';

/** What may stand at the cursor. */
export type Place =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'option'; readonly command: Command }
  /** `prefix` is `--name=` where the value stands in the same word. */
  | { readonly kind: 'value'; readonly option: Option; readonly prefix: string; readonly given: GivenOptions }
  | {
      readonly kind: 'argument';
      readonly command: Command;
      readonly argument: Argument;
      readonly position: number;
      readonly given: GivenOptions;
    }
  | { readonly kind: 'nothing' };

/** The options that stand before the cursor, with their values, under the names that commander gives them. */
export type GivenOptions = Readonly<Record<string, string>>;

/**
 * @param words what stands before the word at the cursor, without the program's name
 * @param current the word at the cursor, up to it
 */
export function findPlace(program: Command, words: readonly string[], current: string): Place {
  let command = program;
  let position = 0;
  let onlyArguments = false;
  let open: Option | undefined;
  const given: Record<string, string> = {};
  for (const word of words) {
    if (open) {
      given[open.attributeName()] = word;
      open = undefined;
    } else if (!onlyArguments && word === '--') {
      onlyArguments = true;
    } else if (!onlyArguments && word.length > 1 && word.startsWith('-')) {
      const [name = '', ...value] = word.split('=');
      const option = optionOf(command, name);
      if (option) given[option.attributeName()] = value.join('=');
      open = option && takesValue(option) && !word.includes('=') ? option : undefined;
    } else if (word !== 'help' || command !== program || position > 0) {
      const child =
        position === 0 && command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (child) command = child;
      else position++;
    }
  }
  if (open) return { kind: 'value', option: open, prefix: '', given };
  if (!onlyArguments && current.startsWith('-')) return atOption(command, current, given);
  const isGroup = command.commands.length > 0 && command.registeredArguments.length === 0;
  if (isGroup) return position === 0 ? { kind: 'command', command } : { kind: 'nothing' };
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[position] ?? (last?.variadic ? last : undefined);
  return argument ? { kind: 'argument', command, argument, position, given } : { kind: 'nothing' };
}

function atOption(command: Command, current: string, given: GivenOptions): Place {
  const [name = '', ...rest] = current.split('=');
  if (rest.length === 0) return { kind: 'option', command };
  const option = optionOf(command, name);
  if (!option || !takesValue(option)) return { kind: 'nothing' };
  return { kind: 'value', option, prefix: `${name}=`, given };
}

/** The options of a command and of those above it. What a command that does something by itself takes is not for those below it. */
export function optionsOf(command: Command): Option[] {
  const above: Command[] = [];
  for (let parent = command.parent; parent; parent = parent.parent) {
    if (parent.registeredArguments.length === 0) above.push(parent);
  }
  return [command, ...above].flatMap(({ options }) => options.filter(({ hidden }) => !hidden));
}

function optionOf(command: Command, name: string): Option | undefined {
  return optionsOf(command).find(({ long, short }) => long === name || short === name);
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}
