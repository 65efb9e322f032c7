/** What is served beside the API, by path. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { addRoute, createRouter, findRoute } from 'rou3';
import type { Site } from './handler.js';

/** Answers GET and HEAD of one path; for HEAD `node:http` leaves the body out. */
export type Page = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** A site of fixed paths. */
export function createPages(pages: Readonly<Record<string, Page>>): Site {
  const router = createRouter<Page>();
  for (const [path, page] of Object.entries(pages)) addRoute(router, 'GET', path, page);
  return async (request, response) => {
    const path = (request.url ?? '').replace(/[?#].*$/s, '');
    const page = path.startsWith('/') ? findRoute(router, 'GET', path)?.data : undefined;
    if (page === undefined) return false;
    await page(request, response);
    return true;
  };
}

/** The first of several sites that has an answer. */
export function joinSites(...sites: readonly Site[]): Site {
  return async (request, response) => {
    for (const site of sites) if (await site(request, response)) return true;
    return false;
  };
}

/**
 * For whoever watches over the server. Both say nothing about what is served, so they ask for no password.
 *
 *     GET /healthz    200 while the program runs at all
 *     GET /readyz     200 while requests can be answered, else 503
 *
 * @param isReady resolves where they can, rejects where not
 */
export function createProbes(isReady: () => Promise<void>): Site {
  return createPages({
    '/healthz': (_request, response) => say(response, 200, 'ok\n'),
    '/readyz': (_request, response) =>
      isReady().then(
        () => say(response, 200, 'ready\n'),
        () => say(response, 503, 'not ready\n'),
      ),
  });
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': text.length,
    'Cache-Control': 'no-store',
  });
  response.end(text);
}
