/**
 * Tags. A version's `+` is kept on disk and is `_` on the wire, as in Helm since 3.8; this file is where the two meet.
 *
 *     GET /v2/NAME/tags/list      {"name":"team/app","tags":["1.0.0","1.0.1_build"]}
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
import { isChartError } from '../errors.js';
import { isTag, wireTag } from '../oci/reference.js';
import type { Repository } from '../oci/target.js';
import { Refusal } from './errors.js';
import { answerJson, type Endpoints, type Exchange, queryOf } from './exchange.js';
import { isKnown, readNamed } from './names.js';
import { pageOf } from './paging.js';
import type { Route } from './routes.js';

export const tagsEndpoints: Endpoints = { GET: listTags, HEAD: listTags };

/** A version with build metadata. */
const BUILD_VERSION = /^v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?\+[0-9A-Za-z.-]+$/;

async function listTags(exchange: Exchange, { name }: Route): Promise<void> {
  const { names } = exchange;
  const tags = await readNamed(names, name, async (repository) => {
    const found = new Set<string>();
    for await (const tag of repository.listTags()) if (isTag(tag)) found.add(wireTag(tag));
    return found.size > 0 ? found : undefined;
  });
  if (tags === undefined && !(await isKnown(names, name))) {
    throw new Refusal(404, 'NAME_UNKNOWN', 'the repository is not known here', { detail: { name } });
  }
  const { items, headers } = pageOf(tags ?? [], `/v2/${name}/tags/list`, queryOf(exchange));
  answerJson(exchange, { name, tags: items }, headers);
}

/** True for a tag as a request may name it. */
export function isWireTag(text: string): boolean {
  return isTag(text) && !text.includes('+');
}

/**
 * Runs a read with the tag as it is on disk.
 *
 * @returns undefined where the repository has no such tag, in either form
 */
export async function readTagged<T>(
  repository: Repository,
  tag: string,
  read: (tag: string) => Promise<T>,
): Promise<T | undefined> {
  const found = await orMissing(read(tag));
  if (found !== undefined || !tag.includes('_')) return found;
  const other = await findBuildTag(repository, tag);
  return other === undefined ? undefined : orMissing(read(other));
}

/**
 * The tag to write: the one that the repository has by that wire form, so that it is replaced, else for a chart the
 * version that Helm made the tag from, else the tag as it came.
 */
export async function tagToWrite(repository: Repository, tag: string, isChart: boolean): Promise<string> {
  if (!tag.includes('_')) return tag;
  const existing = await readTagged(repository, tag, async (known) => {
    await repository.resolve(known);
    return known;
  });
  const version = tag.replaceAll('_', '+');
  return existing ?? (isChart && BUILD_VERSION.test(version) ? version : tag);
}

/** Resolves to undefined where a manifest is not found. */
export async function orMissing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isChartError(error, 'MANIFEST_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** With one `_` there is one other form; with more, one that the repository has. */
async function findBuildTag(repository: Repository, tag: string): Promise<string | undefined> {
  if (tag.indexOf('_') === tag.lastIndexOf('_')) return tag.replace('_', '+');
  for await (const other of repository.listTags()) {
    if (other !== tag && wireTag(other) === tag) return other;
  }
  return undefined;
}
