/** What a repository of a registry holds, by version. */
import { nearestVersions } from '../chart/nearest-versions.js';
import { parseVersionRange, type VersionRange } from '../chart/version-range.js';
import { highestMatch, sortTags, type VersionTag } from '../chart/version-tags.js';
import { ChartError, isChartError } from '../errors.js';
import { isDigest } from '../oci/digest.js';
import { formatReference, type Reference, repositoryName, splitName } from '../oci/reference.js';
import { isAttachmentTag } from '../oci/referrers.js';
import type { CallOptions, Source, Target } from '../oci/target.js';
import { nearNames } from './near-names.js';
import { explainHost, remoteReference } from './remote-reference.js';

export interface TagsDependencies {
  readonly connect: (host: string) => Promise<Target> | Target;
  readonly signal?: AbortSignal | undefined;
}

export interface TagsInput {
  /** `[oci://]HOST[:PORT]/PATH`. */
  readonly repository: string;
  /** Only versions that fit; then no other tags. */
  readonly range?: VersionRange | undefined;
  /** Prereleases too. */
  readonly prerelease?: boolean | undefined;
  /** Prereleases too, and the tags by which signatures and the like are attached to charts. */
  readonly all?: boolean | undefined;
}

export interface ListedTag {
  /** The full reference. */
  readonly ref: string;
  /** A version's build metadata follows a `+`, whatever the registry has in its stead. */
  readonly tag: string;
  /** Undefined for a tag that is no version, or that moves from version to version, such as `1.2` beside `1.2.0`. */
  readonly version: string | undefined;
}

export interface TagListing {
  /** Versions, newest first; then all other tags by name. */
  readonly tags: readonly ListedTag[];
  /** How many were left out for being what they are. */
  readonly left: { readonly prereleases: number; readonly attachments: number };
}

/**
 * @throws ChartError `REFERENCE_INVALID`, `REFERENCE_HOST_REQUIRED`, `USAGE` for what is more than a repository; `MANIFEST_NOT_FOUND`;
 *   what the network does
 *
 * @example
 * ```ts
 * import { listChartTags, openRegistry, parseVersionRange } from 'helm-chart-cache';
 *
 * const registry = openRegistry('127.0.0.1:5000');
 * const { tags } = await listChartTags(
 *   { connect: () => registry },
 *   { repository: '127.0.0.1:5000/team/app', range: parseVersionRange('^1') },
 * );
 * console.log(tags.map(({ tag }) => tag).join()); // 1.1.0,1.0.0
 * await registry.close();
 * ```
 */
export async function listChartTags(
  { connect, signal }: TagsDependencies,
  { repository, range, prerelease = false, all = false }: TagsInput,
): Promise<TagListing> {
  const reference = repositoryReference(repository);
  const source = (await connect(reference.host)).repository(reference.path);
  const names = await collectTags(source, { signal }).catch(explainHost(repository));
  const attachments = names.filter(isAttachmentTag);
  const { versions, others } = sortTags(all ? names : names.filter((tag) => !isAttachmentTag(tag)));
  const fitting = range === undefined ? versions : versions.filter(({ version }) => range.matches(version));
  const hidden = range !== undefined || prerelease || all ? [] : fitting.filter(isPrerelease);
  const shown = hidden.length === 0 ? fitting : fitting.filter((version) => !isPrerelease(version));
  const name = repositoryName(reference);
  const listed = (tag: string, version?: string): ListedTag => ({ ref: `${name}:${tag}`, tag, version });
  return {
    tags: [
      ...shown.map(({ version }) => listed(version.text, version.text)),
      ...(range === undefined ? others.map((tag) => listed(tag)) : []),
    ],
    left: { prereleases: hidden.length, attachments: all || range !== undefined ? 0 : attachments.length },
  };
}

/**
 * The reference of the highest version of a repository that fits.
 *
 * @throws ChartError `MANIFEST_NOT_FOUND` where none fits, with those that come closest
 */
export async function chooseVersion(
  source: Source,
  reference: Reference,
  range: VersionRange,
  options: CallOptions,
): Promise<Reference & { readonly tag: string }> {
  const { versions } = sortTags(await collectTags(source, options));
  const chosen = highestMatch(versions, range);
  if (chosen === undefined) throw noneFits(repositoryName(reference), versions, range);
  return { ...reference, tag: chosen.version.text };
}

/**
 * What to say where a tag is not there: the versions that come closest, and the range that it stands for elsewhere.
 *
 * @returns undefined where the repository cannot be listed, or has no versions
 */
export async function nearTagsHint(source: Source, name: string, options: CallOptions): Promise<string | undefined> {
  const { repository, tag } = splitName(name);
  if (isDigest(tag)) return undefined;
  try {
    const tags = await collectTags(source, options);
    const { versions, others } = sortTags(tags.filter((other) => !isAttachmentTag(other)));
    const near = nearNames(tag, [...versions.map(({ version }) => version.text), ...others]);
    const text = /^v?\d+(?:\.\d+)?$/.test(tag) ? `^${tag}` : tag === 'latest' ? '*' : undefined;
    const range = text === undefined ? undefined : parseVersionRange(text);
    const fits = range && highestMatch(versions, range)?.version.text;
    if (fits !== undefined) return `It has ${fits}: write :${fits}, or --version '${text}' instead of a tag.`;
    const shown = near.length > 0 ? near : versions.slice(0, 1).map(({ version }) => version.text);
    if (shown.length === 0) return undefined;
    const words = near.length > 0 ? 'Did you mean' : 'The newest version is';
    return `${words} ${shown.join(' or ')}${near.length > 0 ? '?' : '.'} chart tags ${repository} lists what is there.`;
  } catch (error) {
    if (isChartError(error, 'CANCELLED')) throw error;
    return undefined;
  }
}

/** @throws ChartError `USAGE` where a tag or a digest is named, too */
export function repositoryReference(text: string): Reference & { readonly host: string } {
  const reference = withoutTag(text);
  if (reference.tag === undefined && reference.digest === undefined) return reference;
  const name = repositoryName(reference);
  throw new ChartError('USAGE', `${formatReference(reference)} names one chart, where a repository is wanted`, {
    hint: `Write ${name} without ${reference.tag === undefined ? `@${reference.digest}` : `:${reference.tag}`}.`,
  });
}

/** As {@link remoteReference}, whose hints are of references with a tag. */
function withoutTag(text: string): Reference & { readonly host: string } {
  try {
    return remoteReference(text);
  } catch (error) {
    if (!isChartError(error, 'REFERENCE_INVALID') || !error.hint?.includes(':TAG.')) throw error;
    throw new ChartError(error.code, error.message, { hint: error.hint.replace(':TAG.', '.'), cause: error });
  }
}

async function collectTags(source: Source, options: CallOptions): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of source.listTags(options)) tags.push(tag);
  return tags;
}

function isPrerelease({ version }: VersionTag): boolean {
  return version.prerelease !== '';
}

function noneFits(repository: string, versions: readonly VersionTag[], range: VersionRange): ChartError {
  const words = `${repository} has no version that fits ${JSON.stringify(range.text)}`;
  if (versions.length === 0) {
    return new ChartError('MANIFEST_NOT_FOUND', `${words}: it has no versions at all`, {
      hint: `chart tags ${repository} --all shows its tags.`,
    });
  }
  const near = nearestVersions(versions, range).map(({ version }) => version.text);
  const nearest = near.length === 1 ? `The nearest is ${near[0]}` : `The nearest are ${near.join(', ')}`;
  const prerelease = highestMatch(versions, parseVersionRange(range.text, { prerelease: true }));
  const more = prerelease === undefined ? '' : `; with --prerelease, ${prerelease.version.text} fits`;
  return new ChartError('MANIFEST_NOT_FOUND', words, {
    hint: `${nearest}${more}. chart tags ${repository} shows all.`,
  });
}
