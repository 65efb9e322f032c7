/**
 * A handler on a port: what keeps a slow, greedy or confused client from holding the others up, and an orderly end.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ChartError, systemErrorCode } from '../errors.js';

export interface ServerOptions {
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** An address or a host name of this machine; 127.0.0.1 if absent. */
  readonly host?: string | undefined;
  /** 0 takes a free one. */
  readonly port?: number | undefined;
  readonly timeouts?: Partial<ServerTimeouts> | undefined;
  /** Bytes of a request's head. */
  readonly maxHeaderSize?: number | undefined;
  /** Connections at once; a further one is closed. */
  readonly maxConnections?: number | undefined;
}

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
  close: 10_000,
};

/** A server that accepts connections. */
export interface RunningServer {
  /** `http://HOST:PORT`, without a slash at the end; loopback where it listens on every address. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Takes no further connection, lets requests under way end, and cuts off what still runs after the timeout. Idempotent. */
  close(): Promise<void>;
}

/** Resolves once the server accepts connections. @throws ChartError `USAGE` for an address that cannot be had */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { handler, host = '127.0.0.1', port = 0, maxHeaderSize = 16 * 1024 } = options;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const server = createServer({
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    connectionsCheckingInterval: Math.min(timeouts.headers, 5_000),
    maxHeaderSize,
    insecureHTTPParser: false,
    noDelay: true,
    highWaterMark: 256 * 1024,
  });
  server.timeout = timeouts.idle;
  if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
  let closing = false;
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    if (closing) response.setHeader('Connection', 'close');
    response.once('close', () => {
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    handler(request, response);
  };
  server.on('request', serve);
  // The handler says "continue" when it wants the body, so that a body it refuses is never sent.
  server.on('checkContinue', serve);
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: urlOf(address),
    host: address.address,
    port: address.port,
    close() {
      closing = true;
      closed ??= closeServer(server, timeouts.close);
      return closed;
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const reason = REASONS[systemErrorCode(cause) ?? ''];
      const hint = 'Choose another address with --addr; port 0 takes a free one.';
      reject(
        reason === undefined
          ? cause
          : new ChartError('USAGE', `cannot listen on ${host}:${port}: ${reason}`, { cause, hint }),
      );
    });
    server.listen({ host, port }, resolve);
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'not allowed',
  ENOTFOUND: 'the host is not known',
};

function closeServer(server: Server, patience: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), patience);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function urlOf({ address, port }: AddressInfo): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
