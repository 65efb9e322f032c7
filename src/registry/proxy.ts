/**
 * Which proxy a request goes through, by the rules of Go's `httpproxy`, which are Helm's and Docker's:
 *
 *     HTTPS_PROXY, HTTP_PROXY         [http://|https://][USER:PASSWORD@]HOST[:PORT], each for URLs of its own scheme
 *     NO_PROXY                        `*`, or a list with commas of
 *         example.com[:PORT]              that host, and all below it
 *         .example.com, *.example.com     all below it
 *         192.0.2.7[:PORT], 192.0.2.0/24, 2001:db8::/32, [2001:db8::1]:PORT
 *
 * `localhost` and loopback addresses are never asked through a proxy.
 */
import { BlockList, isIP } from 'node:net';
import { ChartError } from '../errors.js';

/** The values of the variables of these names; empty ones count as absent. */
export interface ProxySettings {
  readonly httpProxy?: string | undefined;
  readonly httpsProxy?: string | undefined;
  readonly noProxy?: string | undefined;
}

export interface ProxyServer {
  /** `http://HOST:PORT` or `https://HOST:PORT`: without user and password. */
  readonly origin: string;
  /** `HOST:PORT`, fit to be shown. */
  readonly host: string;
  /** The value of `Proxy-Authorization`. */
  readonly authorization: string | undefined;
}

/** The proxy for a URL, or undefined for none. @throws ChartError `USAGE` for an address that is none */
export type ProxyLookup = (url: URL) => ProxyServer | undefined;

interface Host {
  /** In lower case, without brackets. */
  readonly name: string;
  readonly port: string;
  readonly family: 'ipv4' | 'ipv6' | undefined;
}

type Exception = (host: Host) => boolean;

export function proxyLookup(settings: ProxySettings = {}): ProxyLookup {
  const { httpProxy, httpsProxy, noProxy = '' } = settings;
  if (!httpProxy && !httpsProxy) return () => undefined;
  const exceptions = noProxy.split(',').flatMap((entry) => exceptionFor(entry.trim().toLowerCase()) ?? []);
  return (url) => {
    const secure = url.protocol === 'https:';
    const address = secure ? httpsProxy : httpProxy;
    if (!address) return undefined;
    const host = hostOf(url);
    if (isLoopback(host) || exceptions.some((matches) => matches(host))) return undefined;
    return parseProxy(address, secure ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  };
}

function hostOf({ hostname, port, protocol }: URL): Host {
  const name = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return { name, port: port || (protocol === 'https:' ? '443' : '80'), family: familyOf(name) };
}

function familyOf(name: string): Host['family'] {
  const family = isIP(name);
  return family === 0 ? undefined : family === 4 ? 'ipv4' : 'ipv6';
}

function isLoopback({ name, family }: Host): boolean {
  if (family === undefined) return name === 'localhost';
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  return list.check(name, family);
}

function exceptionFor(entry: string): Exception | undefined {
  if (entry === '*') return () => true;
  const subnet = subnetOf(entry);
  if (subnet) return ({ name, family }) => family !== undefined && subnet.check(name, family);
  const { name, port } = splitPort(entry);
  if (name === '') return undefined;
  const samePort = (host: Host): boolean => port === undefined || port === host.port;
  const address = name.replace(/^\[|\]$/g, '');
  const family = familyOf(address);
  if (family) {
    const list = new BlockList();
    list.addAddress(address, family);
    return (host) => host.family !== undefined && list.check(host.name, host.family) && samePort(host);
  }
  const below = name.startsWith('*.') ? name.slice(1) : name.startsWith('.') ? name : `.${name}`;
  return (host) => (host.name.endsWith(below) || host.name === name) && samePort(host);
}

function subnetOf(entry: string): BlockList | undefined {
  const [, net = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const family = familyOf(net);
  if (family === undefined || Number(length) > (family === 'ipv4' ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(net, Number(length), family);
  return list;
}

/** An IPv6 address with a port is in brackets; without brackets it has none. */
function splitPort(entry: string): { name: string; port?: string } {
  const [, name, port] = /^(\[[^\]]*\]|[^:]*):(\d*)$/.exec(entry) ?? [];
  return name === undefined || port === undefined ? { name: entry } : port === '' ? { name } : { name, port };
}

function parseProxy(address: string, variable: string): ProxyServer {
  const text = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(address) ? address : `http://${address}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    // Not shown: there may be a password in it.
    throw new ChartError('USAGE', `${variable} does not hold the address of a proxy`, {
      hint: 'It is written http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ before HOST where the proxy wants to know.',
    });
  }
  const { username, password, origin, hostname, port, protocol } = url;
  const user = Buffer.from(`${decoded(username)}:${decoded(password)}`);
  return {
    origin,
    host: `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`,
    authorization: user.length > 1 ? `Basic ${user.toString('base64')}` : undefined,
  };
}

/** A percent sign that begins no escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
