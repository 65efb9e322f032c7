import { sep } from 'node:path';
import type { Exported } from '../../operations/export.js';
import { readCachedItems } from '../cached-items.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { ItemReport } from '../item-report.js';
import { addFileOption, addFormatOption, type FileOptions, type FormatOptions, readOptions } from '../options.js';
import { renderSummary, summaryData } from '../render.js';
import { printable } from '../text.js';

interface ExportOptions extends FormatOptions, FileOptions {
  readonly destination: string;
  readonly tgz?: boolean;
}

/** Files that were there before and are named in a warning. */
const NAMED = 5;

export const configure: Configure = (command, context) => {
  command
    .usage('REF... [options]')
    .argument('[ref...]', 'charts in the cache, or patterns of them with * and ?')
    .option('-d, --destination <dir>', 'the directory that gets NAME/; made if it is missing', '.')
    .option('--tgz', 'write NAME-VERSION.tgz, byte for byte as it was packed, instead of files');
  addFileOption(command);
  addFormatOption(command).addHelpText(
    'after',
    `
Files that are there already are replaced one by one, also those that were edited since: export into an empty directory to
compare. Others stay, as with Helm 3.6.3, and a warning names them. Nothing is written through a link. Two versions of one chart
do not go into one directory: --tgz writes archives.

Examples:
  chart export registry.example.com/team/app:1.0.0
  chart export registry.example.com/team/app:1.0.0 -d ./charts
  chart export registry.example.com/team/app:1.0.0 --tgz`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<ExportOptions>(command, context);
    const layout = await openCache(context, settings.cacheDirectory);
    const refs = [...new Set(await readCachedItems(context, command, layout, given, options))];
    const { exportCharts } = await import('../../operations/export.js');
    const report = new ItemReport<Exported>(context, refs, options, {
      text: ({ path }) => `Exported chart to ${printable(path)}${options.tgz ? '' : sep}\n`,
      quiet: ({ path }) => `${printable(path)}\n`,
      data: (chart) => ({ ...summaryData(chart), status: 'exported', path: chart.path }),
    });
    await exportCharts(
      { layout, signal: context.signal },
      { refs, directory: options.destination || '.', packed: options.tgz ?? false },
      {
        onStart: (index, chart) => report.progress(index, renderSummary(chart)),
        onOutcome: (index, outcome) => {
          report.done(index, outcome);
          if (outcome.result) warnOfLeftovers(context, outcome.result);
        },
      },
    );
    await report.end();
  });
};

/** Helm would read them as files of the chart. */
function warnOfLeftovers(context: Context, { path, leftovers }: Exported): void {
  if (leftovers.length === 0) return;
  const more = leftovers.length > NAMED ? ` and ${leftovers.length - NAMED} more` : '';
  const names = leftovers.slice(0, NAMED).map(printable).join(', ');
  context.printWarning(`not in the chart, but left in ${printable(path)}${sep}: ${names}${more}`);
}
