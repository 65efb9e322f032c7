import { splitName } from '../../oci/reference.js';
import type { Configure } from '../configure.js';
import { openCache } from '../context.js';
import { addFormatOption, type FormatOptions, readOptions } from '../options.js';
import { renderData, renderSummary, summaryData } from '../render.js';
import { printable } from '../text.js';

export const configure: Configure = (command, context) => {
  command
    .argument('<src>', 'a chart in the cache')
    .argument('<dst>', 'its second name; without a tag it takes that of SRC');
  addFormatOption(command).addHelpText(
    'after',
    `
Examples:
  chart tag registry.example.com/team/app:1.0.0 registry.example.com/team/app:stable
  chart tag registry.example.com/team/app:1.0.0 localhost:5000/mirror/app`,
  );
  command.action(async (source: string, target: string) => {
    const { options, settings } = readOptions<FormatOptions>(command, context);
    const { tagChart } = await import('../../operations/tag.js');
    const layout = await openCache(context, settings.cacheDirectory);
    const chart = await tagChart({ layout, signal: context.signal }, { source, target });
    if (options.output !== 'table') {
      context.stdout.write(await renderData({ ...summaryData(chart), status: 'tagged' }, options.output));
    } else if (options.quiet) {
      context.stdout.write(`${printable(chart.ref)}\n`);
    } else {
      context.stdout.write(`${renderSummary(chart)}${printable(splitName(chart.ref).tag)}: tagged\n`);
    }
  });
};
