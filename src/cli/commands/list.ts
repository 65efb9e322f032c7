import { digestHex } from '../../oci/digest.js';
import type { ListedChart, Listing } from '../../operations/list.js';
import { warnOfBroken } from '../broken.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { addFormatOption, type FormatOptions, readOptions } from '../options.js';
import { renderData, summaryData } from '../render.js';
import { formatAge, formatSize, printable } from '../text.js';

const OTHERS: readonly string[] = ['NAME', 'VERSION', 'DIGEST', 'SIZE', 'CREATED'];

interface ListOptions extends FormatOptions {
  readonly incompatible?: boolean;
}

export const configure: Configure = (command, context) => {
  command.argument(
    '[pattern]',
    'only references that it fits: * and ? as in a shell, * also crosses /; or a part of them',
  );
  command.option(
    '--incompatible',
    "only references that Helm 3.8 and later could not have made: another name or tag than the chart's own",
  );
  addFormatOption(command).addHelpText(
    'after',
    `
CREATED is when the packed chart came into the cache. --incompatible shows the reference that would do instead, which
"chart tag --canonical" gives. --quiet prints references only, for -f of other commands.

Examples:
  chart list
  chart list 'registry.example.com/team/*' -o json
  chart list -q old-registry.example.com | chart remove -f -`,
  );
  command.action(async (pattern: string | undefined) => {
    const { options, settings } = readOptions<ListOptions>(command, context);
    if (options.incompatible) {
      const { printIncompatible } = await import('./list-incompatible.js');
      await printIncompatible(context, await openCache(context, settings.cacheDirectory), pattern, options);
      return;
    }
    const { listCharts } = await import('../../operations/list.js');
    const listing = await listCharts({ layout: await openCache(context, settings.cacheDirectory) }, pattern);
    await print(context, listing, options);
    warnOfBroken(context, listing);
    if (pattern !== undefined && listing.charts.length + listing.broken.length === 0) {
      context.printWarning(`no reference in the cache fits ${pattern}`);
    }
  });
};

async function print(
  context: Context,
  { charts }: Listing,
  { output, quiet }: FormatOptions & { quiet?: boolean },
): Promise<void> {
  if (output !== 'table') {
    context.stdout.write(
      await renderData(
        charts.map((chart) => ({ ...summaryData(chart), created: chart.created })),
        output,
      ),
    );
  } else if (quiet) {
    context.stdout.write(charts.map(({ ref }) => `${printable(ref)}\n`).join(''));
  } else {
    const { renderColumns } = await import('../table.js');
    const now = new Date();
    // The same for all names of one manifest.
    const known = new Map<string, readonly string[]>();
    const cellsOf = ({ name, version, digest, size, created }: ListedChart): readonly string[] => {
      const shown = known.get(digest);
      if (shown) return shown;
      const short = digestHex(digest).slice(0, 7);
      const cells = [printable(name), printable(version), short, formatSize(size), formatAge(created, now)];
      known.set(digest, cells);
      return cells;
    };
    const refs = ['REF'];
    const others = [OTHERS];
    for (const chart of charts) {
      refs.push(printable(chart.ref));
      others.push(cellsOf(chart));
    }
    context.stdout.write(await renderColumns(refs, others));
  }
}
