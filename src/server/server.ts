/**
 * A handler on a port: what keeps a slow, greedy or confused client from holding the others up, and an orderly end.
 */
import {
  createServer,
  type ServerOptions as HttpOptions,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { ChartError, systemErrorCode } from '../errors.js';
import { answerPlainHttp, reportTls } from './other-protocol.js';
import { DEFAULT_TIMEOUTS, type ServerTimeouts } from './timeouts.js';

export { DEFAULT_TIMEOUTS, type ServerTimeouts } from './timeouts.js';

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
  /** Serves HTTPS, and nothing without TLS. */
  readonly tls?: KeyPair | undefined;
  /** Told of each client that speaks TLS to a server without, with its address. */
  readonly onTlsClient?: ((address: string) => void) | undefined;
}

/** In PEM form. */
export interface KeyPair {
  /** With what leads up to a certificate that clients trust. */
  readonly cert: string;
  readonly key: string;
}

/** A server that accepts connections. */
export interface RunningServer {
  /** `http://HOST:PORT` or `https://HOST:PORT`, without a slash at the end; loopback where it listens on every address. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Takes another certificate for connections from now on. @throws ChartError `USAGE`, and the one before goes on */
  renewTls(pair: KeyPair): void;
  /** Takes no further connection, lets requests under way end, and cuts off what still runs after the timeout. Idempotent. */
  close(): Promise<void>;
}

/**
 * Resolves once the server accepts connections. @throws ChartError `USAGE` for an address that cannot be had
 *
 * @example
 * ```ts
 * import { createHandler, openLayout, startServer } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const server = await startServer({ handler: createHandler(layout, { writable: true }) });
 * const response = await fetch(`${server.url}/v2/_catalog`);
 * console.log(await response.text()); // {"repositories":[]}
 * await server.close();
 * await layout.close();
 * ```
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { handler, host = '127.0.0.1', port = 0, maxHeaderSize = 16 * 1024 } = options;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const settings: HttpOptions = {
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    connectionsCheckingInterval: Math.min(timeouts.headers, 5_000),
    maxHeaderSize,
    insecureHTTPParser: false,
    noDelay: true,
    highWaterMark: 256 * 1024,
  };
  if (options.tls) checkTls(options.tls);
  const server = options.tls
    ? createTlsServer({ ...settings, ...options.tls, minVersion: 'TLSv1.2', handshakeTimeout: timeouts.headers })
    : createServer(settings);
  server.timeout = timeouts.idle;
  if ('setSecureContext' in server) answerPlainHttp(server, timeouts.headers);
  else if (options.onTlsClient) reportTls(server, options.onTlsClient);
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
    url: urlOf(address, options.tls === undefined ? 'http' : 'https'),
    host: address.address,
    port: address.port,
    renewTls(pair) {
      checkTls(pair);
      if ('setSecureContext' in server) server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
    },
    close() {
      closing = true;
      closed ??= closeServer(server, timeouts.close);
      return closed;
    },
  };
}

/** @throws ChartError `USAGE` for what is no certificate with its key */
function checkTls(pair: KeyPair): void {
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw new ChartError('USAGE', `the certificate and its key cannot be used: ${(cause as Error).message}`, {
      cause,
      hint: 'Both are PEM files, the key without a password, and the key is the one of the first certificate.',
    });
  }
}

function listen(server: Server | TlsServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const reason = REASONS[systemErrorCode(cause) ?? ''];
      const hint =
        systemErrorCode(cause) === 'EADDRINUSE'
          ? '--port takes another port, and --port 0 one that is free.'
          : 'Choose another address with --addr; port 0 takes a free one.';
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

function closeServer(server: Server | TlsServer, patience: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), patience);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function urlOf({ address, port }: AddressInfo, scheme: 'http' | 'https'): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
