/** Connections: kept alive and bounded for each origin, undici underneath. Loaded when the first request is made. */
import type { Dispatcher } from 'undici';
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import { readTlsContexts, type TlsOptions } from './tls.js';

/** Milliseconds. */
export interface Timeouts {
  readonly connect: number;
  /** From the last byte sent to the answer's headers. */
  readonly headers: number;
  /** Between two pieces of a body. */
  readonly body: number;
}

export interface AgentOptions extends TlsOptions {
  /** The registry's own origin: the only one that is shown the client certificate. */
  readonly origin: string;
  /** Connections to one origin at the same time. */
  readonly connections: number;
  readonly timeouts: Timeouts;
}

export interface Agents {
  request(options: Dispatcher.RequestOptions & { origin: string }): Promise<Dispatcher.ResponseData>;
  /** Breaks off what is under way. */
  destroy(): Promise<void>;
}

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
