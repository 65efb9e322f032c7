/** Container images that charts name, without running their templates. */

import { existsSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { openChartSource } from '../chart/source.js';
import { readYaml } from '../chart/yaml/values.js';
import type { Layout } from '../layout/layout.js';
import { findEntry, readCachedChart } from './cached-chart.js';
import { type ImageChart, readImageChart } from './images-chart.js';
import { formatImage, parseImage } from './images-reference.js';
import { helpersOf, imagesInTemplates } from './images-templates.js';
import { imagesInValues } from './images-values.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { mapConcurrent } from './parallel.js';
import { readVerified, unpacking } from './verified-blob.js';

/** One place where an image is named. */
export interface ImagePlace {
  /** The chart, or the chart within it: `webshop`, `webshop/charts/redis`. */
  readonly chart: string;
  /** `values.yaml: image`, `Chart.yaml: annotations.images`, `templates/job.yaml:12`. */
  readonly where: string;
  /** What the tag was taken from, where nothing says it. */
  readonly guess?: 'appVersion' | 'latest' | undefined;
  /** The condition or tag by which the chart within is left out unless it is turned on. */
  readonly offBy?: string | undefined;
}

export interface NamedImage {
  /** `REGISTRY/REPOSITORY:TAG`, `@DIGEST`, or both. */
  readonly image: string;
  readonly places: readonly ImagePlace[];
}

export interface ChartImages {
  readonly item: string;
  readonly name: string;
  readonly version: string;
  /** In byte order, each once. */
  readonly images: readonly NamedImage[];
  /** Where templates could name more, and where what is named is no reference of an image. */
  readonly open: readonly { readonly chart: string; readonly where: string; readonly text: string }[];
}

export interface ImagesDependencies {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
}

/** @param items references in the cache, directories, packed charts */
export async function findImages(
  dependencies: ImagesDependencies,
  items: readonly string[],
): Promise<Outcome<ChartImages>[]> {
  return mapConcurrent(items, 4, (item) =>
    outcomeOf(item, async () => imagesOf(item, await openChart(dependencies, item))),
  );
}

async function openChart({ layout, signal }: ImagesDependencies, item: string): Promise<ImageChart> {
  if (isPath(item)) {
    const source = await openChartSource(item, { signal });
    return readImageChart(() => source.open(), signal);
  }
  const chart = await readCachedChart(layout, findEntry(await layout.readIndex(), item));
  const { layer } = chart.parts;
  const open = (): Promise<Readable> => readVerified(layout, layer, { signal });
  return unpacking(layout, layer, () => readImageChart(open, signal));
}

/** `app` may be both: a reference, unless a chart lies there. */
function isPath(item: string): boolean {
  if (/^(?:\.{1,2})?[/\\]|^\.{1,2}$|\.tgz$|^[A-Za-z]:\\/.test(item)) return true;
  return existsSync(item) && (!statSync(item).isDirectory() || existsSync(`${item}/Chart.yaml`));
}

function imagesOf(item: string, root: ImageChart): ChartImages {
  const found = new Map<string, ImagePlace[]>();
  const open: { chart: string; where: string; text: string }[] = [];
  const charts = flatten(root);
  const helpers = helpersOf(charts);
  const off = new Map<string, string>();
  for (const chart of charts) {
    const offBy = chart.offBy ?? [...off].find(([place]) => chart.place.startsWith(`${place}/`))?.[1];
    if (offBy !== undefined) off.set(chart.place, offBy);
    const add = (image: string, where: string, guess?: ImagePlace['guess']): void => {
      const place = { chart: chart.place, where, ...(guess && { guess }), ...(offBy !== undefined && { offBy }) };
      found.set(image, [...(found.get(image) ?? []), place]);
    };
    for (const { text, where } of imagesInAnnotations(chart)) {
      const parsed = parseImage(text);
      if (parsed) add(formatImage(parsed), where);
      else open.push({ chart: chart.place, where, text });
    }
    const values = imagesInValues(chart);
    for (const { image, path, guess } of values.found) add(image, `values.yaml: ${path.join('.')}`, guess);
    for (const { path, text } of values.unclear)
      open.push({ chart: chart.place, where: `values.yaml: ${path.join('.')}`, text });
    const templates = imagesInTemplates(
      chart,
      values.found.map(({ path }) => path),
      helpers,
    );
    for (const { image, where } of templates.found) add(image, where);
    open.push(...templates.open.map((line) => ({ chart: chart.place, ...line })));
  }
  return {
    item,
    name: root.metadata.name ?? '',
    version: root.metadata.version ?? '',
    images: sorted(found),
    open,
  };
}

function flatten(chart: ImageChart): ImageChart[] {
  return [chart, ...chart.children.flatMap(flatten)];
}

/** The images of several charts in one list. What several names or versions of a chart have alike is in it once. */
export function mergeImages(charts: readonly ChartImages[]): readonly NamedImage[] {
  const found = new Map<string, Map<string, ImagePlace>>();
  for (const { image, places } of charts.flatMap(({ images }) => images)) {
    const known = found.get(image) ?? new Map<string, ImagePlace>();
    found.set(image, known);
    for (const place of places) known.set(JSON.stringify([place.chart, place.where, place.guess, place.offBy]), place);
  }
  return sorted(new Map([...found].map(([image, places]) => [image, [...places.values()]])));
}

function sorted(found: ReadonlyMap<string, readonly ImagePlace[]>): NamedImage[] {
  return [...found]
    .map(([image, places]) => ({ image, places }))
    .sort((one, other) => (one.image < other.image ? -1 : 1));
}

/** What the chart's author lists: `artifacthub.io/images`, and `images` of Bitnami's charts; YAML lists with `image` in each. */
function* imagesInAnnotations({ metadata }: ImageChart): Generator<{ text: string; where: string }> {
  for (const name of ['artifacthub.io/images', 'images']) {
    const text = metadata.annotations?.get(name);
    if (text === undefined) continue;
    for (const image of listIn(text)) yield { text: image, where: `Chart.yaml: annotations.${name}` };
  }
}

function listIn(text: string): string[] {
  try {
    const { value } = readYaml(Buffer.from(text));
    if (!Array.isArray(value)) return [];
    return value.flatMap((item) => {
      const image = item instanceof Map ? item.get('image') : item;
      return typeof image === 'string' ? [image.trim()] : [];
    });
  } catch {
    // It is text for people, then.
    return [];
  }
}
