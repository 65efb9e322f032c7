import type { BundledItem } from '../../bundle/content.js';
import { ChartError, isChartError } from '../../errors.js';
import type { BundleCheck } from '../../operations/bundle-check.js';
import type { Outcome } from '../../operations/outcome.js';
import { bundleInput } from '../bundle-input.js';
import type { Configure } from '../configure.js';
import type { Context } from '../context.js';
import { addFormatOption, type FormatOptions, ownOptionsOnly, readOptions } from '../options.js';
import { renderData } from '../render.js';
import { formatSize, printable } from '../text.js';

type Options = FormatOptions & { readonly quiet?: boolean };

export const configure: Configure = (command, context) => {
  command.argument('<file...>', 'bundles; - is standard input');
  addFormatOption(ownOptionsOnly(command)).addHelpText(
    'after',
    `
Every blob is hashed, and every chart followed to its last blob, in one pass and without unpacking anything. Exit code 1 if
anything is missing or damaged.

Examples:
  chart bundle verify charts.tar
  chart bundle verify charts.001.tar charts.002.tar -o json`,
  );
  command.action(async (files: string[]) => {
    const { options } = readOptions<Options>(command, context);
    const { checkBundle } = await import('../../operations/bundle-check.js');
    const data: object[] = [];
    for (const file of files) {
      try {
        const check = await checkBundle(bundleInput(context, file), { signal: context.signal });
        report(context, file, check, options);
        data.push(checkData(file, check));
      } catch (error) {
        if (!isChartError(error) || error.code === 'CANCELLED') throw error;
        context.printError(error);
        data.push({ file, status: 'failed', error: errorData(error) });
      }
    }
    if (options.output !== 'table') context.stdout.write(await renderData(data, options.output));
  });
};

const AGAIN = 'Get the bundle again from where it was made; chart unbundle takes what is whole.';

function report(context: Context, file: string, check: BundleCheck, { output, quiet }: Options): void {
  const { outcomes, problems, blobs, size, absent } = check;
  const name = file === '-' ? 'standard input' : file;
  const errors = [...problems, ...outcomes.flatMap((outcome) => outcome.error ?? [])];
  for (const [position, error] of errors.entries()) {
    const hint = error.hint ?? (position === errors.length - 1 ? AGAIN : undefined);
    context.printError(new ChartError(error.code, `${name}: ${error.message}`, { cause: error, hint }));
  }
  if (output !== 'table') return;
  if (errors.length > 0) {
    const whole = outcomes.filter(({ error }) => error === undefined).length;
    if (!quiet) context.stdout.write(`${printable(name)}: ${whole} of ${outcomes.length} whole\n`);
    return;
  }
  if (quiet) {
    context.stdout.write(`${printable(file)}\n`);
    return;
  }
  const left = absent === 0 ? '' : `; ${absent} more are left to an older bundle`;
  context.stdout.write(
    `${printable(name)}: ${outcomes.length} whole, ${blobs} blobs with ${formatSize(size)} have their digests${left}\n`,
  );
}

function checkData(file: string, { outcomes, problems, blobs, absent, size, digest, since }: BundleCheck): object {
  const isSound = problems.length === 0 && outcomes.every(({ error }) => error === undefined);
  return {
    file,
    status: isSound ? 'verified' : 'failed',
    digest,
    ...(since.length > 0 && { since }),
    blobs,
    size,
    absent,
    items: outcomes.map(itemData),
    ...(problems.length > 0 && { problems: problems.map(errorData) }),
  };
}

function itemData({ item, error }: Outcome<BundledItem>): object {
  return error ? { ref: item, status: 'failed', error: errorData(error) } : { ref: item, status: 'verified' };
}

function errorData({ code, message, hint }: ChartError): object {
  return { code, message, ...(hint !== undefined && { hint }) };
}
