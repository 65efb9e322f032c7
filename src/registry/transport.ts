/**
 * One HTTP exchange: connections, time limits and the trace of both. Redirects (redirects.ts), credentials (auth.ts) and
 * repetition (retry.ts) are put around it by client.ts.
 */
import type { Readable } from 'node:stream';
import { throwIfCancelled } from '../errors.js';
import type { AgentOptions, Agents } from './connections.js';
import { ContentFault } from './content.js';
import { explainFault, proxyRefusal } from './faults.js';
import { type ProxyServer, type ProxySettings, proxyLookup } from './proxy.js';
import { shownUrl } from './redact.js';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface WireRequest {
  readonly method: Method;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes, or what starts them anew for each attempt. */
  readonly body?: Uint8Array | (() => Promise<Readable>);
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait for the answer's headers, where that is not `timeouts.headers`. */
  readonly patience?: number;
}

export interface WireResponse {
  /** What was asked in the end, after redirects. */
  readonly url: URL;
  readonly method: Method;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

export interface TraceEvent {
  readonly method: Method;
  /** Without secrets: fit to be shown. */
  readonly url: string;
  /** `HOST:PORT` of the proxy that it went through. */
  readonly proxy?: string;
  /** Absent where there was no answer. */
  readonly status?: number;
  readonly error?: unknown;
  /** Milliseconds until the answer's headers, or the fault. */
  readonly ms: number;
}

export interface TransportOptions extends AgentOptions {
  readonly userAgent: string;
  readonly proxy: ProxySettings | undefined;
  readonly now: () => number;
  readonly trace: ((event: TraceEvent) => void) | undefined;
}

export class Transport {
  readonly #options: TransportOptions;
  readonly #proxyFor: (url: URL) => ProxyServer | undefined;
  #agents: Promise<Agents> | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#proxyFor = proxyLookup(options.proxy);
  }

  /** Sends a request and waits for the headers of the answer, whatever its status. @throws WireFault; ChartError `CANCELLED` */
  async exchange(request: WireRequest): Promise<WireResponse> {
    const { method, url, signal } = request;
    const { now } = this.#options;
    throwIfCancelled(signal);
    const proxy = this.#proxyFor(url);
    const agents = await this.#open();
    const content = typeof request.body === 'function' ? await request.body() : (request.body ?? null);
    const start = now();
    try {
      const { statusCode, headers, body } = await agents.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': this.#options.userAgent, ...request.headers },
        body: content,
        ...(signal && { signal }),
        ...(request.patience !== undefined && { headersTimeout: request.patience }),
        ...(proxy && { proxy }),
      });
      body.on('error', () => undefined);
      if (proxy && statusCode === 407) {
        body.destroy();
        throw proxyRefusal(statusCode, { method, url, proxy });
      }
      this.#trace(request, proxy, start, { status: statusCode });
      return { url, method, status: statusCode, headers, body };
    } catch (cause) {
      if (cause instanceof ContentFault) throw cause;
      const error = explainFault(cause, { method, url, signal, proxy });
      this.#trace(request, proxy, start, { error });
      throw error;
    }
  }

  #trace({ method, url }: WireRequest, proxy: ProxyServer | undefined, start: number, end: Partial<TraceEvent>): void {
    const { trace, now } = this.#options;
    trace?.({ method, url: shownUrl(url), ...(proxy && { proxy: proxy.host }), ...end, ms: now() - start });
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    const agents = this.#agents;
    this.#agents = undefined;
    await (await agents?.catch(() => undefined))?.destroy();
  }

  #open(): Promise<Agents> {
    this.#agents ??= import('./agents.js').then(({ openAgents }) => openAgents(this.#options));
    return this.#agents;
  }
}
