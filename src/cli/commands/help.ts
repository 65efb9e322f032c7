import type { Command } from 'commander';
import { ChartError } from '../../errors.js';
import type { Configure } from '../configure.js';
import type { Context } from '../context.js';
import { readOptions } from '../options.js';
import type { Settings } from '../settings.js';
import { printable } from '../text.js';

/** Lines longer than this are hard to read, however wide the terminal is. */
const WIDEST = 110;
const USUAL = 100;

export const configure: Configure = (command, context) => {
  command
    .usage('[COMMAND | TOPIC]')
    .argument('[command|topic...]', 'a command, a topic, or "topics" for a list of those')
    .addHelpText(
      'after',
      `
Topics are the pages of docs/. Where a page is called as a command is, the page is shown; COMMAND --help has the options.

Examples:
  chart help save
  chart help topics
  chart help air-gap
  chart help registries | less`,
    );
  command.action(async (words: string[]) => {
    const { settings } = readOptions(command, context);
    const program = command.parent as Command;
    const [first] = words;
    if (first === undefined) return program.outputHelp();
    const { findTopic, listTopics, readTopic, topicNames } = await import('../help/topics.js');
    if (first === 'topics' && words.length === 1) {
      const width = Math.max(...(await topicNames()).map((name) => name.length));
      const lines = (await listTopics()).map(({ name, title }) => `  ${name.padEnd(width)}  ${title}\n`);
      return context.stdout.write(context.spell(`Topics, for chart help TOPIC:\n${lines.join('')}`));
    }
    const names = await topicNames();
    const named = findCommand(program, words);
    const topic = words.length === 1 && (names.includes(first) || !named) ? findTopic(names, first) : undefined;
    if (topic) await printPage(context, settings, (await readTopic(topic)).text, named);
    else if (named) named.outputHelp();
    else throw await unknown(program, words, names);
  });
};

async function printPage(
  { stdout, spell }: Context,
  { colour }: Settings,
  text: string,
  command: Command | undefined,
): Promise<void> {
  const { pageText } = await import('../help/page-text.js');
  const columns = stdout.isTerminal ? Math.min(WIDEST, stdout.columns || USUAL) : USUAL;
  const more = command ? `\nchart ${command.name()} --help lists the options.\n` : '';
  stdout.write(pageText(spell(text), { columns, colour: colour && stdout.isTerminal }) + spell(more));
}

/** The command that words name, all of them. */
function findCommand(program: Command, words: readonly string[]): Command | undefined {
  let command: Command | undefined = program;
  for (const word of words) {
    command = command?.commands.find((one) => one.name() === word || one.aliases().includes(word));
  }
  return command;
}

async function unknown(program: Command, words: readonly string[], topics: readonly string[]): Promise<ChartError> {
  const { nearNames } = await import('../../operations/near-names.js');
  const group = findCommand(program, words.slice(0, -1)) ?? program;
  const commands = group.commands.flatMap((one) => [one.name(), ...one.aliases()]);
  const last = words.at(-1) as string;
  const near = nearNames(last, group === program ? [...commands, ...topics, 'topics'] : commands);
  const before = words
    .slice(0, -1)
    .map((word) => `${word} `)
    .join('');
  const meant = near.map((name) => `"chart help ${printable(before)}${name}"`).join(' or ');
  return new ChartError('USAGE', `no command and no topic is called ${JSON.stringify(words.join(' '))}`, {
    hint: `${meant ? `Did you mean ${meant}? ` : ''}chart help lists the commands, chart help topics the topics.`,
  });
}
