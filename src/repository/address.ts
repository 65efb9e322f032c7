/**
 * Where a classic repository is, and what its index refers to.
 *
 *     https://charts.example.com/stable        https://charts.example.com/stable/index.yaml
 *     https://HOST/PATH?token=...              the query goes along with everything that lies below
 *     ./charts  file:///srv/charts             a directory with an index.yaml, or that file
 */
import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ChartError } from '../errors.js';
import { withoutPassword } from '../oci/reference.js';

export interface RepositoryAddress {
  /** Ends in `/`; without user and password. */
  readonly base: URL;
  /** What the address itself held. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** Without secrets: fit to be shown. */
  readonly shown: string;
}

/** True for what can only be the address of a classic repository over the network. */
export function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** @throws ChartError `USAGE` */
export function parseWebAddress(text: string): RepositoryAddress {
  if (!isWebAddress(text) || !URL.canParse(text)) {
    throw new ChartError('USAGE', `${JSON.stringify(withoutPassword(text))} is not a URL`);
  }
  const base = new URL(text);
  const username = decodeURIComponent(base.username);
  const password = decodeURIComponent(base.password);
  base.username = '';
  base.password = '';
  base.hash = '';
  base.pathname = base.pathname.replace(/(?:\/index\.yaml)?\/*$/, '/');
  const shown = `${base.origin}${base.pathname.replace(/\/$/, '')}`;
  return { base, credentials: username === '' ? undefined : { username, password }, shown };
}

/** @param text a path or a `file:` URL. @throws ChartError `REPOSITORY_NOT_FOUND`, `USAGE` */
export function parseFileAddress(text: string): RepositoryAddress {
  const path = /^file:/i.test(text) ? pathOf(text) : resolve(text);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new ChartError('REPOSITORY_NOT_FOUND', `${path}: no such file or directory`);
  const directory = stats.isDirectory() ? path : basename(path) === 'index.yaml' ? resolve(path, '..') : undefined;
  if (directory === undefined) {
    throw new ChartError('USAGE', `${path} is no chart repository`, {
      hint: 'A repository on disk is a directory with an index.yaml; "helm repo index" makes one.',
    });
  }
  return { base: pathToFileURL(`${directory}/`), credentials: undefined, shown: directory };
}

function pathOf(text: string): string {
  if (!URL.canParse(text)) throw new ChartError('USAGE', `${JSON.stringify(text)} is not a URL`);
  const url = new URL(text);
  if (url.host !== '' && url.host !== 'localhost') {
    throw new ChartError('USAGE', `${text} names another machine`, { hint: 'Write file:///PATH, with three slashes.' });
  }
  return resolve(decodeURIComponent(url.pathname).replace(/^\/(?=[A-Za-z]:)/, ''));
}

export function indexUrl({ base }: Pick<RepositoryAddress, 'base'>): URL {
  return below(base, 'index.yaml');
}

/**
 * What an entry of the index refers to. What is relative lies below the repository and keeps its query.
 *
 * @throws ChartError `REPOSITORY_INVALID` for what is no URL, and for a file of this machine named by another one
 */
export function resolveUrl(base: URL, reference: string): URL {
  const absolute = /^[a-z][a-z0-9+.-]*:/i.test(reference);
  const url = absolute ? parse(reference) : below(base, reference);
  const known =
    ['http:', 'https:', 'oci:'].includes(url.protocol) || (base.protocol === 'file:' && url.protocol === 'file:');
  if (!known) throw unusable(reference, `${url.protocol} is not fetched`);
  url.username = '';
  url.password = '';
  return url;
}

function below(base: URL, reference: string): URL {
  if (!URL.canParse(reference, base.href)) throw unusable(reference, 'it is no URL');
  const url = new URL(reference, base);
  if (url.origin !== base.origin && base.protocol !== 'file:') return url;
  if (url.search === '') url.search = base.search;
  return url;
}

function parse(reference: string): URL {
  if (!URL.canParse(reference)) throw unusable(reference, 'it is no URL');
  return new URL(reference);
}

function unusable(reference: string, reason: string): ChartError {
  return new ChartError(
    'REPOSITORY_INVALID',
    `the index refers to ${JSON.stringify(reference.slice(0, 200))}: ${reason}`,
  );
}
