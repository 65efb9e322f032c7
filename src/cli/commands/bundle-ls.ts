import { digestHex } from '../../oci/digest.js';
import type { BundleListing } from '../../operations/bundle-check.js';
import { bundleInput } from '../bundle-input.js';
import type { Configure } from '../configure.js';
import type { Context } from '../context.js';
import { addFormatOption, type FormatOptions, ownOptionsOnly, readOptions } from '../options.js';
import { renderData } from '../render.js';
import { formatSize, printable } from '../text.js';

const HEADER = ['REF', 'NAME', 'VERSION', 'DIGEST', 'SIZE'];

export const configure: Configure = (command, context) => {
  command.argument('<file>', 'a bundle; - is standard input');
  addFormatOption(ownOptionsOnly(command)).addHelpText(
    'after',
    `
Archives of skopeo, ORAS and docker save can be listed, too. SIZE is of all that an artifact consists of.

Examples:
  chart bundle ls charts.tar
  chart bundle ls -q charts.tar
  chart bundle ls charts.tar.gz -o json`,
  );
  command.action(async (file: string) => {
    const { options } = readOptions<FormatOptions>(command, context);
    const { listBundle } = await import('../../operations/bundle-check.js');
    const listing = await listBundle(bundleInput(context, file), { signal: context.signal });
    await print(context, listing, options);
    for (const name of listing.nameless) context.printWarning(`left out ${printable(name)}: it has no reference`);
  });
};

async function print(
  context: Context,
  listing: BundleListing,
  { output, quiet }: FormatOptions & { quiet?: boolean },
): Promise<void> {
  const { items, since, part, digest, blobs, absent } = listing;
  if (output !== 'table') {
    const data = {
      digest,
      ...(part && { part }),
      ...(since.length > 0 && { since }),
      blobs,
      absent,
      items: items.map(({ ref, name, version, descriptor, totalSize, referrers }) => {
        return { ref, name, version, digest: descriptor.digest, size: totalSize, referrers: referrers.length };
      }),
    };
    context.stdout.write(await renderData(data, output));
    return;
  }
  if (quiet) {
    context.stdout.write(items.map(({ ref }) => `${printable(ref)}\n`).join(''));
    return;
  }
  const { renderTable } = await import('../table.js');
  const rows = items.map(({ ref, name = '', version = '', descriptor, totalSize }) => [
    printable(ref),
    printable(name),
    printable(version),
    digestHex(descriptor.digest).slice(0, 7),
    totalSize === undefined ? '' : formatSize(totalSize),
  ]);
  context.stdout.write(await renderTable([HEADER, ...rows]));
  if (part) context.stderr.write(`Part ${part.number} of ${part.of}.\n`);
  if (since.length === 0) return;
  const left = absent === 1 ? '1 blob is' : `${absent} blobs are`;
  context.stderr.write(`It continues ${since.join(', ')}: ${left} left to that.\n`);
}
