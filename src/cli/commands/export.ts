import { sep } from 'node:path';
import type { Exported } from '../../operations/export.js';
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
import { renderSummary, summaryData } from '../render.js';
import { printable } from '../text.js';

interface ExportOptions extends FormatOptions, FileOptions {
  readonly destination: string;
  readonly tgz?: boolean;
}

export const configure: Configure = (command, context) => {
  command
    .argument('[ref...]', 'charts in the cache')
    .option('-d, --destination <dir>', 'the directory that gets NAME/; made if it is missing', '.')
    .option('--tgz', 'write NAME-VERSION.tgz, byte for byte as it was packed, instead of files');
  addFileOption(command);
  addFormatOption(command).addHelpText(
    'after',
    `
Files that are there already are replaced one by one, others are left alone; nothing is written through a link.

Examples:
  chart export registry.example.com/team/app:1.0.0
  chart export registry.example.com/team/app:1.0.0 -d ./charts
  chart export registry.example.com/team/app:1.0.0 --tgz`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<ExportOptions>(command, context);
    const refs = await readItems(context, command, given, options);
    const { exportCharts } = await import('../../operations/export.js');
    const report = new ItemReport<Exported>(context, refs, options, {
      text: ({ path }) => `Exported chart to ${printable(path)}${options.tgz ? '' : sep}\n`,
      quiet: ({ path }) => `${printable(path)}\n`,
      data: (chart) => ({ ...summaryData(chart), status: 'exported', path: chart.path }),
    });
    await exportCharts(
      { layout: await openCache(context, settings.cacheDirectory), signal: context.signal },
      { refs, directory: options.destination || '.', packed: options.tgz ?? false },
      {
        onStart: (index, chart) => report.progress(index, renderSummary(chart)),
        onOutcome: (index, outcome) => report.done(index, outcome),
      },
    );
    await report.end();
  });
};
