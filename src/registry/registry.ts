/**
 * A registry that speaks the OCI distribution specification 1.1, as a `Target`.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
import type { CallOptions, Repository, Target } from '../oci/target.js';
import { Authorizer, type CredentialLookup } from './auth.js';
import { Client } from './client.js';
import type { Timeouts } from './connections.js';
import { type Endpoint, type EndpointOptions, endpointOf } from './endpoint.js';
import { type Pong, ping } from './ping.js';
import type { ProxySettings } from './proxy.js';
import { RegistryRepository } from './repository.js';
import { type Clock, DEFAULT_RETRY, Retry, type RetryPolicy, SYSTEM_CLOCK } from './retry.js';
import type { Credentials } from './secrets.js';
import { listRepositories } from './tags.js';
import { openTransport, type TraceEvent, type Transport } from './transport.js';

/** How a registry is reached. */
export interface RegistryOptions extends EndpointOptions {
  /** Credentials, or what finds them: asked once, when the registry first wants any. */
  readonly credentials?: Credentials | CredentialLookup | undefined;
  /** Connections to one origin at the same time; 16 if absent. */
  readonly connections?: number | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly userAgent?: string | undefined;
  /** PEM files whose authorities count as the system's. */
  readonly systemCaFiles?: readonly string[] | undefined;
  /** Proxies for the registry, its token server and what it redirects to; none if absent. */
  readonly proxy?: ProxySettings | undefined;
  /** Hears of every request, without secrets. */
  readonly trace?: ((event: TraceEvent) => void) | undefined;
  readonly clock?: Clock | undefined;
}

const CONNECTIONS = 16;

/**
 * Opens the registry of a host. Nothing is asked and no file is read before the first call.
 *
 * @param host `HOST[:PORT]` as in references
 * @throws ChartError `REFERENCE_INVALID`
 *
 * @example
 * ```ts
 * import { openRegistry } from 'helm-chart-cache';
 *
 * const registry = openRegistry('127.0.0.1:5000', {
 *   credentials: { username: 'me', password: 'secret' },
 * });
 * const { digest } = await registry.repository('team/app').resolve('1.0.0');
 * console.log(digest.slice(0, 7)); // sha256:
 * await registry.close();
 * ```
 */
export function openRegistry(host: string, options: RegistryOptions = {}): Registry {
  return new Registry(endpointOf(host, options), options);
}

/** A registry as a `Target`; open one with {@link openRegistry}, and close it. */
export class Registry implements Target {
  readonly endpoint: Endpoint;
  readonly #client: Client;
  readonly #transport: Transport;

  constructor(endpoint: Endpoint, options: RegistryOptions) {
    const { clock = SYSTEM_CLOCK, credentials } = options;
    const transport = openTransport(endpoint.origin, options, { connections: CONNECTIONS, now: clock.now });
    const authorizer = new Authorizer({
      origin: endpoint.origin,
      host: endpoint.host,
      lookup: typeof credentials === 'function' ? credentials : async () => credentials,
      exchange: (request) => transport.exchange(request),
      clock,
    });
    const retry = new Retry({ ...DEFAULT_RETRY, ...options.retry }, clock);
    this.endpoint = endpoint;
    this.#transport = transport;
    this.#client = new Client({ endpoint, transport, authorizer, retry, clock });
  }

  repository(path: string): Repository {
    return new RegistryRepository(this.#client, path);
  }

  /** @throws ChartError `MANIFEST_NOT_FOUND` where the registry does not tell */
  listRepositories(options: CallOptions = {}): AsyncIterable<string> {
    return listRepositories(this.#client, options);
  }

  /** Asks whether a registry is there and lets these credentials in. */
  ping(options: CallOptions = {}): Promise<Pong> {
    return ping(this.#client, options);
  }

  /** Breaks off what is under way and closes all connections. */
  async close(): Promise<void> {
    await this.#client.settle();
    await this.#transport.close();
  }
}
