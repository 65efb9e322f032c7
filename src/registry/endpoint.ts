/**
 * Where the registry of a host answers.
 *
 *     registry.example.com[:PORT]    https://registry.example.com[:PORT]
 *     localhost, 127.0.0.1, [::1]    http://..., as Helm 3.6.3 does; no other loopback name
 *     docker.io                      https://registry-1.docker.io
 */
import { ChartError } from '../errors.js';
import { isHost } from '../oci/reference.js';

export interface EndpointOptions {
  /** True: HTTP without TLS. False: TLS for loopback hosts too. */
  readonly plainHttp?: boolean | undefined;
  /** Asking for any of these asks for TLS, for loopback hosts too. */
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface Endpoint {
  /** As in references: `HOST[:PORT]`. */
  readonly host: string;
  /** `https://HOST[:PORT]`. */
  readonly origin: string;
}

const HUB = 'docker.io';
const HUB_ORIGIN = 'https://registry-1.docker.io';
const HUB_HOSTS: readonly string[] = [HUB, 'index.docker.io', 'registry-1.docker.io'];
const HUB_KEY = 'https://index.docker.io/v1/';
const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** @throws ChartError `REFERENCE_INVALID` if `host` is not `HOST[:PORT]` */
export function endpointOf(host: string, options: EndpointOptions = {}): Endpoint {
  if (!isHost(host)) throw new ChartError('REFERENCE_INVALID', `${JSON.stringify(host)} is not HOST[:PORT]`);
  if (host === HUB || host === 'index.docker.io') return { host, origin: HUB_ORIGIN };
  return { host, origin: new URL(`${usesPlainHttp(host, options) ? 'http' : 'https'}://${host}`).origin };
}

function usesPlainHttp(host: string, options: EndpointOptions): boolean {
  if (options.plainHttp !== undefined) return options.plainHttp;
  return isLoopbackName(host) && !asksForTls(options);
}

/** True where the options name a scheme, so that nothing is left to guess. */
export function namesScheme(options: EndpointOptions): boolean {
  return options.plainHttp !== undefined || asksForTls(options);
}

function asksForTls({ insecureSkipTlsVerify, caFile, certFile, keyFile }: EndpointOptions): boolean {
  return Boolean(insecureSkipTlsVerify || caFile || certFile || keyFile);
}

/** True for the names that mean this machine and no TLS, exactly as Helm 3.6.3 compares them, and for `[::1]`. */
export function isLoopbackName(host: string): boolean {
  return LOOPBACK_NAMES.includes(host.replace(/:\d+$/, ''));
}

/** `HOST[:PORT]` of what a person typed for a host: without scheme, and without what follows the first slash. */
export function bareHost(text: string): string {
  const [host = ''] = text.replace(/^(?:oci|https?):\/\//, '').split('/', 1);
  return host;
}

/**
 * The names under which the credentials of a host may be stored, best first. Docker keeps those of Docker Hub under the
 * address of an API that is no longer used.
 */
export function credentialKeys(host: string): readonly string[] {
  return isHub(host) ? [HUB_KEY, ...new Set([host, ...HUB_HOSTS])] : [host];
}

/** The name under which credentials for what a person typed are stored: just that, but for Docker Hub. */
export function storageKey(typed: string): string {
  return isHub(typed) ? HUB_KEY : typed;
}

function isHub(host: string): boolean {
  return HUB_HOSTS.includes(host) || host === HUB_KEY;
}
