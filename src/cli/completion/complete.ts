/**
 * `chart __complete WORD...`: what could stand at the last word. The shells' scripts (scripts.ts) ask it at each Tab, and Helm
 * does by way of plugin.complete. The answer is that of cobra, Helm's command line library:
 *
 *     registry.example.com/team/app:1.0.0
 *     --dry-run<TAB>only say what would be deleted
 *     :4                                                      what the shell is to do: see DIRECTIVE
 */
import type { Command } from 'commander';
import type { Context } from '../context.js';
import { asksForHelp, buildProgram } from '../program.js';
import { readSettings } from '../settings.js';
import { printable } from '../text.js';
import { findPlace, type GivenOptions, optionsOf, type Place } from './line.js';
import { listValues, placeholderOf, type Value, valuesOf } from './values.js';

/** Cobra's, as far as they are used. */
export const DIRECTIVE = { error: 1, noSpace: 2, noFiles: 4, directories: 16 } as const;

const HELP: Candidate = { word: '--help', description: 'show how the command is used' };

interface Completion {
  readonly candidates: readonly Candidate[];
  readonly directive: number;
}

interface Candidate {
  readonly word: string;
  readonly description?: string;
}

/** The answer as it is printed. Never fails: somebody is in the middle of typing. */
export async function complete(context: Context, words: readonly string[]): Promise<string> {
  const typed = words.map((word) => (word === '""' || word === "''" ? '' : word));
  try {
    const { candidates, directive } = await completeLine(context, typed.slice(0, -1), typed.at(-1) ?? '');
    const lines = candidates.map(({ word, description }) => {
      return description === undefined ? printable(word) : `${printable(word)}\t${printable(description)}`;
    });
    return `${[...lines, `:${directive}`].join('\n')}\n`;
  } catch {
    return `:${DIRECTIVE.error}\n`;
  }
}

async function completeLine(context: Context, words: readonly string[], current: string): Promise<Completion> {
  const program = await buildProgram(context, words);
  const place = findPlace(program, words, current);
  switch (place.kind) {
    case 'command': {
      const topics = place.command === program && asksForHelp(words) ? await listTopics() : [];
      // A page is called as its command is: the command says more of itself.
      return only(current, [...topics, ...place.command.commands.map(describeCommand)]);
    }
    case 'option':
      return only(current, [HELP, ...optionsOf(place.command).flatMap(describeOption)]);
    case 'value':
      return completeValue(place, current);
    case 'argument': {
      const choices = place.argument.argChoices;
      if (choices) return only(current, choices.map(asCandidate));
      const found = await completeFrom(valuesAt(place), place.given, '', current);
      const commands = place.position === 0 ? only(current, place.command.commands.map(describeCommand)) : undefined;
      return { ...found, candidates: [...found.candidates, ...(commands?.candidates ?? [])] };
    }
    case 'nothing':
      return only(current, []);
  }
}

function completeValue(
  { option, prefix, given }: Place & { kind: 'value' },
  current: string,
): Completion | Promise<Completion> {
  if (option.argChoices) {
    return only(
      current,
      option.argChoices.map((choice) => ({ word: `${prefix}${choice}` })),
    );
  }
  return completeFrom(valuesOf(placeholderOf(option.flags)) ?? ['none'], given, prefix, current);
}

/** `save PATH REF` alone has two kinds of arguments under one placeholder: without --to, a reference follows the path. */
function valuesAt({ command, argument, position, given }: Place & { kind: 'argument' }): readonly Value[] {
  if (command.name() === 'save' && position === 1 && given.to === undefined) return ['repository'];
  return valuesOf(argument.name()) ?? ['none'];
}

async function completeFrom(
  values: readonly Value[],
  { cacheDir, registryConfig }: GivenOptions,
  prefix: string,
  current: string,
): Promise<Completion> {
  if (values.includes('directory')) return { candidates: [], directive: DIRECTIVE.directories };
  const settings = readSettings({ cacheDir, registryConfig });
  const words = (await Promise.all(values.map((value) => listValues(value, settings)))).flat();
  const found = only(
    current,
    words.map((word) => ({ word: `${prefix}${word}` })),
  );
  return values.includes('file') ? { ...found, directive: 0 } : found;
}

/** Those that begin with what has been typed, each once, in order, and no files. */
function only(current: string, candidates: readonly Candidate[]): Completion {
  const fitting = candidates.filter(({ word }) => word.startsWith(current));
  const unique = new Map(fitting.map((candidate) => [candidate.word, candidate]));
  return {
    candidates: [...unique.values()].sort((a, b) => (a.word < b.word ? -1 : 1)),
    directive: DIRECTIVE.noFiles,
  };
}

async function listTopics(): Promise<Candidate[]> {
  const topics = await import('../help/topics.js');
  const pages = (await topics.listTopics()).map(({ name, title }) => ({ word: name, description: title }));
  return [...pages, { word: 'topics', description: 'list the topics' }];
}

function asCandidate(word: string): Candidate {
  return { word };
}

function describeCommand(command: Command): Candidate {
  return { word: command.name(), description: command.summary() };
}

function describeOption({ long, short, description }: { long?: string; short?: string; description: string }) {
  return [long ?? short].flatMap((word) => (word === undefined ? [] : [{ word, description }]));
}
