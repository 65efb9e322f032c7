import { Argument, type Command } from 'commander';
import { shellWord } from '../../chart/shell-word.js';
import { ChartError } from '../../errors.js';
import type { Layout } from '../../layout/layout.js';
import { nearNames } from '../../operations/near-names.js';
import { isPattern } from '../../operations/pattern.js';
import type { ShownFile } from '../../operations/show.js';
import { SHOW_PARTS, type ShowPart } from '../../operations/show-parts.js';
import { argumentError } from '../argument-errors.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { addFormatOption, type FormatOptions, readOptions } from '../options.js';
import { renderData } from '../render.js';
import { printableLines } from '../text.js';

export const configure: Configure = (command, context) => {
  command
    .usage('PART REF [options]')
    .addArgument(new Argument('[part]', 'what to show').choices(SHOW_PARTS).argParser(String))
    .argument('[ref]', 'a chart in the cache, or a pattern of several');
  addFormatOption(command).addHelpText(
    'after',
    `
The parts are those of "helm show", and manifest. Files are printed as they are in the chart; manifest is the OCI manifest, byte
for byte where it does not go to a terminal.

Examples:
  chart show values registry.example.com/team/app:1.0.0 > values.yaml
  chart show all registry.example.com/team/app:1.0.0`,
  );
  command.action(async (...given: (string | undefined)[]) => {
    const { options, settings } = readOptions<FormatOptions>(command, context);
    const { part, ref } = checkArguments(command, given[0], given[1]);
    const { showChart } = await import('../../operations/show.js');
    const layout = await openCache(context, settings.cacheDirectory);
    const refs = isPattern(ref) ? await fittingRefs(layout, ref) : [ref];
    const files: ShownFile[] = [];
    for (const one of refs) files.push(...(await showChart({ layout, signal: context.signal }, { ref: one, part })));
    if (options.output === 'table') printFiles(context, files);
    else context.stdout.write(await renderData(files.map(fileData), options.output));
  });
};

async function fittingRefs(layout: Layout, pattern: string): Promise<string[]> {
  const { fillPatterns } = await import('../../operations/fitting.js');
  return fillPatterns({ layout }, [pattern]);
}

/** @throws ChartError `USAGE`, with the line that was meant */
function checkArguments(
  command: Command,
  part: string | undefined,
  ref: string | undefined,
): { part: ShowPart; ref: string } {
  const isPart = (text: string | undefined): text is ShowPart => SHOW_PARTS.some((known) => known === text);
  if (isPart(part) && ref !== undefined) return { part, ref };
  const parts = `The parts are ${SHOW_PARTS.join(', ')}.`;
  const missing = (words: string): ChartError => argumentError(command, 'requires at least 2 arguments', words);
  if (part === undefined) throw missing(`PART and REF are missing. ${parts}`);
  if (isPart(part)) throw missing(`REF is missing, a chart in the cache: chart show ${part} REF`);
  if (ref === undefined) {
    throw missing(`PART is missing. Write chart show all ${shellWord(part)}, or another part. ${parts}`);
  }
  const [near] = nearNames(part, SHOW_PARTS, 1);
  const meant = isPart(ref) ? `Write chart show ${ref} ${part}` : near && `(Did you mean ${near}?)`;
  throw new ChartError('USAGE', `${JSON.stringify(part)} is no part of a chart`, {
    hint: meant ?? parts,
  });
}

/** Documents are parted by `---`, as Helm parts them. On a terminal nothing gets through that the terminal would act upon. */
function printFiles(context: Context, files: readonly ShownFile[]): void {
  files.forEach(({ kind, bytes }, index) => {
    if (index > 0) context.stdout.write('---\n');
    const shown = context.stdout.isTerminal ? printableLines(Buffer.from(bytes).toString('utf8')) : bytes;
    context.stdout.write(shown);
    const isExact = kind === 'manifest' && !context.stdout.isTerminal;
    if (!isExact && bytes.at(-1) !== 0x0a) context.stdout.write('\n');
  });
}

function fileData({ kind, path, bytes }: ShownFile): object {
  const text = Buffer.from(bytes).toString('utf8');
  return kind === 'manifest' ? { kind, ref: path, manifest: JSON.parse(text) } : { kind, path, text };
}
