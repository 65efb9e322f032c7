/** What a mirror run prints: a line for each chart that is not as it was, errors, and a summary; or one document. */
import { ChartError } from '../errors.js';
import type { MirroredChart, MirrorInput, MirrorReport, MirrorStatus } from '../operations/mirror/types.js';
import type { Context } from './context.js';
import type { FormatOptions } from './options.js';
import { renderData } from './render.js';
import { formatSize, printable } from './text.js';

export interface MirrorReportOptions extends FormatOptions {
  readonly quiet?: boolean | undefined;
}

/**
 * While the run goes on: nothing of charts that were there, and errors as they come.
 *
 * @param input.target as it was given
 */
export function printChart(
  context: Context,
  options: MirrorReportOptions,
  chart: MirroredChart,
  { target }: Pick<MirrorInput, 'target'>,
): void {
  if (options.output === 'table') {
    const line = options.quiet ? quietLine(chart) : textLine(chart, target);
    if (line !== undefined) context.stdout.write(`${printable(line)}\n`);
  }
  const error = errorOf(chart);
  if (error) context.printError(error);
}

/** @param target as it was given */
export async function printReport(
  context: Context,
  options: MirrorReportOptions,
  report: MirrorReport,
  input: Pick<MirrorInput, 'target' | 'mode'>,
): Promise<void> {
  for (const chart of report.charts) if (chart.target === undefined) printChart(context, options, chart, input);
  for (const { source, name, version, reason } of report.leftOut) {
    const what = [source, name === source ? undefined : name, version].filter(Boolean).join(' ');
    context.printWarning(
      `left out ${printable(source.includes(name) ? source : what)}${source.includes(name) ? '' : ''}: ${printable(reason)}`,
    );
  }
  if (options.output !== 'table') {
    context.stdout.write(await renderData(documentOf(report, input), options.output));
  } else if (!options.quiet) {
    context.stdout.write(summaryLine(report));
    if (report.prereleases > 0) {
      context.stderr.write(`${plural(report.prereleases, 'prerelease')} left out; --prerelease takes them.\n`);
    }
  }
  const missing = count(report, 'missing');
  if (missing > 0) context.printError(lacking(missing, chartsIn(report), input.target));
}

const WORDS: Readonly<Partial<Record<MirrorStatus, string>>> = {
  copied: 'copied',
  planned: 'to copy',
  missing: 'missing',
};

function textLine(chart: MirroredChart, target: string): string | undefined {
  const word = WORDS[chart.status];
  if (word === undefined) return undefined;
  const size = chart.status === 'copied' ? ` (${formatSize(chart.copiedBytes)})` : '';
  // Under the name that it has at the source, it is told where that is now.
  return `${word}  ${chart.source} -> ${chart.target === chart.source ? target : chart.target}${size}`;
}

/** What the target has now; or, where nothing is done, what it would get. */
function quietLine({ status, target }: MirroredChart): string | undefined {
  return ['copied', 'present', 'planned', 'missing'].includes(status) ? target : undefined;
}

function errorOf(chart: MirroredChart): ChartError | undefined {
  const { status, error, source, target, digest, wanted } = chart;
  if (status === 'failed' && error) {
    if (error.message.includes(source)) return error;
    const about = target !== undefined && isOf(error, target) && !isOf(error, source) ? target : source;
    return new ChartError(error.code, `${about}: ${error.message}`, { hint: error.hint, cause: error });
  }
  if (status !== 'drifted') return undefined;
  const other = wanted === undefined ? 'other content' : wanted;
  return new ChartError('MIRROR_CONFLICT', `${target} has drifted: it is ${digest}, but ${source} has ${other}`, {
    hint: 'It was left as it is; --overwrite replaces it.',
  });
}

/** Whether an error speaks of the host of a reference. */
function isOf({ message }: ChartError, reference: string): boolean {
  const [host = ''] = reference.replace(/^[a-z]+:\/\//i, '').split('/', 1);
  return /[.:]|^localhost$/.test(host) && message.includes(host);
}

/** Without the sources that could not be read. */
function chartsIn({ charts }: MirrorReport): number {
  return charts.filter((chart) => !isSource(chart)).length;
}

function isSource({ target, name }: MirroredChart): boolean {
  return target === undefined && name === undefined;
}

function lacking(missing: number, all: number, target: string): ChartError {
  return new ChartError('MIRROR_CONFLICT', `${target} lacks ${missing} of ${plural(all, 'chart')}`, {
    hint: 'The same command without --check copies them.',
  });
}

function summaryLine(report: MirrorReport): string {
  const bytes = report.charts.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0);
  const parts = (['copied', 'planned', 'present', 'missing', 'drifted', 'failed'] as const).flatMap((status) => {
    const number = count(report, status);
    if (number === 0) return [];
    return [
      status === 'copied'
        ? `${number} copied (${formatSize(bytes)})`
        : `${number} ${status === 'planned' ? 'to copy' : status}`,
    ];
  });
  const [charts, sources] = [chartsIn(report), failedSources(report)];
  const told = `${plural(charts, 'chart')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
  if (sources === 0) return `${told}\n`;
  const failed = `${plural(sources, 'source')} failed`;
  return charts === 0 ? `${failed}\n` : `${told}; ${failed}\n`;
}

/** See schemas/mirror-report.schema.json. */
export function documentOf(report: MirrorReport, { target, mode }: Pick<MirrorInput, 'target' | 'mode'>): object {
  const statuses = ['copied', 'present', 'planned', 'missing', 'drifted', 'failed'] as const;
  return {
    version: 1,
    mode,
    target,
    summary: {
      charts: chartsIn(report),
      ...Object.fromEntries(statuses.map((status) => [status, count(report, status)])),
      failedSources: failedSources(report),
      leftOut: report.leftOut.length,
      prereleases: report.prereleases,
      copiedBytes: report.charts.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0),
    },
    charts: report.charts.map(
      ({ source, target: place, name, version, status, digest, wanted, copiedBytes, referrers, error }) => ({
        item: source,
        status,
        target: place,
        name,
        version,
        digest,
        wanted,
        copiedBytes,
        referrers,
        error: error && { code: error.code, message: error.message, hint: error.hint },
      }),
    ),
    leftOut: report.leftOut.map(({ source, name, version, reason }) => ({ source, name, version, reason })),
  };
}

/** Charts; a source that could not be read is none. */
function count({ charts }: MirrorReport, status: MirrorStatus): number {
  return charts.filter((chart) => chart.status === status && !isSource(chart)).length;
}

function failedSources({ charts }: MirrorReport): number {
  return charts.filter(isSource).length;
}

function plural(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
