/**
 * Clients that speak HTTP where TLS is spoken, or the other way round: what they are told, since by themselves they say little.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { Refusal } from './errors.js';

/** The first byte of a TLS handshake. */
const HANDSHAKE = 0x16;

const REQUEST_LINE = /^[A-Z]+ (\S+) HTTP\/1/;

/**
 * Has a server for HTTPS answer plain HTTP with 400 and words, as Go's and nginx do.
 *
 * @param patience milliseconds in which the first byte has to come
 */
export function answerPlainHttp(server: TlsServer, patience: number): void {
  const handshakes = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const giveUp = (): void => void socket.destroy();
    socket.setTimeout(patience, giveUp);
    socket.on('error', giveUp);
    socket.once('data', (first: Buffer) => {
      const [, path] = REQUEST_LINE.exec(first.toString('latin1', 0, 2048)) ?? [];
      if (path !== undefined) return refuse(socket, path);
      socket.setTimeout(0);
      socket.removeListener('timeout', giveUp);
      socket.removeListener('error', giveUp);
      socket.pause();
      socket.unshift(first);
      for (const handshake of handshakes) handshake.call(server, socket);
    });
  });
}

function refuse(socket: Socket, path: string): void {
  const words = 'this is an HTTPS server, and the request is plain HTTP: use https://';
  const isApi = path === '/v2' || path.startsWith('/v2/');
  const body = isApi ? new Refusal(400, 'UNSUPPORTED', words).body() : `${words}\n`;
  const head = [
    'HTTP/1.1 400 Bad Request',
    `Content-Type: ${isApi ? 'application/json' : 'text/plain; charset=utf-8'}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  // What is still sent is read, so that the answer is not lost to a reset.
  socket.resume();
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Has a server for HTTP tell of clients that speak TLS to it. They and others that make no sense are answered as Node.js does.
 *
 * @param report is given the address of the client
 */
export function reportTls(server: Server, report: (address: string) => void): void {
  const last = new WeakMap<Socket, ServerResponse>();
  const remember = ({ socket }: IncomingMessage, response: ServerResponse): void => void last.set(socket, response);
  server.on('request', remember);
  server.on('checkContinue', remember);
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, stream) => {
    const socket = stream as Socket;
    if (error.rawPacket?.[0] === HANDSHAKE && socket.bytesRead === error.rawPacket.length) {
      report(socket.remoteAddress ?? 'a client');
    }
    const answer = last.get(socket);
    const isAnswering = answer?.headersSent && !answer.writableFinished;
    if (socket.writable && !isAnswering) {
      socket.write(`HTTP/1.1 ${STATUS[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`);
    }
    socket.destroy(error);
  });
}

const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
