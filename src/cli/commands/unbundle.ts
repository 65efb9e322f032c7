import { statSync } from 'node:fs';
import { countedInput } from '../../bundle/input.js';
import { ChartError } from '../../errors.js';
import type { Outcome } from '../../operations/outcome.js';
import type { Unbundled, UnbundleReport } from '../../operations/unbundle.js';
import { bundleInput } from '../bundle-input.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { addFormatOption, type FormatOptions, readOptions } from '../options.js';
import { openProgress } from '../progress.js';
import { renderData } from '../render.js';
import { formatSize, printable } from '../text.js';

interface UnbundleOptions extends FormatOptions {
  readonly to?: string;
  readonly quiet?: boolean;
}

export const configure: Configure = (command, context) => {
  command
    .argument('<file>', 'a bundle; - is standard input')
    .option('--to <prefix>', 'put PREFIX in place of the registry in each reference');
  addFormatOption(command).addHelpText(
    'after',
    `
Every digest is compared. A chart gets its name when all of it is there, and not before. After an interruption run it again: what
has arrived is not written a second time. Archives of skopeo, ORAS and docker save can be loaded, too.

Examples:
  chart unbundle charts.tar
  chart unbundle charts.tar --to registry.lan:5000/mirror
  ssh outside chart bundle -f charts.txt -o - | chart unbundle -`,
  );
  command.action(async (file: string) => {
    const { options, settings } = readOptions<UnbundleOptions>(command, context);
    const { unbundle } = await import('../../operations/unbundle.js');
    const hints = new Set<string>();
    const dependencies = {
      layout: await openCache(context, settings.cacheDirectory, { mayBeNew: true }),
      signal: context.signal,
    };
    const progress = openProgress(context, settings, { ...options, terminalOnly: true }, 1);
    const input = bundleInput(context, file);
    const size = file === '-' ? undefined : sizeOf(file);
    const shown = context.stderr.isTerminal
      ? countedInput(input, (done) => progress.report(input.label, done, size))
      : input;
    const report = await unbundle(dependencies, { input: shown, to: options.to }, (outcome) =>
      print(context, hintOnce(outcome, hints), options),
    );
    progress.stop();
    if (report.fault) context.printError(report.fault);
    for (const name of report.nameless) context.printWarning(`left out ${printable(name)}: it has no reference`);
    if (options.output !== 'table') context.stdout.write(await renderData(reportData(report), options.output));
    else if (!options.quiet) context.stdout.write(`${summary(report)}\n`);
  });
};

/** Undefined for what cannot be looked at; that is told of where it is read. */
function sizeOf(file: string): number | undefined {
  try {
    return statSync(file).size;
  } catch {
    return undefined;
  }
}

function print(context: Context, { result, error }: Outcome<Unbundled>, { output, quiet }: UnbundleOptions): void {
  if (error) context.printError(error);
  else if (output === 'table') {
    context.stdout.write(quiet ? `${printable(result.ref)}\n` : `${printable(result.ref)}: ${result.status}\n`);
  }
}

/** What helps many charts of one bundle alike is said once. */
function hintOnce(outcome: Outcome<Unbundled>, said: Set<string>): Outcome<Unbundled> {
  const { error } = outcome;
  if (error?.hint === undefined) return outcome;
  if (!said.has(error.hint)) {
    said.add(error.hint);
    return outcome;
  }
  return { item: outcome.item, error: new ChartError(error.code, error.message, { cause: error.cause }) };
}

function summary({ outcomes, receivedBlobs, receivedBytes }: UnbundleReport): string {
  const of = (status: Unbundled['status']): number => outcomes.filter(({ result }) => result?.status === status).length;
  const failed = outcomes.filter(({ error }) => error !== undefined).length;
  const counts = [
    `${of('loaded') + of('replaced')} loaded`,
    `${of('present')} present`,
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  return `${counts.join(', ')}; ${receivedBlobs} ${receivedBlobs === 1 ? 'blob' : 'blobs'} new, ${formatSize(receivedBytes)}`;
}

function reportData({ outcomes, receivedBlobs, receivedBytes, fault }: UnbundleReport): object {
  return {
    receivedBlobs,
    receivedBytes,
    ...(fault && { error: { code: fault.code, message: fault.message } }),
    items: outcomes.map(({ item, result, error }) => {
      if (result) return result;
      const { code, message, hint } = error as NonNullable<typeof error>;
      return { ref: item, status: 'failed', error: { code, message, ...(hint !== undefined && { hint }) } };
    }),
  };
}
