/**
 * What is served beside the registry's API, to people and to Helm's chart repositories: a request handler over a catalog.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ChartCatalog } from './catalog.js';
import { send } from './reply.js';
import { ChartRepositories, parseRepositoryRoute } from './repository.js';

/** Answers GET and HEAD. Resolves to false, with the response untouched, where there is nothing. */
export type SiteHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export interface SiteOptions {
  /** Where clients reach this, as `https://charts.example.com`; what the request says if absent. */
  readonly publicUrl?: string | undefined;
}

export function createSite(catalog: ChartCatalog, _options: SiteOptions = {}): SiteHandler {
  const repositories = new ChartRepositories(catalog);
  return async (request, response) => {
    const segments = parsePath(request.url ?? '');
    const route = segments && parseRepositoryRoute(segments);
    const reply = route && (await repositories.answer(route));
    if (!reply) return false;
    await send(request, response, reply);
    return true;
  };
}

/** The path between its slashes, decoded; undefined for one that is not well-formed. */
function parsePath(url: string): string[] | undefined {
  if (!url.startsWith('/')) return undefined;
  const path = url.slice(1).split('?', 1)[0] as string;
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
