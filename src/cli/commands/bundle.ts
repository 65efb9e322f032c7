import { statSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { BundlePlan } from '../../bundle/plan.js';
import { shellWord } from '../../chart/shell-word.js';
import { ChartError } from '../../errors.js';
import type { BundleDependencies, WrittenBundle } from '../../operations/bundle.js';
import { nearNames } from '../../operations/near-names.js';
import { missingArgument } from '../argument-errors.js';
import { readCachedItems } from '../cached-items.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { withItem } from '../item-report.js';
import { addFileOption, type FileOptions, readOptions } from '../options.js';
import { openProgress } from '../progress.js';
import { parseSize } from '../quantities.js';
import { formatSize, printable } from '../text.js';

interface BundleOptions extends FileOptions {
  readonly output?: string;
  readonly since?: readonly string[];
  readonly split?: number;
  readonly withReferrers?: boolean;
}

export const configure: Configure = (command, context) => {
  command
    .usage('REF... -o FILE [options]\n       chart bundle ls FILE\n       chart bundle verify FILE...')
    .argument('[ref...]', 'charts in the cache, or patterns of them with * and ?')
    .option('-o, --output <file>', '.tar, .tar.gz or .tar.zst; - is standard output')
    .option('--since <file>', 'leave out what this older bundle has; may be repeated', (file, files: string[] = []) => [
      ...files,
      file,
    ])
    .option('--split <size>', 'make parts of at most this size (700M, 4G), each a bundle of its own', parsePartSize)
    .option('--with-referrers', 'take signatures and attestations along')
    // The options of `ls` and `verify` are theirs.
    .enablePositionalOptions();
  addFileOption(command).addHelpText(
    'after',
    `
A bundle is an OCI image layout in a tar: skopeo (oci-archive:) and ORAS read it, too. The same charts give the same bytes.

Examples:
  chart bundle registry.example.com/team/app:1.0.0 -o app.tar
  chart bundle 'registry.example.com/team/*' -o charts.tar.gz
  chart bundle -f charts.txt --since january.tar -o february.tar
  chart bundle -f charts.txt -o - | ssh inside chart unbundle -`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<BundleOptions>(command, context);
    refuseOtherWord(given);
    if (given.length === 0 && options.file === undefined) throw missingArgument(command, 'ref');
    const file = outputOf(context, command, options, given);
    const layout = await openCache(context, settings.cacheDirectory, { readOnly: true });
    const refs = await readCachedItems(context, command, layout, given, options);
    const { bundleContent, partName, planBundles, uncompressedLimit, writeBundles } = await import(
      '../../operations/bundle.js'
    );
    const { fileInput } = await import('../../bundle/input.js');
    const dependencies = { layout, signal: context.signal };
    const warnings = new Map<string, string>();
    const { outcomes, plans } = await planBundles(
      { ...dependencies, onWarning: (ref, text) => warnings.set(ref, text) },
      {
        refs,
        referrers: options.withReferrers,
        since: options.since?.map(fileInput),
        split: options.split && uncompressedLimit(options.split, file),
      },
    );
    for (const { result } of outcomes) {
      const warning = result && warnings.get(result.ref);
      if (warning !== undefined) context.printWarning(`${result?.ref}: ${warning}`);
    }
    const failed = outcomes.filter(({ error }) => error !== undefined);
    for (const { item, error } of failed) context.printError(withItem(item, error as ChartError));
    if (failed.length > 0) {
      context.stderr.write(`Nothing was written: ${failed.length} of ${refs.length} cannot be bundled.\n`);
      return;
    }
    const [first] = plans;
    const progress = openProgress(context, settings, { ...options, terminalOnly: true }, plans.length);
    const nameOf = ({ part }: BundlePlan): string => (part === undefined ? file : partName(file, part));
    const writing: BundleDependencies = {
      ...dependencies,
      onProgress: (plan, done) => progress.report(nameOf(plan), done, plan.size),
    };
    if (file === '-' && first) {
      await context.stdout.pipe(bundleContent(writing, first));
      progress.stop();
      context.stderr.write(`${describe('standard output', first.size, first)}\n`);
      return;
    }
    refuseOverOlder(plans.map(nameOf), options.since ?? []);
    const written = await writeBundles(writing, plans, file);
    progress.stop();
    for (const each of written) print(context, each, options.quiet);
  });
};

/** @throws ChartError `USAGE` where an older bundle would be replaced by what leaves blobs to it, however the file is called */
function refuseOverOlder(written: readonly string[], older: readonly string[]): void {
  const identify = (file: string): string | undefined => {
    try {
      const { dev, ino } = statSync(file, { bigint: true });
      return `${dev} ${ino}`;
    } catch {
      // What cannot be looked at is told of where it is read or written.
      return undefined;
    }
  };
  const kept = new Set(older.map(identify));
  for (const file of written) {
    const there = identify(file);
    if (there === undefined || !kept.has(there)) continue;
    throw new ChartError('USAGE', `${file} is the older bundle, which has what the new one leaves out`, {
      hint: 'Give the new one another name with -o: both are needed.',
    });
  }
}

/** Words for `ls` that other programs have. */
function refuseOtherWord([word, file]: readonly string[]): void {
  if (word === undefined || !['list', 'show', 'inspect'].includes(word)) return;
  throw new ChartError('USAGE', `"chart bundle" has no command ${word}`, {
    hint: `Did you mean chart bundle ls ${file === undefined ? 'FILE' : shellWord(file)}?`,
  });
}

function print(context: Context, { path, size, plan }: WrittenBundle, quiet = false): void {
  context.stdout.write(quiet ? `${printable(path)}\n` : `${describe(path, size, plan)}\n`);
}

function describe(path: string, size: number, { items, blobs, absent }: BundlePlan): string {
  const left = absent.length === 0 ? '' : `, ${count(absent.length, 'blob')} left to the older bundle`;
  return `${printable(path)}: ${count(items.length, 'chart')}, ${count(blobs.length, 'blob')}, ${formatSize(size)}${left}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function outputOf(
  context: Context,
  command: Command,
  { output, split }: BundleOptions,
  given: readonly string[],
): string {
  if (output === undefined || output === '') {
    const [meant] = nearNames(
      given[0] ?? '',
      command.commands.map((one) => one.name()),
      1,
    );
    const file = given.find((word) => /\.(?:tar(?:\.gz|\.zst)?|tgz)$/i.test(word));
    const refs = given.filter((word) => word !== file).map((word) => `${shellWord(word)} `);
    throw new ChartError('USAGE', 'where to write the bundle is not said', {
      hint: meant
        ? `Did you mean chart bundle ${meant}? Otherwise use -o FILE.`
        : file !== undefined && refs.length > 0
          ? `Write chart bundle ${refs.join('')}-o ${shellWord(file)}`
          : 'Use -o FILE, such as -o charts.tar, or -o - for standard output.',
    });
  }
  if (output !== '-') return output;
  if (split !== undefined) {
    throw new ChartError('USAGE', 'parts cannot all go to standard output', { hint: 'Use -o FILE with --split.' });
  }
  if (context.stdout.isTerminal) {
    throw new ChartError('USAGE', 'a bundle is not written to a terminal', {
      hint: `Use -o FILE, or a pipe: ${command.parent?.name() ?? 'chart'} bundle REF... -o - | ssh HOST chart unbundle -`,
    });
  }
  return output;
}

/** A part holds one chart at least, and what describes it. */
const PART_LEAST = 16 * 1024;

function parsePartSize(text: string): number {
  const size = parseSize(text);
  if (size < PART_LEAST) throw new InvalidArgumentError('It is a size of at least 16K, such as 700M or 4G.');
  return size;
}
