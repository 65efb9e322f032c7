import { ChartError } from '../../errors.js';
import type { Layout } from '../../layout/layout.js';
import type { CheckedProvenance } from '../../operations/provenance.js';
import { readCachedItems } from '../cached-items.js';
import type { Configure } from '../configure.js';
import { connector } from '../connect.js';
import { type Context, openCache } from '../context.js';
import { ItemReport } from '../item-report.js';
import {
  addConnectionOptions,
  addFileOption,
  addFormatOption,
  addKeyringOption,
  type CommonOptions,
  type ConnectionOptions,
  type FileOptions,
  type FormatOptions,
  readOptions,
} from '../options.js';
import { openProgress } from '../progress.js';
import { provenanceData, renderProvenance } from '../render.js';
import type { Settings } from '../settings.js';
import { printable } from '../text.js';

interface VerifyOptions extends CommonOptions, ConnectionOptions, FormatOptions, FileOptions {
  readonly provenance?: boolean;
  readonly repair?: boolean;
  readonly dropBroken?: boolean;
}

export const configure: Configure = (command, context) => {
  command
    .argument(
      '[ref...]',
      'charts in the cache, or patterns of them; with --provenance also packed charts with a .prov beside them',
    )
    .option('--repair', 'put right what can be put right without loss; pull again what a registry still has')
    .option('--drop-broken', 'with --repair: remove references that cannot be put right')
    .option('--provenance', 'check who signed, as helm verify does');
  addConnectionOptions(addFileOption(addKeyringOption(command)));
  addFormatOption(command).addHelpText(
    'after',
    `
Without references, all of the cache is checked: every blob is hashed, every chart unpacked, every reference followed, and
files that are not where they should be are told. Exit code 1 if a fault remains.

--provenance checks the signature, that it is by a key of the keyring, and that the chart is the one that was signed. A
chart without a provenance file fails.

Examples:
  chart verify
  chart verify --repair
  chart verify registry.example.com/team/app:1.0.0 -o json
  chart verify --provenance registry.example.com/team/app:1.0.0
  chart verify --provenance --keyring trusted.gpg ./app-1.0.0.tgz`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<VerifyOptions>(command, context);
    checkTogether(options);
    const isAll = !options.provenance && given.length === 0 && options.file === undefined;
    const layout = await openCache(context, settings.cacheDirectory, { readOnly: !options.repair, mustBe: isAll });
    const refs = isAll ? undefined : await readCachedItems(context, command, layout, given, options);
    if (options.provenance) return verifyProvenance(context, layout, refs ?? [], settings, options);
    return verifyCache(context, layout, refs, settings, options);
  });
};

/** @throws ChartError `USAGE` */
function checkTogether({ provenance, repair, dropBroken }: VerifyOptions): void {
  if (provenance && (repair || dropBroken)) {
    throw new ChartError('USAGE', '--provenance and --repair are two things: a signature cannot be repaired', {
      hint: 'Repair the cache first, then check who signed.',
    });
  }
  if (dropBroken && !repair) {
    throw new ChartError('USAGE', '--drop-broken goes with --repair', {
      hint: 'Run "chart verify" to see what is broken, then "chart verify --repair --drop-broken".',
    });
  }
}

async function verifyCache(
  context: Context,
  layout: Layout,
  refs: readonly string[] | undefined,
  settings: Settings,
  options: VerifyOptions,
): Promise<void> {
  const { renderReport } = await import('../verify-report.js');
  const { repairCache, verifyCache: verify } = await import('../../operations/verify/repair.js');
  const progress = openProgress(context, settings, options, 1);
  const onProgress = (done: number, total: number): void => progress.report(layout.dir, done, total);
  const dependencies = { layout, signal: context.signal, onProgress };
  const report = options.repair
    ? await repairCache(
        { ...dependencies, connect: await connector(context, settings, options) },
        { refs, dropBroken: options.dropBroken },
      )
    : await verify(dependencies, { refs });
  progress.stop();
  context.stdout.write(await renderReport(report, options));
  for (const { error } of report.unknown) context.printError(error);
  if (report.faults.length === 0) return;
  const count = report.faults.length;
  throw new ChartError('LAYOUT_DAMAGED', `${count} fault${count === 1 ? '' : 's'} in the cache ${layout.dir}`, {
    hint: hintAfter(options, report.faults),
  });
}

function hintAfter({ repair, dropBroken }: VerifyOptions, faults: readonly { readonly isFatal: boolean }[]): string {
  if (!repair) return 'Each says what to do; chart verify --repair does what it can.';
  if (dropBroken || !faults.some(({ isFatal }) => isFatal))
    return 'What is left has to be put right by hand; each fault says how.';
  return 'What is left could not be put right; --drop-broken removes the references that are of no use.';
}

async function verifyProvenance(
  context: Context,
  layout: Layout,
  items: readonly string[],
  { keyring }: Settings,
  options: VerifyOptions,
): Promise<void> {
  const { checkProvenances } = await import('../../operations/provenance.js');
  const report = new ItemReport<CheckedProvenance>(context, items, options, {
    text: (checked) => (items.length > 1 ? `ref:     ${printable(checked.ref)}\n` : '') + renderProvenance(checked),
    quiet: ({ ref }) => `${printable(ref)}\n`,
    data: (checked) => ({
      ref: checked.ref,
      name: checked.name,
      version: checked.version,
      status: 'verified',
      ...provenanceData(checked),
    }),
  });
  await checkProvenances({ layout, signal: context.signal }, { items, keyring }, (index, outcome) =>
    report.done(index, outcome),
  );
  await report.end();
}
