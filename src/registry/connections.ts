/** What the transport asks of connections, in words that do not name the HTTP client underneath (agents.ts). */
import type { Readable } from 'node:stream';
import type { ProxyServer } from './proxy.js';
import type { TlsOptions } from './tls.js';

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

export interface AgentRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | Readable | null;
  readonly signal?: AbortSignal;
  /** Milliseconds, in place of `timeouts.headers`. */
  readonly headersTimeout?: number;
  readonly proxy?: ProxyServer | undefined;
}

export interface AgentResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

export interface Agents {
  request(options: AgentRequest): Promise<AgentResponse>;
  /** Breaks off what is under way. */
  destroy(): Promise<void>;
}
