import { splitName } from '../../oci/reference.js';
import type { Removed } from '../../operations/remove.js';
import type { Configure } from '../configure.js';
import { openCache } from '../context.js';
import { ItemReport } from '../item-report.js';
import {
  addFileOption,
  addFormatOption,
  type FileOptions,
  type FormatOptions,
  readItems,
  readOptions,
} from '../options.js';
import { printable } from '../text.js';

export const configure: Configure = (command, context) => {
  command
    .usage('REF... [options]')
    .argument('[ref...]', 'charts in the cache; * and ? in quotes as in a shell, * also crosses /');
  addFileOption(command);
  addFormatOption(command).addHelpText(
    'after',
    `
Only the references go; chart prune deletes what no reference reaches.

Examples:
  chart remove registry.example.com/team/app:1.0.0
  chart remove 'registry.example.com/team/app:*'
  chart list -q registry.example.com/old | chart remove -f -`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<FormatOptions & FileOptions>(command, context);
    const refs = await readItems(context, command, given, options);
    const { removeCharts } = await import('../../operations/remove.js');
    const outcomes = await removeCharts(
      { layout: await openCache(context, settings.cacheDirectory), signal: context.signal },
      refs,
    );
    const items = outcomes.map(({ item }) => item);
    const named = new Set(outcomes.flatMap(({ item, result }) => (result && refs.includes(item) ? [result.ref] : [])));
    const report = new ItemReport<Removed>(context, items, options, {
      // Of what a pattern fits only the whole name says what it is.
      text: ({ ref }) => `${printable(named.has(ref) ? splitName(ref).tag || ref : ref)}: removed\n`,
      quiet: ({ ref }) => `${printable(ref)}\n`,
      data: ({ ref }) => ({ ref, status: 'removed' }),
    });
    for (const [index, outcome] of outcomes.entries()) report.done(index, outcome);
    await report.end();
    const isTold = options.output === 'table' && !options.quiet && outcomes.some(({ result }) => result !== undefined);
    if (isTold && context.stderr.isTerminal) context.stderr.write('chart prune frees the space.\n');
  });
};
