/** Connections through a proxy, which is asked for each with CONNECT. Loaded where there is a proxy. RFC 9110, 9.3.6 */
import type { Pool as AnyPool, ProxyAgent } from 'undici';
import connect from 'undici/lib/api/api-connect.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import Proxying from 'undici/lib/dispatcher/proxy-agent.js';

/** @param origin the proxy's */
export function openTunnels(origin: string, options: Omit<ProxyAgent.Options, 'uri'>): ProxyAgent {
  const { headersTimeout } = options;
  return new Proxying({
    ...options,
    uri: origin,
    clientFactory: (url, settings): AnyPool => {
      // A proxy that does not answer is waited for no longer than a registry.
      const pool = new Pool(url, { ...settings, ...(headersTimeout !== undefined && { headersTimeout }) });
      return Object.assign(pool, { connect });
    },
  });
}
