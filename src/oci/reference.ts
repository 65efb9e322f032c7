/**
 * References: `[oci://]HOST[:PORT]/PATH[:TAG][@DIGEST]`, by the grammar of the distribution project, with two additions:
 * the host may be left out (such a reference lives in the cache alone), and a tag may hold `+`, which is `_` on the wire.
 * https://pkg.go.dev/github.com/distribution/reference
 */
import { ChartError } from '../errors.js';
import { type Digest, isDigest } from './digest.js';

/** A parsed reference; what was left out is undefined. */
export interface Reference {
  /** `HOST[:PORT]`, or undefined for a name that no registry can be derived from. */
  readonly host: string | undefined;
  /** The repository within the host. */
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

const DOMAIN_LABEL = '(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])';
const HOST = new RegExp(`^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]+)?$`);
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}$/;
const NAME_LIMIT = 255;

export function isRepositoryPath(text: string): boolean {
  return text.length <= NAME_LIMIT && PATH.test(text);
}

/** True for a tag as it is written on screen and on disk; {@link wireTag} gives the form for a registry. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** A URL as it may be shown, whatever it is of. */
export function withoutPassword(text: string): string {
  return text.replace(/(?<=:\/\/[^/@]*:)[^/@]*@/g, '***@');
}

/** True for `HOST[:PORT]` of the distribution grammar, IPv6 in brackets included. */
export function isHost(text: string): boolean {
  return HOST.test(text) && (portOf(text) ?? 0) <= 65535;
}

/**
 * Parses a reference. Nothing is filled in: a missing tag stays missing.
 *
 * @throws ChartError `REFERENCE_INVALID`, with the part that is wrong and, where Helm 3.6.3 refused it too, Helm's words
 *
 * @example
 * ```ts
 * import { parseReference } from 'helm-chart-cache';
 *
 * const { host, path, tag } = parseReference('oci://registry.example.com/team/app:1.0.0');
 * console.log(host, path, tag); // registry.example.com team/app 1.0.0
 * ```
 */
export function parseReference(text: string): Reference {
  const bare = text.startsWith('oci://') ? text.slice('oci://'.length) : text;
  if (bare === '') throw new ChartError('REFERENCE_INVALID', 'parsed repo was empty', { hint: HINT });
  if (bare.includes('://')) {
    throw invalid(withoutPassword(text), 'only the scheme oci:// is known', schemeHint(withoutPassword(bare)));
  }
  if (/^[^/@]*:[^/@]*@[^/]*\//.test(bare)) {
    const shown = text.replace(/:[^/:@]*@/, ':***@');
    throw invalid(shown, 'a reference holds no user name and password', LOGIN_HINT);
  }
  const at = bare.indexOf('@');
  const name = at < 0 ? bare : bare.slice(0, at);
  const digest = at < 0 ? undefined : bare.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(text, 'what follows @ is not a digest (sha256: and 64 hex digits)');
  }
  const slash = name.lastIndexOf('/');
  const colon = name.indexOf(':', slash + 1);
  const repository = colon < 0 ? name : name.slice(0, colon);
  const tag = colon < 0 ? undefined : name.slice(colon + 1);
  if (tag?.includes(':') || /:.*:/.test(repository.replace(/^\[[^\]]*\]/, ''))) {
    throw new ChartError(
      'REFERENCE_INVALID',
      'ref may only contain a single colon character (:) unless specifying a port number',
      { hint: HINT },
    );
  }
  if (repository === '') throw new ChartError('REFERENCE_INVALID', 'parsed repo was empty', { hint: HINT });
  const { host, path } = splitRepository(text, repository);
  if (tag !== undefined && !isTag(tag)) {
    throw invalid(text, `${quote(tag)} is not a tag (letters, digits, "_", "." , "-" and "+", at most 128)`);
  }
  return { host, path, tag, digest: digest as Digest | undefined };
}

/** Most have a registry in mind, some a chart repository, whose addresses end without a tag. */
function schemeHint(url: string): string {
  const shown = quote(url).slice(1, -1);
  const [scheme = '', ...rest] = shown.split('://');
  const name = rest.join('://');
  const isFile = /\.(?:tgz|ya?ml)$/i.test(name);
  if (!/^https?$/.test(scheme) || (!isFile && /[:@][^/]*$/.test(name))) return `Write it without the scheme: ${name}`;
  const repository = isFile ? shown.slice(0, shown.lastIndexOf('/')) : shown;
  const mirror = `chart mirror ${repository} cache brings the charts of a chart repository.`;
  return isFile ? mirror : `Write it without the scheme: ${name}:TAG. ${mirror}`;
}

function splitRepository(text: string, repository: string): { host: string | undefined; path: string } {
  const first = repository.indexOf('/');
  const head = first < 0 ? undefined : repository.slice(0, first);
  const host = head !== undefined && HOST.test(head) ? head : undefined;
  const path = host === undefined ? repository : repository.slice(first + 1);
  if (host !== undefined && !isHost(host)) throw invalid(text, `${quote(host)} has a port above 65535`);
  if (host === undefined && head?.includes(':')) throw invalid(text, `${quote(head)} is not HOST[:PORT]`);
  if (!isRepositoryPath(path) || repository.length > NAME_LIMIT) {
    const reason = /[A-Z]/.test(path)
      ? 'a repository is written in lower case'
      : repository.length > NAME_LIMIT
        ? `a repository has at most ${NAME_LIMIT} characters`
        : `${quote(path)} is not a repository (lower-case letters and digits, with "." "_" "-" between them)`;
    throw invalid(text, reason);
  }
  return { host, path };
}

function portOf(host: string): number | undefined {
  const match = /:(\d+)$/.exec(host.startsWith('[') ? host.slice(host.indexOf(']')) : host);
  return match ? Number(match[1]) : undefined;
}

/** `HOST/PATH`, or `PATH` where there is no host: how the cache names a repository. */
export function repositoryName({ host, path }: Pick<Reference, 'host' | 'path'>): string {
  return host === undefined ? path : `${host}/${path}`;
}

/**
 * The reference as it is shown and as index.json names it.
 *
 * @example
 * ```ts
 * import { formatReference, parseReference } from 'helm-chart-cache';
 *
 * console.log(formatReference({ ...parseReference('localhost:5000/app'), tag: '2.0.0' })); // localhost:5000/app:2.0.0
 * ```
 */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${repositoryName(reference)}${tag}${digest}`;
}

/** `HOST/PATH` and tag of a name in the index, also of one that is no valid reference. */
export function splitName(name: string): { repository: string; tag: string } {
  const at = name.indexOf('@');
  const colon = name.lastIndexOf(':');
  const cut = at >= 0 ? at : colon > name.lastIndexOf('/') ? colon : name.indexOf(':');
  if (cut < 0) return { repository: name, tag: '' };
  return { repository: name.slice(0, cut), tag: name.slice(cut + 1) };
}

/** A tag as registries accept it: a version's `+` is `_`, as in Helm 3.8. */
export function wireTag(tag: string): string {
  return tag.replaceAll('+', '_');
}

const HINT = 'A reference is [oci://]HOST[:PORT]/PATH[:TAG][@DIGEST], such as registry.example.com/team/app:1.0.0.';
const LOGIN_HINT = 'chart registry login HOST keeps them; -u and --password-stdin are for one command.';

function quote(text: string): string {
  return JSON.stringify(text.length > 160 ? `${text.slice(0, 160)}...` : text);
}

function invalid(text: string, reason: string, hint = HINT): ChartError {
  const isPath = /^(?:\.{1,2}$|\.{0,2}[\\/]|~|[A-Za-z]:\\)/.test(text);
  return new ChartError('REFERENCE_INVALID', `invalid reference ${quote(text)}: ${reason}`, {
    hint: isPath ? `That is a path. ${HINT} chart save PATH REF puts a chart under one; chart list shows all.` : hint,
  });
}
