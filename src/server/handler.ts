/**
 * The distribution API over a Target, as a request handler.
 *
 *     createServer(createHandler(target, { writable: true }))
 *
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#api
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServableTarget } from '../oci/target.js';
import type { Access } from './access.js';
import { type AccessRecord, watch } from './access-record.js';
import { blobEndpoints } from './blobs.js';
import { ignoreBody } from './bodies.js';
import { Buffers } from './buffers.js';
import { catalogEndpoints } from './catalog.js';
import { Refusal } from './errors.js';
import { answer, COMMON_HEADERS, type Endpoint, type Endpoints, type Exchange, type Service } from './exchange.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { manifestEndpoints } from './manifests.js';
import { isServed } from './names.js';
import { referrersEndpoints } from './referrers.js';
import { refuse } from './refuse.js';
import { parseRoute, type Route } from './routes.js';
import { scopeTarget } from './scope.js';
import { tagsEndpoints } from './tags.js';
import { Uploads } from './upload-sessions.js';
import { uploadEndpoints, uploadsEndpoints } from './uploads.js';

/**
 * Answers GET and HEAD of what is not the API's, such as pages for people: everything outside `/v2/`. It may answer in any way
 * that `node:http` has (a `Content-Length` tells the access record how much), or resolve to false without having touched the
 * response: that is a 404. What it throws before the head is sent becomes an answer as for the API. `response` has
 * `X-Content-Type-Options` already.
 */
export type Site = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

/** What a handler serves, and to whom it reports. */
export interface HandlerOptions {
  /** False refuses every method but GET and HEAD. */
  readonly writable: boolean;
  /** Serves only repositories of this name or below it. */
  readonly prefix?: string | undefined;
  /** The host that a short name means where several hosts have it. */
  readonly prefer?: string | undefined;
  /** What is served beside the API; nothing if absent. */
  readonly site?: Site | undefined;
  /** Who is let in; everybody if absent. */
  readonly access?: Access | undefined;
  /** What is served beside the API to everybody, before {@link access} is asked. */
  readonly probes?: Site | undefined;
  /** Told of every request when it is over. */
  readonly onRequest?: ((record: AccessRecord) => void) | undefined;
  /** Told of what a client learns only as 500 and above, and of content that turned out to be damaged. */
  readonly onError?: ((error: unknown) => void) | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** Serves requests, and says how much it has to do. */
export interface Handler {
  (request: IncomingMessage, response: ServerResponse): void;
  /** Requests under way. */
  readonly openRequests: number;
  /** Uploads that were begun and are not at their end. */
  readonly openUploads: number;
  /** Drops uploads that were given up, also those of before a restart. To be called now and then while it writes. */
  sweepUploads(): Promise<void>;
}

const CLIENT_GONE = 499;

const ENDPOINTS: Readonly<Record<Route['kind'], Endpoints>> = {
  base: { GET: answerBase, HEAD: answerBase },
  catalog: catalogEndpoints,
  manifest: manifestEndpoints,
  blob: blobEndpoints,
  uploads: uploadsEndpoints,
  upload: uploadEndpoints,
  tags: tagsEndpoints,
  referrers: referrersEndpoints,
};

/**
 * Never throws, and answers every request that is not cut off. Paths outside the API are the site's, else answered with 404.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { createHandler, openLayout } from 'helm-chart-cache';
 *
 * const layout = openLayout('./cache');
 * const server = createServer(createHandler(layout, { writable: false }));
 * await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
 * const { port } = server.address() as { port: number };
 * const response = await fetch(`http://127.0.0.1:${port}/v2/`);
 * console.log(response.status); // 200
 * server.close();
 * await layout.close();
 * ```
 */
export function createHandler(whole: ServableTarget, options: HandlerOptions): Handler {
  const { onRequest, onError, now = Date.now } = options;
  const target = options.prefix === undefined ? whole : scopeTarget(whole, (name) => isServed(options, name));
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const uploads = new Uploads(target, limits, options.now ?? (() => performance.now()));
  const service: Service = {
    target,
    names: { target, prefix: options.prefix, prefer: options.prefer },
    limits,
    uploads,
    buffers: new Buffers(),
    exclusively: createQueue(),
    onError: (error) => onError?.(error),
  };
  let openRequests = 0;
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url = '' } = request;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const search = mark < 0 ? '' : url.slice(mark + 1);
    const state: Exchange['state'] = { status: CLIENT_GONE, bytes: 0, reading: false, kind: 'none' };
    const exchange: Exchange = { ...service, request, response, method, search, state };
    openRequests += 1;
    const tell = onRequest && watch(exchange, onRequest, now);
    response.once('close', () => {
      openRequests -= 1;
      tell?.();
    });
    response.on('error', ignore);
    const served = isApi(path) ? serveApi(exchange, path, options) : serveSite(exchange, options);
    served.catch((error) => refuse(exchange, error));
  };
  return Object.defineProperties(handle, {
    openRequests: { get: () => openRequests },
    openUploads: { get: () => uploads.open },
    sweepUploads: { value: () => uploads.sweep() },
  }) as Handler;
}

function isApi(path: string): boolean {
  return path === '/v2' || path.startsWith('/v2/');
}

async function serveSite(exchange: Exchange, { site, probes, access }: HandlerOptions): Promise<void> {
  const { request, response, method, state } = exchange;
  state.kind = 'site';
  const reading = method === 'GET' || method === 'HEAD';
  if (reading) {
    ignoreBody(exchange);
    // Before the record is made of it.
    response.prependOnceListener('close', () => {
      if (!response.headersSent) return;
      state.status = response.statusCode;
      if (method === 'GET') state.bytes = Number(response.getHeader('Content-Length') ?? 0);
    });
    // With one header set, those of writeHead can be read afterwards.
    response.setHeader('X-Content-Type-Options', COMMON_HEADERS['X-Content-Type-Options']);
    if (await probes?.(request, response)) return;
  }
  await access?.({ request, reading, isBase: false });
  if (!reading) throw notAllowed('pages are for reading', ['GET', 'HEAD']);
  if (!(await site?.(request, response))) throw nothingHere();
}

async function serveApi(exchange: Exchange, path: string, { writable, access }: HandlerOptions): Promise<void> {
  const { method, request, state } = exchange;
  const reading = method === 'GET' || method === 'HEAD';
  const isBase = path === '/v2/' || path === '/v2';
  const entered = access?.({ request, reading, isBase });
  if (entered) await entered;
  if (!reading && !writable) throw notAllowed('this registry is read-only', ['GET', 'HEAD']);
  if (!reading && request.headers.origin !== undefined) throw fromPage();
  const route = parseRoute(path);
  if (route === undefined) throw nothingHere();
  state.kind = route.kind;
  const endpoint = endpointOf(ENDPOINTS[route.kind], method);
  if (reading || method === 'DELETE') ignoreBody(exchange);
  await endpoint(exchange, route);
}

/** A page that somebody has open in a browser may reach this machine when its author cannot; no client of registries sends this header. */
function fromPage(): Refusal {
  return new Refusal(403, 'DENIED', 'this registry takes no changes from pages in a browser');
}

function endpointOf(endpoints: Endpoints, method: string): Endpoint {
  if (Object.hasOwn(endpoints, method)) return endpoints[method as keyof Endpoints] as Endpoint;
  throw notAllowed('the method is not supported here', Object.keys(endpoints));
}

function nothingHere(): Refusal {
  return new Refusal(404, 'UNSUPPORTED', 'there is nothing under this path');
}

function notAllowed(message: string, methods: readonly string[]): Refusal {
  return new Refusal(405, 'UNSUPPORTED', message, { headers: { Allow: methods.join(', ') } });
}

function answerBase(exchange: Exchange): void {
  answer(exchange, 200, { 'Content-Type': 'application/json' }, '{}');
}

/** Runs what it is given one after the other. */
function createQueue(): Service['exclusively'] {
  let last: Promise<unknown> = Promise.resolve();
  return (change) => {
    const result = last.then(change, change);
    last = result.catch(ignore);
    return result;
  };
}

function ignore(): void {}
