import { existsSync } from 'node:fs';
import { Option } from 'commander';
import { ChartError } from '../../errors.js';
import type { Layout } from '../../layout/layout.js';
import type { ChartImages, ImagePlace, NamedImage } from '../../operations/images.js';
import { isPattern } from '../../operations/pattern.js';
import type { Configure } from '../configure.js';
import { openCache } from '../context.js';
import { withItem } from '../item-report.js';
import { addFileOption, type FileOptions, readItems, readOptions } from '../options.js';
import { renderData } from '../render.js';
import { printable } from '../text.js';

interface ImagesOptions extends FileOptions {
  readonly output: 'table' | 'list' | 'json' | 'yaml' | 'regsync' | 'skopeo';
  readonly to?: string;
}

export const configure: Configure = (command, context) => {
  command
    .usage('PATH|REF... [options]')
    .argument('[path|ref...]', 'charts in the cache, or patterns of them; directories, packed charts')
    .addOption(
      new Option('-o, --output <format>', 'output format')
        .choices(['table', 'list', 'json', 'yaml', 'regsync', 'skopeo'])
        .default('table'),
    )
    .option('--to <prefix>', 'with -o regsync: put PREFIX in place of the registry of each image');
  addFileOption(command, 'references and paths').addHelpText(
    'after',
    `
Found in the annotations artifacthub.io/images and images, in the values, and in lines "image:" of templates, of charts within the
chart too. Templates are not run: where they may name more, standard error says so.

Examples:
  chart images ./webshop
  chart images registry.example.com/team/app:1.0.0 -o list | xargs -n 1 crane manifest
  chart list -q | chart images -f - -o skopeo > images.yaml && skopeo sync --src yaml --dest dir images.yaml ./images
  chart images -f charts.txt -o regsync --to registry.lan:5000 > regsync.yaml && regsync once -c regsync.yaml`,
  );
  command.action(async (given: string[]) => {
    const { options, settings } = readOptions<ImagesOptions>(command, context);
    const named = await readItems(context, command, given, options, 'path|ref');
    if (options.output === 'regsync' && !options.to) {
      throw new ChartError('USAGE', '-o regsync needs the registry to copy to', {
        hint: 'Add --to HOST[:PORT][/PATH].',
      });
    }
    const { findImages, mergeImages } = await import('../../operations/images.js');
    const layout = await openCache(context, settings.cacheDirectory, { readOnly: true });
    const items = await fillPatterns(named, layout);
    const outcomes = await findImages({ layout, signal: context.signal }, items);
    for (const { item, error } of outcomes) {
      if (error) context.printError(withItem(item, error));
    }
    const charts = outcomes.flatMap(({ result }) => result ?? []);
    const isDocument = options.output === 'json' || options.output === 'yaml';
    if (charts.length === 0 && context.failed && !isDocument) return;
    const images = mergeImages(charts);
    context.stdout.write(await render(images, charts, options));
    if (!isDocument) for (const text of doubts(images, charts)) context.printWarning(text);
  });
};

/** Patterns that are no files stand for charts in the cache. */
async function fillPatterns(items: readonly string[], layout: Layout): Promise<readonly string[]> {
  if (!items.some((item) => isPattern(item) && !existsSync(item))) return items;
  const { fillPatterns: fill } = await import('../../operations/fitting.js');
  const filled: string[] = [];
  for (const item of items) filled.push(...(existsSync(item) ? [item] : await fill({ layout }, [item])));
  return [...new Set(filled)];
}

async function render(
  images: readonly NamedImage[],
  charts: readonly ChartImages[],
  { output, to = '', quiet }: ImagesOptions & { readonly quiet?: boolean },
): Promise<string> {
  if (output === 'json' || output === 'yaml') {
    const data = {
      images,
      charts: charts.map(({ item, name, version, open }) => ({
        item,
        name,
        version,
        complete: open.length === 0,
        open,
      })),
    };
    return renderData(data, output);
  }
  if (output === 'regsync' || output === 'skopeo') {
    const { regsyncConfig, skopeoList } = await import('../../operations/images-lists.js');
    const comments = doubts(images, charts).map((text) => `# ${printable(text)}\n`);
    const list = output === 'regsync' ? regsyncConfig(images, to) : skopeoList(images);
    return comments.join('') + (await renderData(list, 'yaml'));
  }
  if (output === 'list' || quiet) return images.map(({ image }) => `${printable(image)}\n`).join('');
  const { renderTable } = await import('../table.js');
  const rows = images.flatMap(({ image, places }) =>
    places.map((place, index) => [
      index === 0 ? printable(image) : '',
      printable(place.chart),
      printable(place.where),
      note(place),
    ]),
  );
  return renderTable([['IMAGE', 'CHART', 'FOUND IN', 'NOTE'], ...rows]);
}

function note({ guess, offBy }: ImagePlace): string {
  const off = offBy === undefined ? '' : `off by ${printable(offBy)}`;
  const tag = guess === undefined ? '' : `tag guessed: ${guess}`;
  return [tag, off].filter((text) => text !== '').join('; ');
}

/** What a reader of a bare list must know. */
function doubts(images: readonly NamedImage[], charts: readonly ChartImages[]): string[] {
  const guessed = images.filter(({ places }) => places.every(({ guess }) => guess !== undefined));
  return [
    ...guessed.map(
      ({ image, places }) =>
        `the tag of ${image} is a guess: ${places[0]?.guess === 'appVersion' ? 'the appVersion' : 'latest'}`,
    ),
    ...charts.flatMap(({ item, open }) =>
      open.length === 0
        ? []
        : [`the list for ${item} may be incomplete: ${open.map(({ chart, where }) => `${chart}/${where}`).join(', ')}`],
    ),
  ];
}
