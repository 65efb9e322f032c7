import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Command } from 'commander';
import { complete } from '../../../src/cli/completion/complete.js';
import { optionsOf } from '../../../src/cli/completion/line.js';
import { placeholderOf, valuesOf } from '../../../src/cli/completion/values.js';
import { createContext } from '../../../src/cli/context.js';
import { buildProgram } from '../../../src/cli/program.js';

const context = createContext();
after(() => context.close());

async function words(...line: string[]): Promise<string[]> {
  const answer = await complete(context, line);
  return answer.trimEnd().split('\n');
}

async function names(...line: string[]): Promise<string[]> {
  return (await words(...line)).map((word) => word.split('\t', 1)[0] as string);
}

test('offers commands, those of a group, and those after help', async () => {
  assert.deepEqual(await names('ex'), ['export', ':4']);
  assert.deepEqual(await names('registry', 'log'), ['login', 'logout', ':4']);
  assert.deepEqual(await names('help', 'sa'), ['save', ':4']);
  assert.deepEqual(await words('help', 'air'), ['air-gap\tInto a network with no way out', ':4']);
  assert.deepEqual(await names('help', 'to'), ['topics', ':4']);
  assert.deepEqual(await names('help', 'registry', 'logi'), ['login', ':4']);
  assert.deepEqual(await words('registry', 'login', 'a', 'b', 'c'), [':4']);
});

test('offers the options of a command and of all commands, with what they do', async () => {
  assert.deepEqual(await words('prune', '--dry'), ['--dry-run\tonly say what would be deleted', ':4']);
  assert.deepEqual(await names('prune', '--cache'), ['--cache-dir', ':4']);
  assert.deepEqual(await names('prune', '--he'), ['--help', ':4']);
});

test('offers the choices of an option and of an argument, also behind an equals sign', async () => {
  assert.deepEqual(await names('list', '-o', ''), ['json', 'table', 'yaml', ':4']);
  assert.deepEqual(await names('list', '--output=j'), ['--output=json', ':4']);
  assert.deepEqual(await names('show', 're'), ['readme', ':4']);
});

test('leaves files and directories to the shell', async () => {
  assert.deepEqual(await words('save', './a'), [':0']);
  assert.deepEqual(await words('pull', '--ca-file', ''), [':0']);
  assert.deepEqual(await words('--cache-dir', ''), [':16']);
  assert.deepEqual(await words('export', '-d', ''), [':16']);
});

test('takes no option for one, and no value for an argument, where they are none', async () => {
  assert.deepEqual(await words('export', '--', '--dry'), [':4']);
  assert.deepEqual(await names('--cache-dir', '/nowhere', 'ex'), ['export', ':4']);
  assert.deepEqual(await words('export', '--no-such=x'), [':4']);
});

test('every placeholder of arguments and options says how it is completed', async () => {
  const unknown: string[] = [];
  for (const command of await allCommands()) {
    const choices = [...command.registeredArguments, ...optionsOf(command)].filter(({ argChoices }) => !argChoices);
    for (const one of choices) {
      const placeholder = 'flags' in one ? placeholderOf(one.flags) : one.name();
      if (placeholder !== '' && valuesOf(placeholder) === undefined) unknown.push(`${command.name()}: ${placeholder}`);
    }
  }
  assert.deepEqual(unknown, []);
});

/** Every command, each loaded whole. */
async function allCommands(): Promise<Command[]> {
  const paths = (command: Command, path: string[]): string[][] =>
    command.commands.length === 0 ? [path] : command.commands.flatMap((one) => paths(one, [...path, one.name()]));
  const found: Command[] = [];
  for (const path of paths(await buildProgram(context, []), [])) {
    const program = await buildProgram(context, path);
    found.push(path.reduce((command, name) => command.commands.find((one) => one.name() === name) as Command, program));
  }
  return found;
}
