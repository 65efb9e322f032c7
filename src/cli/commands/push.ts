import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { shellWord } from '../../chart/shell-word.js';
import { ChartError } from '../../errors.js';
import { splitName } from '../../oci/reference.js';
import type { Pushed } from '../../operations/push.js';
import { readCachedItems } from '../cached-items.js';
import type { Configure } from '../configure.js';
import { connector } from '../connect.js';
import { openCache } from '../context.js';
import { ItemReport } from '../item-report.js';
import {
  addConnectionOptions,
  addFileOption,
  addFormatOption,
  type ConnectionOptions,
  type FileOptions,
  type FormatOptions,
  readOptions,
} from '../options.js';
import { openProgress } from '../progress.js';
import { referrersData, renderReferrers, warnSkipped } from '../referrers-text.js';
import { renderSummary, summaryData } from '../render.js';
import { formatSize, printable } from '../text.js';

interface PushOptions extends ConnectionOptions, FormatOptions, FileOptions {
  readonly withReferrers?: boolean;
}

export const configure: Configure = (command, context) => {
  command.usage('REF... [options]').argument('[ref...]', 'charts in the cache, or patterns of them with * and ?');
  command.option('--with-referrers', 'also signatures and attestations, and all else that is attached to the charts');
  addConnectionOptions(addFileOption(command));
  addFormatOption(command).addHelpText(
    'after',
    `
What the registry has already is not sent. localhost, 127.0.0.1 and [::1]
are spoken to without TLS, unless --ca-file or --insecure-skip-tls-verify is given.

Examples:
  chart push registry.example.com/team/app:1.0.0
  chart push localhost:5000/team/app:1.0.0 localhost:5000/team/db:2.1.0
  chart push --with-referrers registry.example.com/team/app:1.0.0`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<PushOptions>(command, context);
    refuseDestination(given);
    const layout = await openCache(context, settings.cacheDirectory);
    const refs = await readCachedItems(context, command, layout, given, options);
    const { pushCharts } = await import('../../operations/push.js');
    const report = new ItemReport<Pushed>(context, refs, options, {
      text: ({ tag, layers, totalSize, referrers }) =>
        `${printable(tag)}: pushed to remote (${layers} layer${layers === 1 ? '' : 's'}, ${formatSize(totalSize)} total)\n` +
        renderReferrers(referrers),
      quiet: ({ ref }) => `${printable(ref)}\n`,
      data: (chart) => ({
        ...summaryData(chart),
        status: 'pushed',
        sentBytes: chart.sentBytes,
        ...referrersData(chart.referrers),
      }),
    });
    const progress = openProgress(context, settings, options, refs.length);
    await pushCharts(
      {
        layout,
        connect: await connector(context, settings, options),
        signal: context.signal,
        onEvent: progress.copy,
        withReferrers: options.withReferrers,
        onSkip: (item, skipped) => warnSkipped(context, item, skipped),
      },
      refs,
      {
        onStart: (index, chart, repository) =>
          report.progress(index, `The push refers to repository [${printable(repository)}]\n${renderSummary(chart)}`),
        onOutcome: (index, outcome) => {
          progress.finish(outcome.item);
          report.done(index, outcome);
        },
      },
    );
    await report.end();
  });
};

/**
 * `helm push CHART oci://HOST/PATH` of Helm 3.8: here the registry is part of each reference, and the first would be pushed to its own.
 *
 * @throws ChartError `USAGE`, with the lines that do what was meant
 */
function refuseDestination(given: readonly string[]): void {
  const last = given.at(-1) ?? '';
  if (given.length < 2 || !/^oci:\/\/[^@]+$/.test(last) || /:[^:/]*$/.test(last.replace(/^oci:\/\/[^/]*/, ''))) return;
  const prefix = last.replace(/^oci:\/\//, '').replace(/\/+$/, '');
  const first = given[0] as string;
  const isPath =
    /\.tgz$/i.test(first) || /^\.{0,2}[/\\]|^\.{1,2}$/.test(first) || existsSync(join(first, 'Chart.yaml'));
  const { repository, tag } = splitName(first.replace(/^oci:\/\//, ''));
  const lines = isPath
    ? `chart save ${shellWord(first)} --to ${prefix} -q | chart push -f -`
    : `chart tag ${first} ${prefix}/${repository.slice(repository.lastIndexOf('/') + 1)}:${tag || 'TAG'}, then push that`;
  throw new ChartError('USAGE', `${last} has no tag: chart push takes references, and the registry is part of each`, {
    hint: `Nothing was pushed. Write ${lines}`,
  });
}
