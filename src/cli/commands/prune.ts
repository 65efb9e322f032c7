import { existsSync } from 'node:fs';
import { ChartError } from '../../errors.js';
import type { PrunePlan, PruneResult, WaitingUpload } from '../../layout/layout.js';
import type { Digest } from '../../oci/digest.js';
import type { Retention } from '../../operations/prune.js';
import type { Configure } from '../configure.js';
import { openCache } from '../context.js';
import { addFormatOption, type CommonOptions, type FormatOptions, readOptions } from '../options.js';
import { renderData } from '../render.js';
import { formatSize, printable } from '../text.js';

interface PruneOptions extends CommonOptions, FormatOptions {
  readonly dryRun?: boolean;
  readonly keepLast?: string;
  readonly olderThan?: string;
}

const NOTHING: PruneResult = { names: [], blobs: [], ingest: [], bytes: 0 };

export const configure: Configure = (command, context) => {
  command
    .option('--dry-run', 'only say what would be deleted')
    .option('--keep-last <count>', 'also remove references: all but so many of the newest versions of each repository')
    .option('--older-than <duration>', 'also remove references: those that are older, such as 30d, 12h, 2w');
  addFormatOption(command).addHelpText(
    'after',
    `
What a running command is about to refer to stays. With both --keep-last and --older-than only what both would take is removed.
--keep-last goes by version, never by date; tags that are no versions stay. --older-than goes by CREATED of chart list, or by
the annotation org.opencontainers.image.created that an entry of index.json may have.

Examples:
  chart prune --dry-run
  chart prune
  chart prune --keep-last 3 --older-than 30d`,
  );
  command.action(async () => {
    const { options, settings } = readOptions<PruneOptions>(command, context);
    const retention = await readRetention(options);
    const { chartsIn, planPrune, prune } = await import('../../operations/prune.js');
    // Where there is no cache nothing goes, and none is made.
    const isThere = existsSync(settings.cacheDirectory);
    const layout = await openCache(context, settings.cacheDirectory, { readOnly: options.dryRun || !isThere });
    const dependencies = { layout, signal: context.signal };
    const plan = await planPrune(dependencies, retention);
    // Before anything goes, so that a command that is interrupted has said what.
    const charts = options.output === 'table' && !options.quiet ? chartsIn(layout, plan) : new Map<Digest, string>();
    context.stdout.write(renderPlan(plan, charts, options));
    const gone = isThere ? prune : async () => NOTHING;
    const done = options.dryRun ? undefined : await gone(dependencies, plan);
    context.stdout.write(await renderEnd(plan, done, options));
  });
};

async function readRetention({ keepLast, olderThan }: PruneOptions): Promise<Retention> {
  if (keepLast !== undefined && !/^\d{1,9}$/.test(keepLast)) {
    throw new ChartError('USAGE', `--keep-last ${JSON.stringify(keepLast)} is no number`, {
      hint: 'Write how many versions of each repository are to stay, such as 3; 0 keeps none.',
    });
  }
  return {
    keepLast: keepLast === undefined ? undefined : Number(keepLast),
    olderThan: olderThan === undefined ? undefined : await readAge(olderThan),
  };
}

async function readAge(text: string): Promise<number> {
  const { parseDuration } = await import('../duration.js');
  const age = parseDuration(text);
  if (age !== undefined) return age;
  throw new ChartError('USAGE', `${JSON.stringify(text)} is no length of time`, {
    hint: 'Write weeks, days, hours, minutes or seconds: 2w, 30d, 12h, 90m, 1d12h, or P30D.',
  });
}

/** @param charts names of charts, by the digests of their manifests */
function renderPlan(
  plan: PrunePlan,
  charts: ReadonlyMap<Digest, string>,
  { output, quiet, dryRun }: PruneOptions,
): string {
  const { blobs, ingest, uploads } = plan;
  const names = namesOf(plan);
  if (output !== 'table') return '';
  if (quiet) {
    return [...plan.names.map(({ name }) => printable(name)), ...blobs.map(({ digest }) => digest)].map(line).join('');
  }
  const [remove, erase] = dryRun ? ['would be removed', 'would be deleted'] : ['removing', 'deleting'];
  return [
    ...names.map((name) => line(`${printable(name)}: ${remove}`)),
    ...blobs.map(({ digest, size }) => {
      const chart = charts.get(digest);
      return line(`${digest}: ${erase} (${formatSize(size)})${chart === undefined ? '' : `, ${printable(chart)}`}`);
    }),
    ...ingest.map(({ name, size }) => line(`ingest/${printable(name)}: ${erase} (${formatSize(size)})`)),
    // Empty ones take no room.
    ...uploads.filter(({ size }) => size > 0).map((upload) => line(waiting(upload))),
  ].join('');
}

/** `serve` drops it earlier, if it still knows of it: see --upload-timeout. */
function waiting({ name, size, until }: WaitingUpload): string {
  const time = `${until.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `ingest/${printable(name)}: stays (${formatSize(size)}), an upload that may go on; prune deletes it from ${time} on`;
}

/** What has had its time, and what is attached to nothing that stays. */
function namesOf({ names, detached }: PrunePlan): string[] {
  return [...names.map(({ name }) => name), ...detached];
}

async function renderEnd(plan: PrunePlan, done: PruneResult | undefined, options: PruneOptions): Promise<string> {
  const { output, quiet } = options;
  const names = done?.names ?? namesOf(plan);
  const { blobs, ingest, bytes } = done ?? plan;
  if (output !== 'table') {
    const data = {
      dryRun: done === undefined,
      references: names,
      blobs: blobs.map(({ digest, size }) => ({ digest, size })),
      ingest: ingest.map(({ name, size }) => ({ name, size })),
      uploads: plan.uploads.map(({ name, size, until }) => ({ name, size, until: until.toISOString() })),
      bytes,
    };
    return renderData(data, output);
  }
  if (quiet) return '';
  const references = names.length > 0 ? `${count(names.length, 'reference')}, ` : '';
  const files = ingest.length > 0 ? `, ${count(ingest.length, 'unfinished file')}` : '';
  const freed = `${references}${count(blobs.length, 'blob')}${files}, ${formatSize(bytes)}`;
  const kept = namesOf(plan).length - names.length + (plan.blobs.length - blobs.length);
  const stayed = done && kept > 0 ? ` (${kept} came to be needed and stayed)` : '';
  return line(`${done ? 'Freed' : 'Would free'} ${freed}${stayed}`);
}

function line(text: string): string {
  return `${text}\n`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
