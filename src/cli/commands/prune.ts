import type { Configure } from '../configure.js';
import { openCache } from '../context.js';
import { addFormatOption, type FormatOptions, readOptions } from '../options.js';
import { renderData } from '../render.js';
import { formatSize } from '../text.js';

interface PruneOptions extends FormatOptions {
  readonly dryRun?: boolean;
}

export const configure: Configure = (command, context) => {
  command.option('--dry-run', 'only say what would be deleted');
  addFormatOption(command).addHelpText(
    'after',
    `
What a running command is about to refer to stays.

Examples:
  chart prune --dry-run
  chart prune`,
  );
  command.action(async () => {
    const { options, settings } = readOptions<PruneOptions>(command, context);
    const { planPrune, prune } = await import('../../operations/prune.js');
    const layout = await openCache(context, settings.cacheDirectory);
    const dependencies = { layout, signal: context.signal };
    const plan = await planPrune(dependencies);
    const { blobs, bytes } = options.dryRun ? plan : await prune(dependencies, plan);
    const status = options.dryRun ? 'would be deleted' : 'deleted';
    if (options.output !== 'table') {
      const items = blobs.map(({ digest, size }) => ({ digest, size }));
      context.stdout.write(await renderData({ dryRun: options.dryRun ?? false, blobs: items, bytes }, options.output));
    } else if (options.quiet) {
      context.stdout.write(blobs.map(({ digest }) => `${digest}\n`).join(''));
    } else {
      const lines = blobs.map(({ digest, size }) => `${digest}: ${status} (${formatSize(size)})\n`);
      const freed = `${blobs.length} blob${blobs.length === 1 ? '' : 's'}, ${formatSize(bytes)}`;
      context.stdout.write(`${lines.join('')}${options.dryRun ? 'Would free' : 'Freed'} ${freed}\n`);
    }
  });
};
