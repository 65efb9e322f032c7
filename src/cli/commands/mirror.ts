import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { shellWord } from '../../chart/shell-word.js';
import { ChartError, systemErrorCode } from '../../errors.js';
import type { MirrorFile } from '../../operations/mirror/mirror-file.js';
import type { MirrorEntry, MirrorInput } from '../../operations/mirror/types.js';
import { nearNames } from '../../operations/near-names.js';
import type { PasswordCredentials } from '../../registry/secrets.js';
import { argumentError } from '../argument-errors.js';
import type { Configure } from '../configure.js';
import { givenCredentials } from '../connect.js';
import { type Context, openCache } from '../context.js';
import { printChart, printReport } from '../mirror-report.js';
import {
  addConnectionOptions,
  addFormatOption,
  addVersionOptions,
  type ConnectionOptions,
  type FormatOptions,
  readOptions,
  type VersionOptions,
} from '../options.js';
import { OrderedOutput } from '../output.js';
import { openProgress, type Progress } from '../progress.js';
import { parseCount, parseSize } from '../quantities.js';
import { readFault } from '../read-fault.js';
import { readStdin } from '../read-lists.js';

interface MirrorOptions extends ConnectionOptions, FormatOptions, VersionOptions {
  readonly file?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly dependencies?: boolean;
  readonly referrers?: boolean;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly shard?: { readonly index: number; readonly count: number };
  readonly parallel: number;
  readonly maxRate?: number;
  readonly passCredentials?: boolean;
  readonly fromPlainHttp?: boolean;
  readonly toPlainHttp?: boolean;
  readonly progress: boolean;
}

export const configure: Configure = (command, context) => {
  command
    .usage('SRC DST [options]\n       chart mirror -f FILE [--to DST] [options]')
    .argument(
      '[src]',
      'oci://HOST/PATH, oci://HOST/PATH/*, https://HOST/PATH, a directory with an index.yaml or an image layout, a bundle, cache or cache:PREFIX',
    )
    .argument('[dst]', 'oci://HOST/PREFIX, cache, cache:PREFIX, or a bundle such as charts.bundle.tar')
    .option('-f, --file <file>', 'what to mirror, see chart mirror init; - is standard input')
    .option('--to <dst>', 'where to, instead of what the file says');
  addVersionOptions(command, 'only versions that fit')
    .option('--limit <count>', 'only so many versions of each chart, the newest', parseCount)
    .option('--include <glob>', 'only charts that fit, with * and ?; may be given again', collect)
    .option('--exclude <glob>', 'no charts that fit; may be given again', collect)
    .option('--dependencies', 'and the charts that Chart.yaml depends on')
    .option('--referrers', 'and what is attached to the charts, such as signatures')
    .option('--overwrite', 'replace tags that name something else at the target')
    .addOption(new Option('--dry-run', 'say what would be copied').conflicts('check'))
    .option('--check', 'say what the target lacks, and fail if it lacks anything')
    .option('--shard <i/n>', 'of n runs on several machines, the i-th: each chart is in exactly one', parseShard)
    .option('--parallel <count>', 'charts on their way at the same time', parseCount, 8)
    .option('--max-rate <rate>', 'at most so many bytes a second, such as 10M or 512KiB', parseRate)
    .option('--pass-credentials', 'send credentials to other hosts, too, that the index of a chart repository names')
    .addOption(
      new Option('--media-type <type>', 'layer type of charts from chart repositories').choices(['legacy', 'current']),
    )
    .option('--from-plain-http', 'speak HTTP without TLS to the source')
    .option('--to-plain-http', 'speak HTTP without TLS to the target');
  addFormatOption(addConnectionOptions(command)).addHelpText('after', EXAMPLES);
  command.action(async (src: string | undefined, dst: string | undefined) => {
    const { options, settings } = readOptions<MirrorOptions>(command, context);
    const { file, target } = await readJob(context, command, options, src, dst);
    const { LOOKS, mirrorCharts } = await import('../../operations/mirror/mirror.js');
    const { mirrorConnections } = await import('../mirror-connections.js');
    const input: MirrorInput = {
      entries: file.entries,
      target,
      mode: options.check ? 'check' : options.dryRun ? 'plan' : 'copy',
      overwrite: options.overwrite ?? false,
      shard: options.shard,
      parallel: options.parallel,
      maxRate: options.maxRate,
    };
    const given = await givenCredentials(context, options);
    const connections = await mirrorConnections(context, settings, {
      options,
      hosts: file.registries,
      given: given && { host: hostFor(file.entries, target, options), credentials: given as PasswordCredentials },
      plainHosts: plainHosts(file.entries, target, options),
      connections: Math.max(8, LOOKS * options.parallel),
    });
    let progress: Progress | undefined;
    let order = new OrderedOutput(0);
    const report = await mirrorCharts(
      {
        ...connections,
        layout: await openCache(context, settings.cacheDirectory, {
          readOnly: input.mode !== 'copy',
          mayBeNew: true,
        }),
        flavour: settings.flavourGiven ? settings.flavour : (file.flavour ?? settings.flavour),
        signal: context.signal,
        listener: {
          onPlan: (charts) => {
            progress = openProgress(context, settings, options, charts);
            order = new OrderedOutput(charts);
          },
          onCopy: (source, event) => progress?.copy(source, event),
          onChart: (source, chart, position) => {
            progress?.finish(source);
            if (chart) order.add(position, () => printChart(context, options, chart, input));
            order.finish(position);
          },
        },
      },
      input,
    );
    progress?.stop();
    await printReport(context, options, report, input);
  });
};

const EXAMPLES = `
What the target has is skipped, so a run that was cut off is gone on with by running it again. A tag that names something else
at the target has drifted: it is left as it is, and the command fails. -u and a password are for SRC; chart registry login for DST.

Examples:
  chart mirror https://charts.example.com oci://registry.lan/charts
  chart mirror oci://ghcr.io/acme/api oci://registry.lan/charts --version '>=2 <3' --limit 5
  chart mirror 'oci://registry.example.com/team/*' cache
  chart mirror -f mirror.yaml --check -o json`;

/** @throws ChartError `USAGE` for a file where a source is wanted, and for a command that is none */
function refuseSlips(src: string | undefined, dst: string | undefined): void {
  if (src === undefined) return;
  if (/\.ya?ml$/i.test(src) && !src.includes('://')) {
    const to = dst === undefined ? '' : ` --to ${shellWord(dst)}`;
    throw new ChartError('USAGE', `${src} is a file, and no source of charts`, {
      hint: `Did you mean chart mirror -f ${shellWord(src)}${to}?`,
    });
  }
  if (src !== 'init' && !existsSync(src) && nearNames(src, ['init']).length > 0) {
    throw new ChartError('USAGE', `"chart mirror" has no command ${src}`, {
      hint: `Did you mean chart mirror init${dst === undefined ? '' : ` ${shellWord(dst)}`}?`,
    });
  }
}

/** What to mirror, and where to. */
async function readJob(
  context: Context,
  command: Command,
  options: MirrorOptions,
  src: string | undefined,
  dst: string | undefined,
): Promise<{ file: MirrorFile; target: string }> {
  if (options.file === undefined) {
    refuseSlips(src, dst);
    const target = dst ?? options.to;
    if (src === undefined || target === undefined || (dst !== undefined && options.to !== undefined)) {
      throw wrongArguments(command, src, target);
    }
    const { version, limit, prerelease, include, exclude, dependencies, referrers } = options;
    const entry: MirrorEntry = { source: src, version, limit, prerelease, include, exclude, dependencies, referrers };
    if (version !== undefined) (await import('../../chart/version-range.js')).parseVersionRange(version);
    return { file: { target: undefined, flavour: undefined, registries: new Map(), entries: [entry] }, target };
  }
  const stray = ['version', 'limit', 'prerelease', 'include', 'exclude', 'dependencies', 'referrers', 'username'].find(
    (name) => command.getOptionValueSource(name) === 'cli',
  );
  if (src !== undefined || stray !== undefined) {
    throw new ChartError(
      'USAGE',
      `${stray === undefined ? 'SRC and DST' : `--${stray}`} cannot be given along with -f FILE`,
      {
        hint: stray === 'username' ? 'Credentials stand under "registries" in the file.' : 'Write it into the file.',
      },
    );
  }
  const { parseMirrorFile } = await import('../../operations/mirror/mirror-file.js');
  const [text, name, directory] = await readText(context, options.file);
  const file = parseMirrorFile(text, name, directory);
  const target = options.to ?? file.target;
  if (target !== undefined) return { file, target };
  throw new ChartError('USAGE', `${name} says nothing of a target`, {
    hint: 'Add "target: oci://HOST/PREFIX", or give --to.',
  });
}

function wrongArguments(command: Command, src: string | undefined, target: string | undefined): ChartError {
  if (src !== undefined && target !== undefined) {
    return new ChartError('USAGE', 'DST and --to both say where to', { hint: 'Leave out one of them.' });
  }
  return argumentError(
    command,
    'requires 2 arguments, or -f FILE',
    src === undefined
      ? 'SRC and DST are missing; chart mirror init writes an example of a file'
      : `DST is missing: chart mirror ${shellWord(src)} cache, or oci://HOST/PREFIX instead of cache`,
  );
}

async function readText(context: Context, file: string): Promise<[text: string, name: string, directory: string]> {
  if (file === '-') return [await readStdin(context), 'standard input', process.cwd()];
  try {
    return [await readFile(file, 'utf8'), file, dirname(resolve(file))];
  } catch (cause) {
    const hint = systemErrorCode(cause) === 'ENOENT' ? '"chart mirror init FILE" writes an example.' : undefined;
    throw new ChartError('USAGE', `cannot read the mirror file ${file}: ${readFault(cause)}`, { cause, hint });
  }
}

/** The host that --username is for: that of the source, or of the target where the source has none. */
function hostFor(entries: readonly MirrorEntry[], target: string, { file }: MirrorOptions): string {
  const host = file === undefined ? (hostOf(entries[0]?.source ?? '') ?? hostOf(target)) : undefined;
  if (host !== undefined) return host;
  throw new ChartError(
    'USAGE',
    '--username is for a registry or a chart repository, and there is none in this command',
  );
}

function plainHosts(entries: readonly MirrorEntry[], target: string, options: MirrorOptions): Set<string> {
  const sources = options.fromPlainHttp ? entries.map(({ source }) => hostOf(source)) : [];
  const all = [...sources, options.toPlainHttp ? hostOf(target) : undefined];
  return new Set(all.filter((host) => host !== undefined));
}

function hostOf(text: string): string | undefined {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return new URL(text).host;
  return /^oci:\/\/([^/]+)/.exec(text)?.[1];
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

function parseShard(text: string): { index: number; count: number } {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || index < 1 || index > count)
    throw new InvalidArgumentError('It must be I/N, such as 1/4, with I from 1 to N.');
  return { index, count };
}

function parseRate(text: string): number {
  return parseSize(text.trim().replace(/\/s$/, ''));
}
