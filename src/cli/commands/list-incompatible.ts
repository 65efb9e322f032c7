/** `chart list --incompatible`. */
import type { Layout } from '../../layout/layout.js';
import { listIncompatible } from '../../operations/canonical.js';
import { warnOfBroken } from '../broken.js';
import type { Context } from '../context.js';
import type { CommonOptions, FormatOptions } from '../options.js';
import { renderData, summaryData } from '../render.js';
import { renderTable } from '../table.js';
import { printable } from '../text.js';

const HEADER = ['REF', 'NAME', 'VERSION', 'DIFFERS IN', 'CANONICAL'];

export async function printIncompatible(
  context: Context,
  layout: Layout,
  pattern: string | undefined,
  { output, quiet }: FormatOptions & Pick<CommonOptions, 'quiet'>,
): Promise<void> {
  const listing = await listIncompatible({ layout }, pattern);
  const { charts } = listing;
  if (output !== 'table') {
    const data = charts.map(({ mismatches, canonical, ...chart }) => ({
      ...summaryData(chart),
      mismatches,
      canonical: canonical ?? null,
    }));
    context.stdout.write(await renderData(data, output));
  } else if (quiet) {
    context.stdout.write(charts.map(({ ref }) => `${printable(ref)}\n`).join(''));
  } else {
    const rows = charts.map(({ ref, name, version, mismatches, canonical }) => [
      printable(ref),
      printable(name),
      printable(version),
      mismatches.join(', '),
      canonical ?? '(none)',
    ]);
    context.stdout.write(await renderTable([HEADER, ...rows]));
  }
  warnOfBroken(context, listing);
}
