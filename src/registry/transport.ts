/**
 * One HTTP exchange: connections, time limits and the trace of both. Redirects (redirects.ts), credentials (auth.ts) and
 * repetition (retry.ts) are put around it by client.ts.
 */
import type { Readable } from 'node:stream';
import { ChartError, throwIfCancelled } from '../errors.js';
import type { AgentOptions, AgentRequest, AgentResponse, Agents, Timeouts } from './connections.js';
import { ContentFault } from './content.js';
import { explainFault, isUnknownAuthority, proxyRefusal } from './faults.js';
import { type ProxyServer, type ProxySettings, proxyLookup } from './proxy.js';
import { shownUrl } from './redact.js';
import type { TlsOptions } from './tls.js';
import { UploadStalled, watchedContent } from './watched-content.js';

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

/** How a server is reached, a registry or another. */
export interface ReachOptions extends TlsOptions {
  /** Connections to one origin at the same time. */
  readonly connections?: number | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly userAgent?: string | undefined;
  readonly proxy?: ProxySettings | undefined;
  readonly trace?: ((event: TraceEvent) => void) | undefined;
}

const TIMEOUTS: Timeouts = { connect: 15_000, headers: 60_000, body: 60_000 };
const USER_AGENT = 'helm-chart-cache';

/** @param defaults.connections where the options do not say */
export function openTransport(
  origin: string,
  options: ReachOptions,
  { connections, now }: { readonly connections: number; readonly now: () => number },
): Transport {
  return new Transport({
    origin,
    connections: options.connections ?? connections,
    timeouts: { ...TIMEOUTS, ...options.timeouts },
    userAgent: options.userAgent ?? USER_AGENT,
    insecureSkipTlsVerify: options.insecureSkipTlsVerify,
    caFile: options.caFile,
    certFile: options.certFile,
    keyFile: options.keyFile,
    systemCaFiles: options.systemCaFiles,
    proxy: options.proxy,
    trace: options.trace,
    now,
  });
}

export class Transport {
  readonly #options: TransportOptions;
  readonly #proxyFor: (url: URL) => ProxyServer | undefined;
  #agents: Promise<Agents> | undefined;
  /** Those that also trust what the system does, from the first certificate on that takes it. */
  #trusting: Promise<Agents> | undefined;

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
    const start = now();
    try {
      const { statusCode, headers, body } = await this.#send(request, proxy);
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

  /** Nothing has been sent where the other side's certificate was not trusted, so that it may be sent again. */
  async #send(request: WireRequest, proxy: ProxyServer | undefined): Promise<AgentResponse> {
    if (this.#trusting) return this.#sendBy(await this.#trusting, request, proxy);
    try {
      return await this.#sendBy(await this.#open(), request, proxy);
    } catch (error) {
      if (!isUnknownAuthority(error)) throw error;
      return await this.#sendBy(await this.#trustSystem(), request, proxy);
    }
  }

  async #sendBy(agents: Agents, request: WireRequest, proxy: ProxyServer | undefined): Promise<AgentResponse> {
    const { method, url, patience } = request;
    const { body, signal } = await this.#openBody(request);
    return agents.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers: { 'user-agent': this.#options.userAgent, ...request.headers },
      body,
      ...(signal && { signal }),
      ...(patience !== undefined && { headersTimeout: patience }),
      ...(proxy && { proxy }),
    });
  }

  async #openBody({ body, signal }: WireRequest): Promise<Pick<AgentRequest, 'body' | 'signal'>> {
    if (typeof body !== 'function') return { body: body ?? null, ...(signal && { signal }) };
    const content = await body().catch((cause: unknown) => {
      throw cause instanceof ChartError ? cause : new ContentFault('the content cannot be read', { cause });
    });
    const stalled = new AbortController();
    const watched = watchedContent(content, this.#options.timeouts.body, () => stalled.abort(new UploadStalled()));
    return { body: watched, signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal };
  }

  #trace({ method, url }: WireRequest, proxy: ProxyServer | undefined, start: number, end: Partial<TraceEvent>): void {
    const { trace, now } = this.#options;
    trace?.({ method, url: shownUrl(url), ...(proxy && { proxy: proxy.host }), ...end, ms: now() - start });
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    const opened = [this.#agents, this.#trusting];
    this.#agents = undefined;
    this.#trusting = undefined;
    await Promise.all(opened.map(async (agents) => (await agents?.catch(() => undefined))?.destroy()));
  }

  #open(): Promise<Agents> {
    this.#agents ??= import('./agents.js').then(({ openAgents }) => openAgents(this.#options));
    return this.#agents;
  }

  #trustSystem(): Promise<Agents> {
    this.#trusting ??= Promise.all([import('./agents.js'), import('./system-roots.js')]).then(
      async ([{ openAgents }, { readSystemRoots }]) =>
        openAgents(this.#options, await readSystemRoots(this.#options.systemCaFiles)),
    );
    return this.#trusting;
  }
}
