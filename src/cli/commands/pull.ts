import type { Pulled } from '../../operations/pull.js';
import type { Configure } from '../configure.js';
import { connector } from '../connect.js';
import { openCache } from '../context.js';
import { ItemReport } from '../item-report.js';
import {
  addConnectionOptions,
  addFileOption,
  addFormatOption,
  type ConnectionOptions,
  type FileOptions,
  type FormatOptions,
  readItems,
  readOptions,
} from '../options.js';
import { renderSummary, summaryData } from '../render.js';
import { printable } from '../text.js';

export const configure: Configure = (command, context) => {
  command.argument('[ref...]', 'charts in registries, each with a tag or a digest');
  addConnectionOptions(addFileOption(command));
  addFormatOption(command).addHelpText(
    'after',
    `
A chart that cannot be read whole, or whose digest is not the one promised, gets no name in the cache.

Examples:
  chart pull registry.example.com/team/app:1.0.0
  chart pull -f charts.txt`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<ConnectionOptions & FormatOptions & FileOptions>(command, context);
    const refs = await readItems(context, command, given, options);
    const { pullCharts } = await import('../../operations/pull.js');
    const report = new ItemReport<Pulled>(context, refs, options, {
      text: (chart) => renderSummary(chart) + statusLine(chart),
      quiet: ({ ref }) => `${printable(ref)}\n`,
      data: (chart) => ({ ...summaryData(chart), status: chart.status, receivedBytes: chart.receivedBytes }),
    });
    await pullCharts(
      {
        layout: await openCache(context, settings.cacheDirectory),
        connect: await connector(context, settings, options),
        signal: context.signal,
      },
      refs,
      {
        onStart: (index, tag, repository) =>
          report.progress(index, `${printable(tag)}: Pulling from ${printable(repository)}\n`),
        onOutcome: (index, outcome) => report.done(index, outcome),
      },
    );
    await report.end();
  });
};

function statusLine({ ref, status }: Pulled): string {
  const words = status === 'current' ? 'Chart is up to date for' : 'Downloaded newer chart for';
  return `Status: ${words} ${printable(ref)}\n`;
}
