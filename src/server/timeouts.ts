/** How long a client may take. */

/** Milliseconds. */
export interface ServerTimeouts {
  /** Until a request's head is there. */
  readonly headers: number;
  /** Until a whole request is there: a large blob over a slow line is one request. */
  readonly request: number;
  /** Without a byte in either direction while a request is under way. */
  readonly idle: number;
  /** Until the next request on the same connection; longer than the 90 seconds for which Go's clients keep one. */
  readonly keepAlive: number;
  /** For requests under way when the server is closed. */
  readonly close: number;
}

export const DEFAULT_TIMEOUTS: ServerTimeouts = {
  headers: 15_000,
  request: 12 * 60 * 60_000,
  idle: 120_000,
  keepAlive: 95_000,
  close: 30_000,
};
