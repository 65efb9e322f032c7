import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { shellWord } from '../../chart/shell-word.js';
import { ChartError } from '../../errors.js';
import { parseReference, repositoryName, splitName } from '../../oci/reference.js';
import type { SaveItem } from '../../operations/save.js';
import type { ChartSummary } from '../../operations/summary.js';
import { argumentError } from '../argument-errors.js';
import type { Configure } from '../configure.js';
import { type Context, openCache } from '../context.js';
import { ItemReport } from '../item-report.js';
import { addFileOption, addFormatOption, type FileOptions, type FormatOptions, readOptions } from '../options.js';
import { openProgress } from '../progress.js';
import { readLines } from '../read-lists.js';
import { renderSummary, summaryData } from '../render.js';
import { printable } from '../text.js';

interface SaveOptions extends FormatOptions, FileOptions {
  readonly to?: string;
}

export const configure: Configure = (command, context) => {
  command
    .usage('PATH REF [options]\n       chart save PATH... --to PREFIX [options]')
    .argument('[path...]', 'a chart directory or a packed chart; after it REF, HOST/PATH[:TAG], the name that it gets')
    .option('--to <prefix>', 'save each chart as PREFIX/NAME:VERSION');
  addFileOption(command, 'paths (without --to: a path and a reference)');
  command.addOption(
    new Option(
      '--media-type <type>',
      'layer type: legacy can be read by Helm 3.6.3, current is that of Helm 3.7',
    ).choices(['legacy', 'current']),
  );
  addFormatOption(command).addHelpText(
    'after',
    `
A reference without a tag gets the chart's version as its tag. What .helmignore names stays out.

Examples:
  chart save ./app registry.example.com/team/app
  chart save app-1.2.3.tgz registry.example.com/team/app:1.2.3
  chart save charts/* --to registry.example.com/team`,
  );
  command.action(async (paths: string[]) => {
    const { options, settings } = readOptions<SaveOptions>(command, context);
    const items = await readSaveItems(context, command, paths, options);
    const { saveCharts } = await import('../../operations/save.js');
    const report = new ItemReport<ChartSummary>(
      context,
      items.map(({ path }) => path),
      options,
      {
        text: (chart) => `${renderSummary(chart)}${printable(splitName(chart.ref).tag)}: saved\n`,
        quiet: (chart) => `${printable(chart.ref)}\n`,
        data: (chart) => ({ ...summaryData(chart), status: 'saved' }),
      },
    );
    const progress = openProgress(context, settings, { ...options, terminalOnly: true }, items.length);
    await saveCharts(
      {
        layout: await openCache(context, settings.cacheDirectory, { mayBeNew: true }),
        signal: context.signal,
        onProgress: ({ path }, done, total) => progress.report(path, done, total),
        onWarning: (item, text) =>
          report.warn(items.indexOf(item), items.length === 1 ? text : `${item.path}: ${text}`),
      },
      { items, prefix: options.to, flavour: settings.flavour },
      (index, outcome) => {
        progress.finish(outcome.item);
        report.done(index, outcome);
      },
    );
    progress.stop();
    await report.end();
  });
};

async function readSaveItems(
  context: Context,
  command: Command,
  paths: readonly string[],
  { to, file }: SaveOptions,
): Promise<SaveItem[]> {
  const lines = file === undefined ? [] : await readLines(context, file);
  if (to !== undefined) {
    if (paths.length === 0 && file === undefined) {
      throw argumentError(command, 'requires at least 1 argument', `PATH is missing: ${PATH}`);
    }
    const last = paths.at(-1);
    if (paths.length > 1 && last !== undefined && isAbsentReference(last)) {
      const rest = paths.slice(0, -1).map(shellWord).join(' ');
      throw new ChartError('USAGE', `${last} is a reference, and --to says where all go`, {
        hint: `Write chart save ${rest} --to ${shellWord(to)}, or chart save PATH ${last} without --to`,
      });
    }
    return [...paths, ...lines].map((path) => ({ path }));
  }
  const fromFile = lines.map((line) => {
    const match = /^(.+?)\s+(\S+)$/.exec(line);
    if (!match) {
      throw new ChartError('USAGE', `${JSON.stringify(line)} in ${file} is not a path and a reference`, {
        hint: 'A line is a path, a space, and the reference that the chart gets; with --to, a path alone.',
      });
    }
    return { path: match[1] as string, ref: match[2] as string };
  });
  if (paths.length === 0 && file !== undefined) return fromFile;
  if (paths.length < 2) throw argumentError(command, 'requires at least 2 arguments', missing(paths[0]));
  const [path, ref] = paths as [string, string];
  if (paths.length === 2 && !existsSync(path) && existsSync(ref)) {
    throw new ChartError('USAGE', `${path} is no path, but ${ref} is: the path comes first`, {
      hint: `Write chart save ${ref} ${path}`,
    });
  }
  if (paths.length > 2) {
    const last = paths.at(-1) as string;
    const message = `chart save PATH REF takes one path, and ${paths.length} arguments were given`;
    const [all, prefix] = isAbsentReference(last)
      ? [paths.slice(0, -1), repositoryName(parseReference(last))]
      : [paths, 'HOST/PATH'];
    const hint = `Write chart save ${all.map(shellWord).join(' ')} --to ${prefix}`;
    throw new ChartError('USAGE', message, { hint });
  }
  return [{ path, ref }, ...fromFile];
}

/** True for what no path is, and a reference with a host could be. */
function isAbsentReference(text: string): boolean {
  if (existsSync(text) || /^[./~\\]|\.tgz$/.test(text)) return false;
  try {
    return parseReference(text).host !== undefined;
  } catch {
    return false;
  }
}

const PATH = 'a chart directory or a packed chart';

/** Of `chart save WORD`. */
function missing(word: string | undefined): string {
  if (word === undefined) return `PATH and REF are missing: ${PATH}, and the name that it gets`;
  if (isAbsentReference(word)) return `PATH is missing: chart save PATH ${word}`;
  const name = basename(resolve(word))
    .replace(/-v?\d[^-]*\.tgz$/i, '')
    .toLowerCase();
  return `REF is missing, the name that it gets: chart save ${shellWord(word)} HOST/PATH, such as registry.example.com/${name}`;
}
