/**
 * What is served beside the registry's API, to people and to Helm's chart repositories: a request handler over a catalog.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ChartCatalog } from './catalog.js';
import { Pages } from './pages.js';
import { type Reply, send } from './reply.js';
import { ChartRepositories, parseRepositoryRoute } from './repository.js';

/** Answers GET and HEAD. Resolves to false, with the response untouched, where there is nothing. */
export type SiteHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export interface SiteOptions {
  /** Where clients reach this, as `https://charts.example.com`; what the request says if absent. */
  readonly publicUrl?: string | undefined;
}

export function createSite(catalog: ChartCatalog, options: SiteOptions = {}): SiteHandler {
  const repositories = new ChartRepositories(catalog);
  const pages = new Pages(catalog, repositories, options);
  const answer = async (request: IncomingMessage): Promise<Reply | undefined> => {
    const { url = '' } = request;
    const mark = url.indexOf('?');
    const path = decodePath(mark < 0 ? url : url.slice(0, mark));
    if (path === undefined) return undefined;
    const route = parseRepositoryRoute(path);
    if (route) return repositories.answer(route);
    return pages.answer(request, path.join('/'), new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)));
  };
  return async (request, response) => {
    const reply = (await answer(request)) ?? (wantsPage(request) ? pages.notFound(request) : undefined);
    if (!reply) return false;
    await send(request, response, reply);
    return true;
  };
}

/** The path between its slashes, decoded; undefined for one that is not well-formed. */
function decodePath(path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  try {
    return path.slice(1).split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** A browser says so; other clients read the status. */
function wantsPage({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes('text/html') ?? false;
}
