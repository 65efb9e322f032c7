/** Connections: kept alive and bounded for each origin, undici underneath. Loaded when the first request is made. */
import type { SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import type { AgentOptions, AgentRequest, Agents } from './connections.js';
import type { ProxyServer } from './proxy.js';
import { readTlsContexts } from './tls.js';

/** Milliseconds that one address of several is tried before the next one is; the default of 250 is less than some round trips. */
const ADDRESS_TIMEOUT = 1_000;

/**
 * @param systemRoots authorities to trust beside all others, in PEM form
 * @throws ChartError `REGISTRY_TLS` if a certificate file cannot be used
 */
export async function openAgents(options: AgentOptions, systemRoots: readonly string[] = []): Promise<Agents> {
  const contexts = await readTlsContexts(options, systemRoots);
  const limits = {
    connections: options.connections,
    headersTimeout: options.timeouts.headers,
    bodyTimeout: options.timeouts.body,
  };
  const connect = (secureContext: SecureContext | undefined) => ({
    timeout: options.timeouts.connect,
    rejectUnauthorized: !options.insecureSkipTlsVerify,
    autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT,
    ...(secureContext && { secureContext }),
  });
  const own = new Agent({ ...limits, connect: connect(contexts.own) });
  const others = contexts.own === contexts.others ? own : new Agent({ ...limits, connect: connect(contexts.others) });
  const tunnels = new Map<string, Promise<Dispatcher>>();

  /** The proxy itself is one of the others: it is never shown the client certificate. */
  const tunnel = ({ origin, authorization }: ProxyServer, toOwn: boolean): Promise<Dispatcher> => {
    const key = `${toOwn} ${authorization} ${origin}`;
    const opening =
      tunnels.get(key) ??
      import('./tunnels.js').then(({ openTunnels }) =>
        openTunnels(origin, {
          ...limits,
          ...(authorization !== undefined && { token: authorization }),
          requestTls: connect(toOwn ? contexts.own : contexts.others),
          proxyTls: connect(contexts.others),
        }),
      );
    tunnels.set(key, opening);
    return opening;
  };

  const send = async ({ proxy, ...rest }: AgentRequest): ReturnType<Agents['request']> => {
    const toOwn = rest.origin === options.origin;
    // undici gives up a connection after each HEAD unless it is told not to: most requests of a mirror are HEADs.
    const wanted = rest.method === 'HEAD' ? { ...rest, reset: false } : rest;
    if (!proxy) return request.call(toOwn ? own : others, wanted);
    if (wanted.origin.startsWith('https:')) return request.call(await tunnel(proxy, toOwn), wanted);
    return request.call(others, throughProxy(wanted, proxy));
  };

  return {
    request: send,
    destroy: async () => {
      const opened = await Promise.all(tunnels.values());
      await Promise.all([own, others, ...opened].map((agent) => agent.destroy()));
    },
  };
}

/** Without TLS a proxy is asked for the whole URL. RFC 9112, 3.2.2 */
function throughProxy<Wanted extends AgentRequest>(wanted: Wanted, { origin, authorization }: ProxyServer): Wanted {
  const headers = {
    ...wanted.headers,
    host: new URL(wanted.origin).host,
    ...(authorization !== undefined && { 'proxy-authorization': authorization }),
  };
  return { ...wanted, origin, path: `${wanted.origin}${wanted.path}`, headers };
}
