/**
 * Where a registry may send its clients for a token. The password goes there, so a registry must not be able to name just
 * any place (GHSA-xf85-363p-868w).
 *
 *     registry      realm
 *     https         https only
 *     any           its own host, or a public one
 *     private       a private one too
 *     loopback      a private or loopback one too
 *
 * A name counts as public: behind https its certificate must be for that name, whatever address it resolves to.
 */
import { BlockList, isIP } from 'node:net';
import { ChartError } from '../errors.js';
import { shownText } from './redact.js';

type Reach = 'public' | 'private' | 'loopback' | 'link-local';

/** @throws ChartError `REGISTRY_PROTOCOL` for a realm that gets no credentials */
export function checkRealm(realm: string | undefined, registry: URL): URL {
  if (realm === undefined || !URL.canParse(realm)) {
    throw refused(registry, 'no address', 'it is no URL');
  }
  const url = new URL(realm);
  const shown = shownText(`${url.protocol}//${url.host}`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(registry, shown, 'it is no web address');
  if (url.username || url.password) throw refused(registry, shown, 'it holds a user name');
  if (registry.protocol === 'https:' && url.protocol === 'http:') {
    throw refused(registry, shown, 'it is not encrypted, and the registry is');
  }
  if (url.hostname !== registry.hostname && !mayLeadTo(reachOf(registry.hostname), reachOf(url.hostname))) {
    throw refused(registry, shown, `it is a ${reachOf(url.hostname)} address`);
  }
  return url;
}

function mayLeadTo(registry: Reach, realm: Reach): boolean {
  if (realm === 'public') return true;
  if (realm === 'private') return registry === 'private' || registry === 'loopback';
  return realm === 'loopback' && registry === 'loopback';
}

/** How far a host reaches, by its name alone. */
function reachOf(hostname: string): Reach {
  const name = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const family = isIP(name);
  if (family === 0) return name === 'localhost' || name.endsWith('.localhost') ? 'loopback' : 'public';
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const { loopback, linkLocal, inner } = reservedAddresses();
  if (loopback.check(name, type)) return 'loopback';
  if (linkLocal.check(name, type)) return 'link-local';
  return inner.check(name, type) ? 'private' : 'public';
}

/** https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry. IPv4-mapped IPv6 addresses match too. */
function reservedAddresses(): { loopback: BlockList; linkLocal: BlockList; inner: BlockList } {
  const [loopback, linkLocal, inner] = [new BlockList(), new BlockList(), new BlockList()];
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
  linkLocal.addSubnet('fe80::', 10, 'ipv6');
  for (const [net, prefix] of INNER_IPV4) inner.addSubnet(net, prefix, 'ipv4');
  for (const [net, prefix] of INNER_IPV6) inner.addSubnet(net, prefix, 'ipv6');
  return { loopback, linkLocal, inner };
}

const INNER_IPV4: readonly (readonly [net: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
];
const INNER_IPV6: readonly (readonly [net: string, prefix: number])[] = [
  ['::', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['ff00::', 8],
];

function refused(registry: URL, shown: string, reason: string): ChartError {
  return new ChartError('REGISTRY_PROTOCOL', `${registry.host} sends clients to ${shown} for a token: ${reason}`, {
    hint: 'No credentials were sent there. Check the token settings of the registry.',
  });
}
