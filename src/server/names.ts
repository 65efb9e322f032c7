/**
 * Which repository a name stands for.
 *
 *     the cache holds                     registry.example.com/team/app
 *     the long name                       registry.example.com/team/app    finds exactly that
 *     the short name                      team/app                         finds it too, while no other host has a team/app
 *     a push to team/app                  makes team/app, which from then on is what team/app finds
 */
import { isHost, isRepositoryPath } from '../oci/reference.js';
import type { CallOptions, Repository, Target } from '../oci/target.js';
import { Refusal } from './errors.js';

/** What decides which names are served. */
export interface NameOptions {
  /** Only repositories with this name or below it are served; all if absent. */
  readonly prefix?: string | undefined;
  /** The host that a short name means where several hosts have it. */
  readonly prefer?: string | undefined;
}

export interface Names extends NameOptions {
  readonly target: Target;
}

/** True for a name of the specification's grammar, also below a `HOST:PORT`, which a cached name may begin with. */
export function isName(text: string): boolean {
  if (isRepositoryPath(text)) return true;
  const slash = text.indexOf('/');
  const host = text.slice(0, Math.max(slash, 0));
  return host.includes(':') && isHost(host) && isRepositoryPath(text.slice(slash + 1)) && text.length <= 255;
}

/** True if `--prefix` lets this repository be seen. */
export function isServed({ prefix }: NameOptions, name: string): boolean {
  return prefix === undefined || name === prefix || (name.startsWith(prefix) && name[prefix.length] === '/');
}

/**
 * Runs a read in the repository that `name` stands for, and costs nothing beyond it where the exact name has the answer.
 *
 * @param read resolves to undefined where the repository does not have what is asked for
 * @throws Refusal `NAME_UNKNOWN`, with the long names, where a short name could mean several
 */
export async function readNamed<T>(
  names: Names,
  name: string,
  read: (repository: Repository) => Promise<T | undefined>,
): Promise<T | undefined> {
  if (isServed(names, name)) {
    const found = await read(names.target.repository(name));
    if (found !== undefined) return found;
  }
  const [long, ...more] = await findLongNames(names, name);
  if (long === undefined) return undefined;
  if (more.length === 0) return read(names.target.repository(long));
  const all = [long, ...more].sort();
  throw new Refusal(404, 'NAME_UNKNOWN', `several hosts have ${name}; ask for one of ${all.join(', ')}`, {
    detail: { names: all },
  });
}

/** The repository that reads of a short name find beside the exact one, if there is one. */
export async function findOtherRepository(names: Names, name: string): Promise<Repository | undefined> {
  const [long, ...more] = await findLongNames(names, name);
  return long === undefined || more.length > 0 ? undefined : names.target.repository(long);
}

/** The repository to write to: always the name as given. @throws Refusal `DENIED` */
export function repositoryToWrite(names: Names, name: string): Repository {
  if (!isServed(names, name)) throw new Refusal(403, 'DENIED', 'this registry does not take that repository');
  return names.target.repository(name);
}

/** True if the repository has a tag, or the target lists it. */
export async function isKnown(names: Names, name: string, options?: CallOptions): Promise<boolean> {
  if (!isServed(names, name)) return false;
  for await (const _tag of names.target.repository(name).listTags(options)) return true;
  return (await findRepositories(names.target, name, options)).includes(name);
}

/** Each `HOST/NAME` that the name could mean; none where the exact name is there, one where it is preferred. */
async function findLongNames(names: Names, name: string): Promise<readonly string[]> {
  if (hostOf(name) !== undefined) return [];
  if (isServed(names, name)) {
    for await (const _tag of names.target.repository(name).listTags()) return [];
  }
  const found = await findRepositories(names.target, name);
  if (found.includes(name) && isServed(names, name)) return [];
  const long = found.filter((other) => isServed(names, other) && isLongFor(other, name));
  const preferred = long.find((other) => hostOf(other) === names.prefer);
  return preferred === undefined ? long : [preferred];
}

async function findRepositories(target: Target, name: string, options?: CallOptions): Promise<readonly string[]> {
  if (target.findRepositories) return target.findRepositories(name, options);
  const found: string[] = [];
  for await (const other of target.listRepositories(options)) {
    if (other.endsWith(name) && (other === name || isLongFor(other, name))) found.push(other);
  }
  return found;
}

/** The short name of each repository that is found by one, as {@link readNamed} finds them. */
export function findShortNames(repositories: ReadonlySet<string>, options: NameOptions): Map<string, string> {
  const byShort = new Map<string, string[]>();
  for (const name of repositories) {
    const host = hostOf(name);
    if (host === undefined || !isServed(options, name)) continue;
    const short = name.slice(host.length + 1);
    byShort.set(short, [...(byShort.get(short) ?? []), name]);
  }
  const found = new Map<string, string>();
  for (const [short, long] of byShort) {
    if (repositories.has(short) && isServed(options, short)) continue;
    const meant = long.length === 1 ? long[0] : long.find((name) => isPreferred(options, name));
    if (meant !== undefined) found.set(meant, short);
  }
  return found;
}

/** True on the host that `--prefer` names. */
export function isPreferred({ prefer }: NameOptions, name: string): boolean {
  return prefer !== undefined && hostOf(name) === prefer;
}

function isLongFor(long: string, name: string): boolean {
  const host = hostOf(long);
  return host !== undefined && long.length === host.length + 1 + name.length && long.endsWith(name);
}

/**
 * The first segment, where it can only be a host. `team/app` is a path here, whoever reads `team` as a host elsewhere:
 * a push to it must not make `app` appear.
 */
function hostOf(name: string): string | undefined {
  const slash = name.indexOf('/');
  if (slash < 0) return undefined;
  const head = name.slice(0, slash);
  return (head.includes('.') || head.includes(':') || head === 'localhost') && isHost(head) ? head : undefined;
}
