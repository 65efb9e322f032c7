import type { CheckedProvenance } from '../../operations/provenance.js';
import type { Configure } from '../configure.js';
import { openCache } from '../context.js';
import { ItemReport } from '../item-report.js';
import {
  addFileOption,
  addFormatOption,
  addKeyringOption,
  type FileOptions,
  type FormatOptions,
  readItems,
  readOptions,
} from '../options.js';
import { provenanceData, renderProvenance } from '../render.js';
import { printable } from '../text.js';

interface VerifyOptions extends FormatOptions, FileOptions {
  readonly provenance?: boolean;
}

export const configure: Configure = (command, context) => {
  command
    .argument('[ref...]', 'charts in the cache; with --provenance also packed charts with a .prov beside them')
    .option('--provenance', 'check who signed, as helm verify does');
  addFormatOption(addFileOption(addKeyringOption(command))).addHelpText(
    'after',
    `
--provenance checks the signature, that it is by a key of the keyring, and that the chart is the one that was signed. A
chart without a provenance file fails.

Examples:
  chart verify --provenance registry.example.com/team/app:1.0.0
  chart verify --provenance --keyring trusted.gpg ./app-1.0.0.tgz`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<VerifyOptions>(command, context);
    const items = await readItems(context, command, given, options);
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
    const layout = await openCache(context, settings.cacheDirectory, { readOnly: true });
    await checkProvenances({ layout, signal: context.signal }, { items, keyring: settings.keyring }, (index, outcome) =>
      report.done(index, outcome),
    );
    await report.end();
  });
};
