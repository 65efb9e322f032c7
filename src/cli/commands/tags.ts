import type { ListedTag, TagListing } from '../../operations/tags.js';
import type { Configure } from '../configure.js';
import { connector } from '../connect.js';
import type { Context } from '../context.js';
import {
  addConnectionOptions,
  addFormatOption,
  addVersionOptions,
  type ConnectionOptions,
  type FormatOptions,
  readOptions,
  readRange,
  type VersionOptions,
} from '../options.js';
import { renderData } from '../render.js';
import { printable } from '../text.js';

interface TagsOptions extends ConnectionOptions, FormatOptions, VersionOptions {
  readonly all?: boolean;
}

export const configure: Configure = (command, context) => {
  command.argument('<repo>', 'a repository of a registry');
  addVersionOptions(command, 'only versions that fit');
  command.option('--all', 'also prereleases, and the tags that attach signatures and the like to charts');
  addConnectionOptions(command);
  addFormatOption(command).addHelpText(
    'after',
    `
Versions come first, the newest at the top, then all other tags. --quiet prints references only, for -f of other commands.

Examples:
  chart tags registry.example.com/team/app
  chart tags registry.example.com/team/app --version '>=1.2 <3'
  chart tags registry.example.com/team/app -q --version ^2 | chart pull -f -`,
  );
  command.action(async (repository: string) => {
    const { options, settings } = readOptions<TagsOptions>(command, context);
    const prerelease = options.prerelease ?? options.all;
    const range = await readRange({ ...options, prerelease });
    const { listChartTags } = await import('../../operations/tags.js');
    const listing = await listChartTags(
      { connect: await connector(context, settings, options), signal: context.signal },
      { repository, range, prerelease, all: options.all },
    );
    await print(context, listing, options);
    if (range !== undefined && listing.tags.length === 0) {
      context.printWarning(
        `${repository} has no version that fits ${options.version}; chart tags ${repository} shows all`,
      );
    }
  });
};

async function print(
  context: Context,
  { tags, left }: TagListing,
  { output, quiet }: FormatOptions & { quiet?: boolean },
): Promise<void> {
  if (output !== 'table') {
    context.stdout.write(await renderData(tags.map(tagData), output));
  } else if (quiet) {
    context.stdout.write(tags.map(({ ref }) => `${printable(ref)}\n`).join(''));
  } else {
    const { renderTable } = await import('../table.js');
    const rows = tags.map(({ tag, ref }) => [printable(tag), printable(ref)]);
    context.stdout.write(await renderTable([['TAG', 'REF'], ...rows]));
    const hidden = leftOut(left);
    if (hidden !== '') context.stderr.write(`${hidden}\n`);
  }
}

function tagData({ ref, tag, version }: ListedTag): object {
  return { ref, tag, version: version ?? null };
}

/** `Left out: 2 prereleases (--prerelease), 3 tags of signatures and the like (--all)`, or nothing. */
function leftOut({ prereleases, attachments }: TagListing['left']): string {
  const parts = [
    prereleases > 0 ? `${prereleases} prerelease${prereleases === 1 ? '' : 's'} (--prerelease)` : '',
    attachments > 0 ? `${attachments} tag${attachments === 1 ? '' : 's'} of signatures and the like (--all)` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `Left out: ${parts.join(', ')}`;
}
