import { Argument } from 'commander';
import type { ShownFile } from '../../operations/show.js';
import { SHOW_PARTS, type ShowPart } from '../../operations/show-parts.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { addFormatOption, type FormatOptions, readOptions } from '../options.js';
import { renderData } from '../render.js';
import { printableLines } from '../text.js';

export const configure: Configure = (command, context) => {
  command
    .addArgument(new Argument('<part>', 'what to show').choices(SHOW_PARTS))
    .argument('<ref>', 'a chart in the cache');
  addFormatOption(command).addHelpText(
    'after',
    `
Files are printed as they are in the chart. manifest is the OCI manifest, byte for byte.

Examples:
  chart show values registry.example.com/team/app:1.0.0 > values.yaml
  chart show all registry.example.com/team/app:1.0.0`,
  );
  command.action(async (part: ShowPart, ref: string) => {
    const { options, settings } = readOptions<FormatOptions>(command, context);
    const { showChart } = await import('../../operations/show.js');
    const layout = await openCache(context, settings.cacheDirectory);
    const files = await showChart({ layout, signal: context.signal }, { ref, part });
    if (options.output === 'table') printFiles(context, files);
    else context.stdout.write(await renderData(files.map(fileData), options.output));
  });
};

/** Documents are parted by `---`, as Helm parts them. On a terminal nothing gets through that the terminal would act upon. */
function printFiles(context: Context, files: readonly ShownFile[]): void {
  files.forEach(({ kind, bytes }, index) => {
    if (index > 0) context.stdout.write('---\n');
    const shown = context.stdout.isTerminal ? printableLines(Buffer.from(bytes).toString('utf8')) : bytes;
    context.stdout.write(shown);
    if (kind !== 'manifest' && bytes.at(-1) !== 0x0a) context.stdout.write('\n');
  });
}

function fileData({ kind, path, bytes }: ShownFile): object {
  const text = Buffer.from(bytes).toString('utf8');
  return kind === 'manifest' ? { kind, ref: path, manifest: JSON.parse(text) } : { kind, path, text };
}
