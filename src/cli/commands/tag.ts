import { shellWord } from '../../chart/shell-word.js';
import { ChartError } from '../../errors.js';
import { splitName } from '../../oci/reference.js';
import type { Renamed } from '../../operations/canonical.js';
import { argumentError } from '../argument-errors.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { ItemReport } from '../item-report.js';
import {
  addFileOption,
  addFormatOption,
  type CommonOptions,
  type FileOptions,
  type FormatOptions,
  readItems,
  readOptions,
} from '../options.js';
import { renderData, renderSummary, summaryData } from '../render.js';
import type { Settings } from '../settings.js';
import { printable } from '../text.js';

interface TagOptions extends CommonOptions, FormatOptions, FileOptions {
  readonly canonical?: boolean;
  readonly move?: boolean;
}

export const configure: Configure = (command, context) => {
  command
    .usage('SRC DST [options]\n       chart tag --canonical REF... [options]')
    .argument('[src]', 'a chart in the cache')
    .argument('[dst...]', 'its second name; without a tag it takes that of SRC')
    .option('--canonical', "give charts the names that Helm 3.8 and later want: .../NAME:VERSION, the chart's own")
    .option('--move', 'with --canonical: remove the old names');
  addFormatOption(addFileOption(command, 'references for --canonical')).addHelpText(
    'after',
    `
A canonical name that stands for another chart is not taken from it. "chart list --incompatible" shows what has none.

Examples:
  chart tag registry.example.com/team/app:1.0.0 registry.example.com/team/app:stable
  chart tag registry.example.com/team/app:1.0.0 localhost:5000/mirror/app
  chart list --incompatible -q | chart tag --canonical -f -`,
  );
  command.action(async (source: string | undefined, targets: string[]) => {
    const { options, settings } = readOptions<TagOptions>(command, context);
    const given = source === undefined ? [] : [source, ...targets];
    if (options.canonical) {
      await makeCanonical(context, settings, options, await readItems(context, command, given, options));
      return;
    }
    if (options.move) throw onlyCanonical('--move');
    if (options.file !== undefined) throw onlyCanonical('-f');
    const [from, to, ...more] = given;
    if (from === undefined || to === undefined || more.length > 0) {
      throw argumentError(command, 'requires 2 arguments', wrongNumber(from, more));
    }
    if (!to.replace(/^oci:\/\//, '').includes('/') && !to.includes(':')) {
      const { repository } = splitName(from.replace(/^oci:\/\//, ''));
      context.printWarning(
        `${to} is a name of its own, without a registry; for a tag of the same repository: chart tag ${from} ${repository}:${to}`,
      );
    }
    await tagOne(context, settings, options, { source: from, target: to });
  });
};

async function tagOne(
  context: Context,
  settings: Settings,
  options: TagOptions,
  names: { source: string; target: string },
): Promise<void> {
  const { tagChart } = await import('../../operations/tag.js');
  const layout = await openCache(context, settings.cacheDirectory);
  const chart = await tagChart({ layout, signal: context.signal }, names);
  if (options.output !== 'table') {
    context.stdout.write(await renderData({ ...summaryData(chart), status: 'tagged' }, options.output));
  } else if (options.quiet) {
    context.stdout.write(`${printable(chart.ref)}\n`);
  } else {
    context.stdout.write(`${renderSummary(chart)}${printable(splitName(chart.ref).tag)}: tagged\n`);
  }
}

async function makeCanonical(
  context: Context,
  settings: Settings,
  options: TagOptions,
  refs: readonly string[],
): Promise<void> {
  const { tagCanonical } = await import('../../operations/canonical.js');
  const report = new ItemReport<Renamed>(context, refs, options, {
    text: ({ from, ref, status }) =>
      `${printable(from)} -> ${printable(ref)}: ${status === 'present' ? 'is there already' : status}\n`,
    quiet: ({ ref }) => `${printable(ref)}\n`,
    data: (chart) => ({ ...summaryData(chart), from: chart.from, status: chart.status }),
  });
  const layout = await openCache(context, settings.cacheDirectory);
  const outcomes = await tagCanonical({ layout, signal: context.signal }, refs, options);
  for (const [index, outcome] of outcomes.entries()) report.done(index, outcome);
  await report.end();
}

function onlyCanonical(flag: string): ChartError {
  return new ChartError('USAGE', `${flag} goes with --canonical`, {
    hint: 'Write chart tag SRC DST, or chart tag --canonical REF...',
  });
}

function wrongNumber(from: string | undefined, more: readonly string[]): string {
  if (from === undefined) return 'SRC and DST are missing: a chart in the cache, and its second name';
  if (more.length === 0) return `DST is missing, its second name: chart tag ${shellWord(from)} DST`;
  return `${more.map(shellWord).join(' ')} ${more.length === 1 ? 'is' : 'are'} not taken: one chart gets one second name at a time`;
}
