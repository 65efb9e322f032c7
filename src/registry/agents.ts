/** Connections: kept alive and bounded for each origin, undici underneath. Loaded when the first request is made. */
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import type { AgentOptions, Agents } from './connections.js';
import { readTlsContexts } from './tls.js';

/** Milliseconds that one address of several is tried before the next one is; the default of 250 is less than some round trips. */
const ADDRESS_TIMEOUT = 1_000;

/** @throws ChartError `REGISTRY_TLS` if a certificate file cannot be used */
export async function openAgents(options: AgentOptions): Promise<Agents> {
  const contexts = await readTlsContexts(options);
  const open = (secureContext: typeof contexts.own): Agent =>
    new Agent({
      connections: options.connections,
      headersTimeout: options.timeouts.headers,
      bodyTimeout: options.timeouts.body,
      connect: {
        timeout: options.timeouts.connect,
        rejectUnauthorized: !options.insecureSkipTlsVerify,
        autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT,
        ...(secureContext && { secureContext }),
      },
    });
  const own = open(contexts.own);
  const others = contexts.own === contexts.others ? own : open(contexts.others);
  return {
    request: (wanted) => request.call(wanted.origin === options.origin ? own : others, wanted),
    destroy: async () => {
      await Promise.all([own.destroy(), others.destroy()]);
    },
  };
}
