/** What is told of a request when it is over. */
import type { Exchange } from './exchange.js';
import type { Route } from './routes.js';

export interface AccessRecord {
  /** When it began, in milliseconds since 1970. */
  readonly time: number;
  readonly durationMs: number;
  readonly method: string;
  /** Path and query as they were sent. */
  readonly url: string;
  /** 499 where the client left before there was an answer. */
  readonly status: number;
  /** Bytes of the answer's body. */
  readonly bytes: number;
  /** What was asked for: a kind of the API's paths, `site` outside them, `none` for what is nothing. */
  readonly kind: RequestKind;
  readonly httpVersion: string;
  readonly remoteAddress: string | undefined;
  readonly userAgent: string | undefined;
  readonly referrer: string | undefined;
}

export type RequestKind = Route['kind'] | 'site' | 'none';

/** Begins to watch a request; what it gives is to be called at its end. */
export function watch(
  { request, method, state }: Exchange,
  onRequest: (record: AccessRecord) => void,
  now: () => number,
) {
  const time = now();
  const began = performance.now();
  const { remoteAddress } = request.socket;
  return () =>
    onRequest({
      time,
      durationMs: performance.now() - began,
      method,
      url: request.url ?? '',
      status: state.status,
      bytes: state.bytes,
      kind: state.kind,
      httpVersion: request.httpVersion,
      remoteAddress,
      userAgent: request.headers['user-agent'],
      referrer: request.headers.referer,
    });
}
