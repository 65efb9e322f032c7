/** Lines to copy into a shell. */
import type { IncomingMessage } from 'node:http';
import { parseVersion } from '../chart/version.js';
import { isDigest } from '../oci/digest.js';
import { isHost, wireTag } from '../oci/reference.js';
import { type CatalogChart, servedName } from './catalog.js';

/** Where a client reaches this. */
export interface Address {
  /** `HOST[:PORT]`, of the grammar of references. */
  readonly host: string;
  readonly isPlain: boolean;
  /** `http://HOST[:PORT]/PATH`, without a slash at its end. */
  readonly url: string;
}

/** What was configured; else the name by which the client called, where it is one. */
export function addressOf(request: IncomingMessage, publicUrl: string | undefined): Address {
  if (publicUrl !== undefined) {
    const { host, protocol, pathname } = new URL(publicUrl);
    return { host, isPlain: protocol === 'http:', url: `${protocol}//${host}${pathname.replace(/\/+$/, '')}` };
  }
  const { socket, headers } = request;
  const isPlain = !('encrypted' in socket && socket.encrypted);
  const { localAddress = '127.0.0.1', localPort = 0 } = socket;
  const own = `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
  const host = headers.host !== undefined && isHost(headers.host) ? headers.host : own;
  return { host, isPlain, url: `${isPlain ? 'http' : 'https'}://${host}` };
}

export function installLine(chart: CatalogChart, address: Address): string | undefined {
  const { name, type } = chart.content.metadata;
  return type === 'library' ? undefined : shell('helm', 'install', releaseName(name), ...ociArguments(chart, address));
}

export function pullLine(chart: CatalogChart, address: Address): string {
  return shell('helm', 'pull', ...ociArguments(chart, address));
}

/** For clients that know chart repositories only. */
export function classicPullLine(chart: CatalogChart, { url }: Address): string {
  const { name, version } = chart.content.metadata;
  return shell('helm', 'pull', name, '--repo', `${url}/${servedName(chart)}`, '--version', version);
}

export function addRepositoryLine({ url }: Address, scope: string): string {
  const name = scope.slice(scope.lastIndexOf('/') + 1) || 'charts';
  return shell('helm', 'repo', 'add', name, scope === '' ? `${url}/` : `${url}/${scope}`);
}

/** Helm finds charts by version, or by digest; a tag that is no version it does not look for. */
function ociArguments(chart: CatalogChart, { host, isPlain }: Address): string[] {
  const { reference, content } = chart;
  const { version } = content.metadata;
  const base = `oci://${host}/${servedName(chart)}`;
  const isByVersion = !isDigest(reference) && parseVersion(version) && wireTag(reference) === wireTag(version);
  const plain = isPlain ? ['--plain-http'] : [];
  return isByVersion ? [base, '--version', version, ...plain] : [`${base}@${content.digest}`, ...plain];
}

/** Helm takes lower-case DNS names of at most 53 characters. */
function releaseName(name: string): string {
  return name.length <= 53 && /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(name) ? name : 'my-release';
}

function shell(...words: string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
