/**
 * Images in a chart's values, by the shapes that charts give them:
 *
 *     image: nginx:1.25                                          also `sidecarImage`, `images: [...]`
 *     image: nginx  + imageTag: "1.25" or tag: "1.25"            beside it; also `imageRepository` with `imageTag`
 *     image: {registry: quay.io, repository: acme/app, tag: "1", digest: ""}     also with `name` or `image` for the repository
 *
 * `global.imageRegistry` and `global.image.registry` replace the registry of the third.
 */

import type { YamlValue } from '../chart/yaml/values.js';
import { isDigest } from '../oci/digest.js';
import { type ImageChart, type ValueMap, valueAt } from './images-chart.js';
import { formatImage, parseImage } from './images-reference.js';

export interface ValuesImage {
  readonly image: string;
  /** Keys that lead to it. */
  readonly path: readonly string[];
  /** The tag is not in the values: it is the chart's appVersion, or `latest`. */
  readonly guess: 'appVersion' | 'latest' | undefined;
}

export interface ValuesImages {
  readonly found: readonly ValuesImage[];
  /** What has the shape of an image and is none: before templates are run, or at all. */
  readonly unclear: readonly { readonly path: readonly string[]; readonly text: string }[];
}

export function imagesInValues(chart: ImageChart): ValuesImages {
  const found: ValuesImage[] = [];
  const unclear: { path: readonly string[]; text: string }[] = [];
  const globalRegistry =
    text(valueAt(chart.values, ['global', 'imageRegistry'])) ||
    text(valueAt(chart.values, ['global', 'image', 'registry']));
  const { appVersion } = chart.metadata;

  const add = (
    path: readonly string[],
    parts: { registry?: string; repository: string; tag: string; digest: string },
  ): boolean => {
    const { repository, tag, digest } = parts;
    const registry = parts.registry ?? '';
    const whole = registry === '' ? repository : `${registry.replace(/\/+$/, '')}/${repository}`;
    const name = isDigest(digest) ? `${whole}@${digest}` : whole;
    if (`${name}${tag}`.includes('{{')) {
      unclear.push({ path, text: `${name}${tag && `:${tag}`}` });
      return true;
    }
    const parsed = parseImage(name);
    if (!parsed) return false;
    const given = isDigest(tag) ? { ...parsed, digest: tag } : { ...parsed, tag: tag || parsed.tag };
    const isOpen = given.tag === undefined && given.digest === undefined;
    const guess = !isOpen ? undefined : appVersion ? 'appVersion' : 'latest';
    const image = formatImage(guess === 'appVersion' ? { ...given, tag: appVersion as string } : given);
    if (!parseImage(image)) return false;
    found.push({ image, path, guess });
    return true;
  };

  const visit = (value: YamlValue, path: readonly string[], depth: number): void => {
    if (depth > 64) return;
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        const inner = [...path, String(index)];
        if (typeof item === 'string' && isImageList(path)) addText(item, inner, '');
        else visit(item, inner, depth + 1);
      }
      return;
    }
    if (!(value instanceof Map)) return;
    if (addMap(value, path)) {
      // What lies beside the parts of an image may hold more.
      for (const [key, item] of value) if (typeof item === 'object' && item) visit(item, [...path, key], depth + 1);
      return;
    }
    for (const [key, item] of value) {
      if (path.length === 0 && chart.childKeys.has(key)) continue;
      const inner = [...path, key];
      if (typeof item !== 'string') visit(item, inner, depth + 1);
      else if (/image(?:repository|repo)?$/i.test(key)) addText(item, inner, tagBeside(value, key));
      else if (isImageList(path)) addText(item, inner, '');
    }
  };

  const addText = (item: string, path: readonly string[], tag: string): void => {
    if (item.trim() === '') return;
    const hasOwn = /[:@]/.test(item.slice(item.lastIndexOf('/') + 1));
    // A word without a tag or a path (`image: default`) names an image only where nothing else could be meant.
    if (!hasOwn && tag === '' && !item.includes('/') && !/^image$/i.test(path.at(-1) ?? '')) return;
    add(path, { repository: item.trim(), tag: hasOwn ? '' : tag, digest: '' });
  };

  const addMap = (map: ValueMap, path: readonly string[]): boolean => {
    const isImageKey = /image$/i.test(path.at(-1) ?? '') || isImageList(path.slice(0, -1));
    const repository =
      text(map.get('repository')) ||
      (isImageKey ? text(map.get('name')) : '') ||
      (map.has('registry') || isImageKey ? text(map.get('image')) : '');
    if (repository === '') return false;
    const hasParts = ['tag', 'digest', 'registry', 'pullPolicy', 'imagePullPolicy'].some((key) => map.has(key));
    if (!isImageKey && !hasParts) return false;
    // A Git or chart repository has the same key.
    if (repository.includes('://')) return false;
    const registry = globalRegistry || text(map.get('registry')) || text(map.get('hub'));
    const tag = text(map.get('tag')) || text(map.get('version'));
    const digest = text(map.get('digest')) || text(map.get('sha'));
    if (add(path, { registry, repository, tag, digest: /^[0-9a-f]{64}$/.test(digest) ? `sha256:${digest}` : digest })) {
      return true;
    }
    if (isImageKey && hasParts) unclear.push({ path, text: `${repository}${tag && `:${tag}`}` });
    return false;
  };

  visit(chart.values, [], 0);
  return { found, unclear };
}

/** `image: x` with `imageTag: 1` or `tag: 1`; `sidecarImage: x` with `sidecarImageTag: 1`; `imageRepository: x` with `imageTag: 1`. */
function tagBeside(map: ValueMap, key: string): string {
  return (
    text(map.get(`${key.replace(/repo(?:sitory)?$/i, '')}Tag`)) ||
    (key.toLowerCase() === 'image' ? text(map.get('tag')) : '')
  );
}

function isImageList(path: readonly string[]): boolean {
  return /images$/i.test(path.at(-1) ?? '');
}

/** Numbers as Helm prints them in templates. */
function text(value: YamlValue | undefined): string {
  return typeof value === 'string'
    ? value.trim()
    : typeof value === 'number' || typeof value === 'bigint'
      ? String(value)
      : '';
}
