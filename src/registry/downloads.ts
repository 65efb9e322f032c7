/**
 * Files from web servers, over the same connections, proxies, retries and TLS as a registry's. The credentials of a server go
 * to its own origin alone (CVE-2021-32690), unless they are meant for all.
 */
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ChartError, isChartError, systemErrorCode, throwIfCancelled } from '../errors.js';
import { discard, headerOf } from './answers.js';
import { explainFault, WireFault } from './faults.js';
import { shownUrl } from './redact.js';
import { followRedirects } from './redirects.js';
import {
  type Clock,
  DEFAULT_RETRY,
  isTransientStatus,
  Retry,
  type RetryPolicy,
  readRetryAfter,
  SYSTEM_CLOCK,
} from './retry.js';
import { basicAuthorization, type PasswordCredentials } from './secrets.js';
import { openTransport, type ReachOptions, type Transport, type WireResponse } from './transport.js';

export interface DownloadsOptions extends ReachOptions {
  /** Sent unasked, as Helm does. */
  readonly credentials?: PasswordCredentials | undefined;
  /** Send the credentials to other origins, too. */
  readonly passCredentials?: boolean | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly clock?: Clock | undefined;
}

export interface DownloadRequest {
  readonly signal?: AbortSignal | undefined;
  /** The file may come compressed, and is unpacked on the way. */
  readonly compressed?: boolean | undefined;
}

const CONNECTIONS = 8;

/**
 * Opens the way to one server and to what it refers to. Nothing is asked before the first call.
 *
 * @param base names the origin that credentials and client certificate are for
 *
 * @example
 * ```ts
 * import { mirrorCharts, openDownloads, openLayout } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const web = openDownloads(new URL('http://127.0.0.1:5000/team/'), { credentials: { username: 'me', password: 'secret' } });
 * const { charts } = await mirrorCharts(
 *   { layout, connect: () => Promise.reject(), openWeb: () => (url, use, options) => web.read(url, use, options) },
 *   { entries: [{ source: 'http://127.0.0.1:5000/team', name: 'app', limit: 1 }], target: 'cache' },
 * );
 * console.log(charts[0]?.version, charts[0]?.status); // 1.1.0 copied
 * await web.close();
 * await layout.close();
 * ```
 */
export function openDownloads(base: URL, options: DownloadsOptions = {}): Downloads {
  return new Downloads(base, options);
}

export class Downloads {
  readonly #origin: string;
  readonly #options: DownloadsOptions;
  readonly #transport: Transport;
  readonly #retry: Retry;
  readonly #clock: Clock;

  constructor(base: URL, options: DownloadsOptions) {
    const { clock = SYSTEM_CLOCK } = options;
    this.#origin = base.origin;
    this.#options = options;
    this.#clock = clock;
    this.#retry = new Retry({ ...DEFAULT_RETRY, ...options.retry }, clock);
    this.#transport = openTransport(base.origin, options, { connections: CONNECTIONS, now: clock.now });
  }

  /**
   * Has `use` read the file; once more from its first byte where the connection breaks.
   *
   * @throws ChartError `REPOSITORY_NOT_FOUND` where there is no such file (404, 410), what the network does, and what `use` throws
   */
  async read<T>(url: URL, use: (content: Readable) => Promise<T>, request: DownloadRequest = {}): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      throwIfCancelled(request.signal);
      try {
        return await this.#attempt(url, use, request);
      } catch (error) {
        const delay = this.#retry.delay({ error }, attempt);
        if (delay === undefined) throw error;
        await this.#retry.sleep(delay, request.signal);
      }
    }
  }

  /** Breaks off what is under way and closes all connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #attempt<T>(url: URL, use: (content: Readable) => Promise<T>, request: DownloadRequest): Promise<T> {
    const { signal, compressed = false } = request;
    const own = signal && AbortSignal.any([signal]);
    const headers = {
      'accept-encoding': compressed ? 'gzip' : 'identity',
      ...this.#authorization(url),
    };
    const response = await followRedirects((each) => this.#transport.exchange(each), {
      method: 'GET',
      url,
      headers,
      signal: own,
    });
    if (response.status !== 200) throw await this.#refusal(response, url);
    let broken: { readonly error: unknown } | undefined;
    response.body.on('error', (error) => {
      broken = { error };
    });
    try {
      return await use(contentOf(response, compressed));
    } catch (error) {
      response.body.destroy();
      if (isChartError(error)) throw error;
      if (systemErrorCode(error)?.startsWith('Z_')) {
        throw new ChartError('REGISTRY_PROTOCOL', `${shownUrl(url)} is damaged: ${(error as Error).message}`, {
          cause: error,
        });
      }
      throw explainFault(broken?.error ?? error, { method: 'GET', url: response.url, signal });
    }
  }

  #authorization(url: URL): { authorization?: string } {
    const { credentials, passCredentials = false } = this.#options;
    if (credentials === undefined || (url.origin !== this.#origin && !passCredentials)) return {};
    return { authorization: basicAuthorization(credentials) };
  }

  async #refusal(response: WireResponse, url: URL): Promise<ChartError> {
    await discard(response);
    const { status } = response;
    const words = `${shownUrl(url)} answers ${status}`;
    if (status === 404 || status === 410) return new ChartError('REPOSITORY_NOT_FOUND', words, { hint: NOT_FOUND });
    if (status === 401) {
      const known = this.#authorization(url).authorization !== undefined;
      return known
        ? new ChartError('CREDENTIALS_REJECTED', words, { hint: 'The user name or the password is wrong.' })
        : new ChartError('REGISTRY_UNAUTHORIZED', words, { hint: this.#loginHint(url) });
    }
    if (status === 403) return new ChartError('REGISTRY_FORBIDDEN', words, { hint: 'The account may not read this.' });
    const wait = readRetryAfter(response, this.#clock.now());
    const code = status === 429 ? 'REGISTRY_RATE_LIMITED' : status < 400 ? 'REGISTRY_PROTOCOL' : 'REGISTRY_REFUSED';
    return new WireFault(code, words, {
      summary: words,
      hint: isTransientStatus(status)
        ? `${url.host} is in trouble or wants fewer requests; try again later.`
        : undefined,
      transient: isTransientStatus(status),
      retryAfter: wait,
    });
  }

  #loginHint(url: URL): string {
    return this.#options.credentials !== undefined && url.origin !== this.#origin
      ? `The credentials are for ${this.#origin} alone; --pass-credentials sends them to ${url.origin}, too.`
      : 'Give --username and --password-stdin.';
  }
}

const NOT_FOUND = 'Check the address.';

/** The file's own bytes. */
function contentOf(response: WireResponse, compressed: boolean): Readable {
  const encoding = headerOf(response, 'content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return pipeline(response.body, new PassThrough(), () => undefined);
  if (compressed && encoding === 'gzip') return pipeline(response.body, createGunzip(), () => undefined);
  response.body.destroy();
  throw new ChartError(
    'REGISTRY_PROTOCOL',
    `${response.url.host} encodes ${shownUrl(response.url)} in a way that nobody asked for`,
  );
}
