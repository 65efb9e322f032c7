import type { Layout } from '../../layout/layout.js';
import type { PullVerification } from '../../operations/provenance.js';
import type { Pulled } from '../../operations/pull.js';
import type { Configure } from '../configure.js';
import { connector } from '../connect.js';
import { openCache } from '../context.js';
import { ItemReport } from '../item-report.js';
import {
  addConnectionOptions,
  addFileOption,
  addFormatOption,
  addKeyringOption,
  addVersionOptions,
  type ConnectionOptions,
  type FileOptions,
  type FormatOptions,
  readItems,
  readOptions,
  readRange,
  type VersionOptions,
} from '../options.js';
import { openProgress } from '../progress.js';
import { referrersData, renderReferrers, warnSkipped } from '../referrers-text.js';
import { provenanceData, renderProvenance, renderSummary, summaryData } from '../render.js';
import { printable } from '../text.js';

interface PullOptions extends ConnectionOptions, FormatOptions, FileOptions, VersionOptions {
  readonly verify?: boolean;
  readonly withReferrers?: boolean;
}

/** What `--prerelease` alone stands for, as with Helm. */
const ANY_VERSION = '>0.0.0-0';

export const configure: Configure = (command, context) => {
  command
    .usage('REF... [options]')
    .argument('[ref...]', 'charts in registries, each with a tag or a digest; with --version: repositories');
  addVersionOptions(command, 'of each repository the highest version that fits');
  command.option('--verify', 'pull only what a provenance file proves to be signed, see chart verify --provenance');
  command.option('--with-referrers', 'also signatures and attestations, and all else that is attached to the charts');
  addConnectionOptions(addFileOption(addKeyringOption(command)));
  addFormatOption(command).addHelpText(
    'after',
    `
A chart that cannot be read whole, or whose digest is not the one promised, gets no name in the
cache. localhost, 127.0.0.1 and [::1] are spoken to without TLS, unless --ca-file or --insecure-skip-tls-verify is given.

Examples:
  chart pull registry.example.com/team/app:1.0.0
  chart pull -f charts.txt
  chart pull registry.example.com/team/app --version '^1.2'
  chart pull --verify --keyring trusted.gpg registry.example.com/team/app:1.0.0`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<PullOptions>(command, context);
    const refs = await readItems(context, command, given, options);
    const { pullCharts } = await import('../../operations/pull.js');
    const report = new ItemReport<Pulled>(context, refs, options, {
      text: (chart) =>
        renderSummary(chart) +
        statusLine(chart) +
        renderReferrers(chart.referrers) +
        renderProvenance(chart.provenance),
      quiet: ({ ref }) => `${printable(ref)}\n`,
      data: (chart) => ({
        ...summaryData(chart),
        status: chart.status,
        receivedBytes: chart.receivedBytes,
        ...referrersData(chart.referrers),
        ...provenanceData(chart.provenance),
      }),
    });
    const layout = await openCache(context, settings.cacheDirectory, { mayBeNew: true });
    const progress = openProgress(context, settings, options, refs.length);
    await pullCharts(
      {
        layout,
        range: await readRange(options.prerelease ? { version: ANY_VERSION, ...options } : options),
        verification: options.verify ? await openVerification(layout, settings.keyring, context.signal) : undefined,
        connect: await connector(context, settings, options),
        signal: context.signal,
        onEvent: progress.copy,
        withReferrers: options.withReferrers,
        onSkip: (item, skipped) => warnSkipped(context, item, skipped),
      },
      refs,
      {
        onStart: (index, tag, repository) =>
          report.progress(index, `${printable(tag)}: Pulling from ${printable(repository)}\n`),
        onOutcome: (index, outcome) => {
          progress.finish(outcome.item);
          report.done(index, outcome);
        },
      },
    );
    await report.end();
  });
};

/** It brings OpenPGP, so only who asks for it loads it. */
async function openVerification(layout: Layout, keyring: string, signal: AbortSignal): Promise<PullVerification> {
  const { openPullVerification } = await import('../../operations/provenance.js');
  return openPullVerification({ layout, signal }, keyring);
}

function statusLine({ ref, status }: Pulled): string {
  const words = status === 'current' ? 'Chart is up to date for' : 'Downloaded newer chart for';
  return `Status: ${words} ${printable(ref)}\n`;
}
