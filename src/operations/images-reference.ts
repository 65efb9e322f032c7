/**
 * Container image references, as Docker reads them: `nginx` is `docker.io/library/nginx:latest`.
 * https://pkg.go.dev/github.com/distribution/reference#ParseNormalizedNamed
 */
import { isDigest } from '../oci/digest.js';
import { isHost, isRepositoryPath, isTag } from '../oci/reference.js';

export interface ImageReference {
  /** `HOST[:PORT]`; Docker Hub is `docker.io`. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const HUB = 'docker.io';

/** @returns undefined for what is no reference */
export function parseImage(text: string): ImageReference | undefined {
  if (text.length > 512 || /\s|:\/\//.test(text)) return undefined;
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) return undefined;
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && (!isTag(tag) || tag.includes('+'))) return undefined;
  const name = hasTag ? named.slice(0, colon) : named;
  const slash = name.indexOf('/');
  const head = slash < 0 ? '' : name.slice(0, slash);
  const isRegistry = /[.:]/.test(head) || head === 'localhost';
  const path = isRegistry ? name.slice(slash + 1) : name;
  if (!isRepositoryPath(path) || (isRegistry && !isHost(head))) return undefined;
  const registry = isRegistry ? hubOf(head.toLowerCase()) : HUB;
  const repository = registry === HUB && !path.includes('/') ? `library/${path}` : path;
  return { registry, repository, tag, digest };
}

function hubOf(host: string): string {
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? HUB : host;
}

/** `REGISTRY/REPOSITORY:TAG`, `...@DIGEST`, or both; `:latest` where there is neither. */
export function formatImage({ registry, repository, tag, digest }: ImageReference): string {
  const shown = tag ?? (digest === undefined ? 'latest' : undefined);
  return `${registry}/${repository}${shown === undefined ? '' : `:${shown}`}${digest === undefined ? '' : `@${digest}`}`;
}
