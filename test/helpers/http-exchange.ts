/**
 * Written-out HTTP exchanges: a server that expects these requests, gives these answers, and fails the test for any other
 * request and for any that did not come.
 *
 *     const server = await startExchange(t, [
 *       { method: 'HEAD', path: '/v2/a/manifests/1', answer: { status: 401, headers: { 'www-authenticate': 'Basic' } } },
 *       [one, other]                  requests that may come in any order; with `together`, at the same time
 *     ]);
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface ExpectedRequest {
  readonly method: string;
  /** With query, as it is sent. */
  readonly path: string | RegExp;
  /** Null: the header must be absent. Headers that are not named do not matter. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
  readonly body?: string | Uint8Array | RegExp;
  readonly answer: Answer | ((request: ReceivedRequest) => Answer);
}

export interface Answer {
  /** 200 if absent. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  /** Closes the connection when that many bytes of the body are sent. */
  readonly cutAfter?: number;
  /** Sends the body again and again, without a length, as long as the client listens. */
  readonly endless?: true;
  /** Sends the headers and as much of the body as there is, and then nothing more. */
  readonly stall?: true;
  /** Closes the connection without any answer. */
  readonly reset?: true;
  /** Never answers. */
  readonly silence?: true;
}

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Exchange {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Everything that was asked, in order. */
  readonly requests: readonly ReceivedRequest[];
  /** Connections that were opened so far. */
  readonly connections: number;
  /** Fails if anything was not asked for yet. Called by itself when the test ends. */
  done(): void;
}

export interface ExchangeOptions {
  /** PEM texts: the server then speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string; readonly requestCert?: boolean };
  /** Answers nothing of a group before all of it has been asked: a client that asks one after the other waits for ever. */
  readonly together?: boolean;
}

type Step = ExpectedRequest | readonly ExpectedRequest[];

/** Starts the server; it ends with the test. A function of the server gives steps that need to know its address. */
export async function startExchange(
  t: Pick<TestContext, 'after'>,
  steps: readonly Step[] | ((server: { readonly host: string; readonly url: string }) => readonly Step[]),
  { tls, together = false }: ExchangeOptions = {},
): Promise<Exchange> {
  const requests: ReceivedRequest[] = [];
  const faults: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let pending: ExpectedRequest[][] = [];
  const held: (() => void)[] = [];

  const listener: RequestListener = (message, response) => {
    void readRequest(message).then((request) => {
      requests.push(request);
      const step = pending[0] ?? [];
      const reasons = step.map((expected) => difference(request, expected));
      const index = reasons.indexOf(undefined);
      const expected = step[index];
      if (expected === undefined) {
        const what = `${request.method} ${request.path}`;
        faults.push(step.length === 0 ? `${what}: nothing more was expected` : `${what}: ${reasons.join('; ')}`);
        response.writeHead(418).end();
        return;
      }
      step.splice(index, 1);
      if (step.length === 0) pending.shift();
      const { answer } = expected;
      held.push(() => send(response, typeof answer === 'function' ? answer(request) : answer, request.method));
      if (together && step.length > 0) return;
      for (const reply of held.splice(0)) reply();
    });
  };
  const server = tls ? createTlsServer({ ...tls, rejectUnauthorized: false }, listener) : createServer(listener);
  server.keepAliveTimeout = 60_000;
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  const url = `${tls ? 'https' : 'http'}://${host}`;
  pending = (typeof steps === 'function' ? steps({ host, url }) : steps).map((step) =>
    'method' in step ? [step] : [...step],
  );

  const done = (): void => {
    assert.deepEqual(faults, [], 'requests that were not expected');
    const missing = pending.flat().map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(missing, [], 'requests that did not come');
  };
  t.after(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
    done();
  });
  return {
    host,
    port,
    url,
    requests,
    done,
    get connections() {
      return connections;
    },
  };
}

async function readRequest(message: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) chunks.push(chunk as Buffer);
  } catch {
    // A client that breaks off: what came counts.
  }
  return {
    method: message.method ?? '',
    path: message.url ?? '',
    headers: message.headers,
    body: Buffer.concat(chunks),
  };
}

/** Why this is not the request that is expected, or undefined if it is. */
function difference(request: ReceivedRequest, expected: ExpectedRequest): string | undefined {
  if (request.method !== expected.method || !matches(request.path, expected.path)) {
    return `${expected.method} ${expected.path} was expected`;
  }
  for (const [name, wanted] of Object.entries(expected.headers ?? {})) {
    const value = request.headers[name.toLowerCase()];
    const found = Array.isArray(value) ? value.join(', ') : value;
    const same = wanted === null ? found === undefined : found !== undefined && matches(found, wanted);
    if (!same) return `header ${name} is ${found}, and ${wanted} was expected`;
  }
  const { body } = expected;
  const sameBody =
    body === undefined ||
    (body instanceof RegExp ? body.test(request.body.toString()) : request.body.equals(Buffer.from(body as string)));
  return sameBody ? undefined : `the body is ${request.body.toString().slice(0, 200)}`;
}

function matches(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? text === wanted : wanted.test(text);
}

function send(response: ServerResponse, answer: Answer, method: string): void {
  const { status = 200, headers = {}, cutAfter, endless, stall, reset, silence } = answer;
  if (silence) return;
  if (reset) {
    response.socket?.resetAndDestroy();
    return;
  }
  const body = Buffer.from((answer.body ?? '') as string);
  const hasLength = Object.keys(headers).some((name) => /^(?:content-length|transfer-encoding)$/i.test(name));
  const length =
    hasLength || endless || (method === 'HEAD' && answer.body === undefined)
      ? {}
      : { 'content-length': `${body.length}` };
  response.writeHead(status, { ...length, ...headers });
  if (method === 'HEAD') {
    response.end();
  } else if (endless) {
    const more = (): void => {
      while (!response.destroyed && response.write(body)) {
        // Until the client's side is full.
      }
    };
    response.on('drain', more);
    more();
  } else if (stall) {
    response.flushHeaders();
    response.write(body);
  } else if (cutAfter !== undefined) {
    response.write(body.subarray(0, cutAfter), () => response.socket?.destroy());
  } else {
    response.end(body);
  }
}
