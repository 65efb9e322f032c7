/**
 * A bad network before any HTTP server, a registry for one: cuts, delays, truncates, corrupts, refuses and redirects. What
 * a request meets is decided by seed, method, path and how often that was asked before, so that the same seed gives the same
 * faults in whatever order requests come. Ids of uploads do not count, since registries make them up.
 *
 *     const network = await startFaultProxy(t, registry.url, { seed: 7, faults: { cut: 0.1, corrupt: 0.02 } });
 *     chart pull ${network.host}/team/app:1.0.0
 *     network.met                    [{ method: 'GET', path: '/v2/...', fault: 'cut', at: 812 }, ...]
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, request as forwardTls, type RequestOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

export type Fault =
  /** The connection is cut before the server hears of the request. */
  | 'cut'
  /** The connection is cut after the request has had its effect: no answer comes. */
  | 'cut-answer'
  /** The connection is cut in the middle of the answer's body. */
  | 'cut-body'
  /** The connection is cut in the middle of the request's body, which the server sees break off. */
  | 'cut-upload'
  /** The answer's body ends early, and the answer says that this is all. */
  | 'truncate'
  /** One bit of the answer's body is another. */
  | 'corrupt'
  /** One bit of the request's body is another. */
  | 'corrupt-upload'
  /** `pause` milliseconds pass before the request goes on. */
  | 'delay'
  /** Refused without having had an effect; 429 and 503 with `Retry-After`. */
  | '429'
  | '500'
  | '503'
  /** GET and HEAD of what the client may have: it is elsewhere, on another port, under a signed URL. */
  | 'redirect';

export interface FaultProxyOptions {
  /** 1 if absent. */
  readonly seed?: number;
  /** The share of requests that meet each fault, from 0 to 1; {@link ALL_FAULTS} if absent. */
  readonly faults?: Readonly<Partial<Record<Fault, number>>>;
  /** What a request meets, instead of chance. */
  readonly choose?: ((method: string, path: string) => Fault | undefined) | undefined;
  /** Times that the same request meets a fault at most, 0 or more; no limit if absent. */
  readonly atMost?: number;
  /** Milliseconds added to every round trip, and to the opening of every connection; 0 if absent. */
  readonly latency?: number;
  /** Milliseconds of the fault `delay`; 100 if absent. */
  readonly pause?: number;
  /** The value of `Retry-After`; `0` if absent. */
  readonly retryAfter?: string;
  /** PEM texts: the proxy then speaks TLS to its clients. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface Met {
  readonly method: string;
  readonly path: string;
  /** Undefined: the request went through. */
  readonly fault: Fault | undefined;
  /** Milliseconds since the process started. */
  readonly at: number;
}

export interface FaultProxy {
  /** `localhost:PORT` */
  readonly host: string;
  readonly url: string;
  /** Every request and what became of it, in order. */
  readonly met: readonly Met[];
  /** What was sent to the place that is redirected to. */
  readonly elsewhere: readonly { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** The origin of that place. */
  readonly elsewhereUrl: string;
  /** Changes what is met from now on; an empty object makes the network a good one. */
  setFaults(faults: Readonly<Partial<Record<Fault, number>>>): void;
}

/** A sixth of all requests goes wrong in one of all the ways. */
export const ALL_FAULTS: Readonly<Record<Fault, number>> = {
  cut: 0.02,
  'cut-answer': 0.01,
  'cut-body': 0.02,
  'cut-upload': 0.01,
  truncate: 0.005,
  corrupt: 0.005,
  'corrupt-upload': 0.005,
  delay: 0.02,
  '429': 0.01,
  '500': 0.01,
  '503': 0.01,
  redirect: 0.05,
};

const UPLOAD_FAULTS: readonly Fault[] = ['cut-upload', 'corrupt-upload'];
const BODY_FAULTS: readonly Fault[] = ['cut-body', 'truncate', 'corrupt'];
const READING: readonly string[] = ['GET', 'HEAD'];

/** Starts a proxy before `target`, `http://HOST:PORT` or `https://HOST:PORT` of any certificate. It ends with the test. */
export async function startFaultProxy(
  t: Pick<TestContext, 'after'>,
  target: string,
  options: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const { seed = 1, atMost = Number.POSITIVE_INFINITY, latency = 0, retryAfter = '0', tls } = options;
  let faults = options.faults ?? ALL_FAULTS;
  const met: Met[] = [];
  const elsewhere: { path: string; headers: IncomingMessage['headers'] }[] = [];
  const asked = new Map<string, { times: number; faults: number }>();
  const signed = new Map<string, IncomingMessage>();
  const known = new WeakSet<Socket>();

  const choose = (method: string, path: string): { fault: Fault | undefined; chance: number } => {
    const key = `${method} ${stable(path)}`;
    const count = asked.get(key) ?? { times: 0, faults: 0 };
    const [first, second] = chances(`${seed} ${count.times} ${key}`);
    const meets = (): Fault | undefined =>
      options.choose ? options.choose(method, path) : drawn(faults, method, path, first);
    const fault = count.faults < atMost ? meets() : undefined;
    asked.set(key, { times: count.times + 1, faults: count.faults + (fault === undefined ? 0 : 1) });
    return { fault, chance: second };
  };

  /** Where the content of a request is elsewhere. */
  const place = (request: IncomingMessage): string => {
    const ticket = createHash('sha256').update(`${seed} ${signed.size}`).digest('hex').slice(0, 16);
    signed.set(ticket, request);
    return `${origin(store, tls !== undefined)}${(request.url ?? '/').split('?')[0]}?X-Signature=${ticket}`;
  };

  const travel = async (socket: Socket): Promise<void> => {
    if (latency > 0) await pause(known.has(socket) ? latency : 2 * latency, undefined, { ref: false });
    known.add(socket);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url: path = '/' } = request;
    const { fault, chance } = choose(method, path);
    met.push({ method, path, fault, at: performance.now() });
    await travel(request.socket);
    switch (fault) {
      case 'cut':
        return void request.socket.destroy();
      case '429':
      case '500':
      case '503':
        request.resume();
        return void response.writeHead(Number(fault), fault === '500' ? {} : { 'retry-after': retryAfter }).end();
      case 'delay':
        await pause(options.pause ?? 100, undefined, { ref: false });
    }
    await pass(request, response, { target, path, headers: request.headers, fault, chance, place });
  };

  const serveElsewhere = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url: path = '/' } = request;
    elsewhere.push({ path, headers: request.headers });
    await travel(request.socket);
    const first = signed.get(new URL(path, target).searchParams.get('X-Signature') ?? '');
    if (!first) return void response.writeHead(403).end();
    // What a store holds needs no credentials of the registry's; the range is this request's own.
    const { range } = request.headers;
    const headers = { ...first.headers, ...(range !== undefined && { range }) };
    await pass(request, response, { target, path: first.url ?? '/', headers, fault: undefined, chance: 0, place });
  };

  const listen = async (handler: typeof handle): Promise<Server> => {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      handler(request, response).catch(() => request.socket.destroy());
    };
    const server = tls ? createTlsServer(tls, listener) : createServer(listener);
    server.on('connection', (socket: Socket) => socket.on('error', () => undefined));
    server.on('clientError', (_, socket) => socket.destroy());
    server.keepAliveTimeout = 60_000;
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return server;
  };
  const [front, store] = [await listen(handle), await listen(serveElsewhere)];
  const url = origin(front, tls !== undefined);
  return {
    url,
    host: new URL(url).host,
    met,
    elsewhere,
    elsewhereUrl: origin(store, tls !== undefined),
    setFaults(next) {
      faults = next;
    },
  };
}

function origin(server: Server, secure: boolean): string {
  return `${secure ? 'https' : 'http'}://localhost:${(server.address() as AddressInfo).port}`;
}

/** The path without what a registry made up for one upload. */
function stable(path: string): string {
  const [place = '', query = ''] = path.split('?', 2);
  const digest = new URLSearchParams(query).get('digest') ?? '';
  return /\/blobs\/uploads\//.test(place)
    ? `${place.replace(/(\/blobs\/uploads\/).*/, '$1')}?digest=${digest}`
    : `${place}?${query}`;
}

/** Two numbers from 0 to 1 that follow from the text. */
function chances(text: string): [number, number] {
  const hash = createHash('sha256').update(text).digest();
  return [hash.readUInt32BE(0) / 2 ** 32, hash.readUInt32BE(4) / 2 ** 32];
}

function drawn(
  faults: Readonly<Partial<Record<Fault, number>>>,
  method: string,
  path: string,
  chance: number,
): Fault | undefined {
  let sum = 0;
  for (const [name, share = 0] of Object.entries(faults)) {
    sum += share;
    if (chance < sum) return mayMeet(method, path, name as Fault) ? (name as Fault) : undefined;
  }
  return undefined;
}

function mayMeet(method: string, path: string, fault: Fault): boolean {
  if (UPLOAD_FAULTS.includes(fault)) return ['PUT', 'PATCH'].includes(method);
  if (BODY_FAULTS.includes(fault)) return method === 'GET';
  return fault !== 'redirect' || (READING.includes(method) && /\/(?:blobs|manifests)\//.test(path));
}

interface Passage {
  readonly target: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly fault: Fault | undefined;
  /** From 0 to 1: where in a body the fault is. */
  readonly chance: number;
  readonly place: (request: IncomingMessage) => string;
}

/** Has the server answer the request. The host that the client named is kept, so that `Location` leads back to the proxy. */
async function pass(request: IncomingMessage, response: ServerResponse, passage: Passage): Promise<void> {
  const { target, path, headers, fault, chance, place } = passage;
  const { protocol, hostname, port } = new URL(target);
  const send = protocol === 'https:' ? forwardTls : forward;
  const wanted: RequestOptions = {
    hostname,
    port,
    path,
    method: request.method ?? 'GET',
    headers: { ...headers, connection: 'close' },
    rejectUnauthorized: false,
  };
  const onward = send(wanted);
  const arrived = new Promise<IncomingMessage>((resolve, reject) => {
    onward.once('response', resolve);
    onward.once('error', reject);
    request.once('close', () => {
      if (!request.complete) onward.destroy(new Error('the client has gone'));
    });
  });
  arrived.catch(() => undefined);
  if (fault === 'cut-upload' || fault === 'corrupt-upload') {
    const body = await whole(request);
    if (fault === 'cut-upload' && body.length > 0) {
      onward.write(body.subarray(0, placeIn(body, chance)));
      await pause(5);
      onward.destroy();
      return void request.socket.destroy();
    }
    onward.end(flipped(body, chance));
  } else {
    request.pipe(onward);
  }
  const answer = await arrived;
  if (fault === 'cut-answer') return void request.socket.destroy();
  if (fault === 'redirect' && answer.statusCode !== undefined && [200, 206].includes(answer.statusCode)) {
    answer.destroy();
    return void response.writeHead(307, { location: place(request), 'content-length': '0' }).end();
  }
  const { connection: _, 'keep-alive': __, ...passed } = answer.headers;
  const status = answer.statusCode ?? 502;
  if (fault === undefined || !BODY_FAULTS.includes(fault)) {
    response.writeHead(status, passed);
    response.once('close', () => answer.destroy());
    answer.once('error', () => response.destroy());
    answer.pipe(response);
    return;
  }
  const body = await whole(answer);
  const { 'transfer-encoding': ___, ...plain } = passed;
  if (fault === 'corrupt') {
    response.writeHead(status, { ...plain, 'content-length': body.length }).end(flipped(body, chance));
  } else if (fault === 'truncate') {
    const part = body.subarray(0, placeIn(body, chance));
    response.writeHead(status, { ...plain, 'content-length': part.length }).end(part);
  } else {
    response.writeHead(status, { ...plain, 'content-length': body.length });
    response.write(body.subarray(0, placeIn(body, chance)), () => request.socket.destroy());
    response.flushHeaders();
  }
}

async function whole(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function placeIn(body: Buffer, chance: number): number {
  return Math.floor(chance * body.length);
}

function flipped(body: Buffer, chance: number): Buffer {
  const copy = Buffer.from(body);
  if (copy.length > 0) {
    const place = placeIn(copy, chance);
    copy[place] = (copy[place] as number) ^ (1 << (Math.floor(chance * 8191) % 8));
  }
  return copy;
}
