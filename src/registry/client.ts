/**
 * Requests to one registry: sent with its credentials, redirected, repeated.
 *
 *     send ── again and again (retry.ts)
 *               └─ with what the registry asks for (auth.ts)
 *                    └─ to where it is redirected (redirects.ts)
 *                         └─ exchange (transport.ts)
 */
import { setMaxListeners } from 'node:events';
import { type ChartError, cancelled, throwIfCancelled } from '../errors.js';
import { discard, headersOf } from './answers.js';
import type { Authorizer } from './auth.js';
import type { Endpoint } from './endpoint.js';
import { followRedirects } from './redirects.js';
import { ReferrersState } from './referrers-state.js';
import { type Refusal, type RefusalContext, readRefusal, refusalError } from './refusals.js';
import type { Clock, Retry } from './retry.js';
import type { Transport, WireRequest, WireResponse } from './transport.js';
import { Whereabouts } from './whereabouts.js';

export interface ClientRequest extends Omit<WireRequest, 'url'> {
  /** Below the registry's origin, or an absolute URL within it. */
  readonly url: string | URL;
  /** What a token must be good for: `repository:PATH:pull,push`. */
  readonly scopes: readonly string[];
  /** Whether a fault may be answered by sending it again; true for GET and HEAD. */
  readonly repeatable?: boolean;
}

export interface ClientDependencies {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly authorizer: Authorizer;
  readonly retry: Retry;
  readonly clock: Clock;
}

/** Milliseconds. */
const MOMENT = 2_000;

export class Client {
  readonly endpoint: Endpoint;
  readonly retry: Retry;
  /** What was seen of this registry so far, to guess what comes next. */
  readonly habits = { blobsAreNew: true };
  readonly referrers = new ReferrersState();
  readonly whereabouts = new Whereabouts();
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #clock: Clock;
  readonly #left = new Set<Promise<unknown>>();
  readonly #signals = new WeakMap<AbortSignal, AbortSignal>();

  constructor({ endpoint, transport, authorizer, retry, clock }: ClientDependencies) {
    this.endpoint = endpoint;
    this.retry = retry;
    this.#transport = transport;
    this.#authorizer = authorizer;
    this.#clock = clock;
  }

  /** As in references. */
  get host(): string {
    return this.endpoint.host;
  }

  /** Resolves with the answer, whatever its status; its body must be read or discarded. @throws ChartError what the network does */
  async send({ url, scopes, repeatable, signal, ...rest }: ClientRequest): Promise<WireResponse> {
    const request: WireRequest = { ...rest, url: new URL(url, this.endpoint.origin), signal: this.ownSignal(signal) };
    const may = repeatable ?? (request.method === 'GET' || request.method === 'HEAD');
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#authorized(request, scopes).catch((error: unknown) => ({ error }));
      const delay = this.retry.delay(outcome, attempt, may);
      if (delay === undefined) {
        if ('error' in outcome) throw outcome.error;
        return outcome;
      }
      if (!('error' in outcome)) await discard(outcome);
      await this.retry.sleep(delay, request.signal);
    }
  }

  /**
   * A signal that is aborted with the caller's and takes any number of listeners. Node.js 20 warns of more than ten on one signal, which
   * is how many one for a whole command soon has; how many the caller's own may have is not for us to change.
   */
  ownSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
    if (signal === undefined) return undefined;
    const known = this.#signals.get(signal);
    if (known) return known;
    const own = AbortSignal.any([signal]);
    setMaxListeners(0, own);
    this.#signals.set(signal, own);
    return own;
  }

  /** Leaves work to itself that nobody waits for, whatever becomes of it. */
  leave(work: Promise<unknown>): void {
    const left = work.catch(() => undefined).finally(() => this.#left.delete(left));
    this.#left.add(left);
  }

  /** Gives work that was left to itself a moment to come to its end. */
  async settle(): Promise<void> {
    if (this.#left.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const moment = new Promise((resolve) => {
      timer = setTimeout(resolve, MOMENT);
    });
    await Promise.race([Promise.all(this.#left), moment]);
    clearTimeout(timer);
  }

  /** Reads an answer that refuses, and turns it into the error that it stands for. */
  async refusal(
    response: WireResponse,
    context: Pick<RefusalContext, 'what' | 'message' | 'repository'>,
  ): Promise<ChartError> {
    return this.explain(await readRefusal(response, this.#authorizer.secrets), context);
  }

  async readRefusal(response: WireResponse): Promise<Refusal> {
    return readRefusal(response, this.#authorizer.secrets);
  }

  async explain(
    refusal: Refusal,
    context: Pick<RefusalContext, 'what' | 'message' | 'repository'>,
  ): Promise<ChartError> {
    const { lookupError } = this.#authorizer;
    if (refusal.response.status === 401 && lookupError !== undefined) return lookupError as ChartError;
    const identified = await this.#authorizer.identified();
    return refusalError(refusal, { ...context, host: this.host, identified, now: this.#clock.now() });
  }

  async #authorized(request: WireRequest, scopes: readonly string[]): Promise<WireResponse> {
    const known = this.#authorizer.isAsked ? this.#authorizer.authorization(scopes) : undefined;
    const used = known && (await unlessCancelled(known, request.signal));
    const response = await this.#exchange(request, used);
    if (response.status !== 401 || response.url.origin !== this.endpoint.origin) return response;
    const challenges = headersOf(response, 'www-authenticate');
    try {
      const renewed = await unlessCancelled(this.#authorizer.renew(challenges, scopes, used), request.signal);
      if (renewed === undefined) return response;
      await discard(response);
      return await this.#exchange(request, renewed);
    } catch (error) {
      response.body.destroy();
      throw error;
    }
  }

  /** `authorization` goes to the registry's own origin only, whatever the URL of the request. */
  #exchange(request: WireRequest, authorization: string | undefined): Promise<WireResponse> {
    const own = authorization !== undefined && request.url.origin === this.endpoint.origin;
    const headers = own ? { ...request.headers, authorization } : request.headers;
    return followRedirects((each) => this.#transport.exchange(each), { ...request, ...(headers && { headers }) });
  }
}

/** Rejects as soon as the signal is aborted; `work` goes on, since others may be waiting for it too. */
async function unlessCancelled<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return work;
  work.catch(() => undefined);
  throwIfCancelled(signal);
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(cancelled(signal));
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
