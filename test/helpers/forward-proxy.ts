/**
 * A forward proxy on loopback, as HTTPS_PROXY and HTTP_PROXY name one: tunnels for CONNECT, whole URLs otherwise. It takes
 * every host for this machine, so that tests can speak of hosts that are none.
 */
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface ForwardProxyOptions {
  /** The value of `Proxy-Authorization` without which nothing is let through. */
  readonly authorization?: string;
  /** The ports on which hosts really listen, by `HOST:PORT`; for others it is the port that is asked for. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Refuses everything so. */
  readonly refusal?: number;
  /** PEM texts: the proxy itself then speaks TLS, and asks for a client certificate. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
}

export interface ForwardProxy {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly host: string;
  /** `CONNECT HOST:PORT`, `GET http://...`, in order. */
  readonly requests: readonly string[];
  /** All that a header told the proxy, in order. */
  readonly headers: readonly IncomingMessage['headers'][];
  readonly clientCertificates: number;
}

export async function startForwardProxy(
  t: Pick<TestContext, 'after'>,
  { authorization, refusal, tls, ports = {} }: ForwardProxyOptions = {},
): Promise<ForwardProxy> {
  const requests: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const sockets = new Set<Socket>();
  let clientCertificates = 0;
  const refused = (request: IncomingMessage): number | undefined => {
    requests.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
    if (refusal !== undefined) return refusal;
    return authorization !== undefined && request.headers['proxy-authorization'] !== authorization ? 407 : undefined;
  };
  const server: Server = tls
    ? createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: false })
    : createServer();
  server.on('request', (request, response) => {
    const status = refused(request);
    if (status !== undefined) return void response.writeHead(status).end();
    const { port, pathname, search } = new URL(request.url ?? '');
    const { 'proxy-authorization': _, ...passed } = request.headers;
    const onward = forward({ port, path: `${pathname}${search}`, method: request.method ?? 'GET', headers: passed });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  });
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    const status = refused(request);
    if (status !== undefined) return void client.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    const wanted = request.url ?? '';
    const onward = connect(ports[wanted] ?? Number(/:(\d+)$/.exec(wanted)?.[1]), '127.0.0.1');
    keep(onward);
    onward.on('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(onward).pipe(client);
    });
    onward.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'));
  });
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  server.on('connection', keep);
  server.on('secureConnection', (socket) => {
    if (Object.keys(socket.getPeerCertificate()).length > 0) clientCertificates += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${tls ? 'https' : 'http'}://${host}`,
    host,
    requests,
    headers,
    get clientCertificates() {
      return clientCertificates;
    },
  };
}
