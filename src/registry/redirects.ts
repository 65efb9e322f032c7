/** Redirects of reading requests, which registries use to hand out blobs from elsewhere. */
import { ChartError } from '../errors.js';
import { discard, headerOf } from './answers.js';
import { shownUrl } from './redact.js';
import type { WireRequest, WireResponse } from './transport.js';

const REDIRECTS_LIMIT = 10;
const STATUSES: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Sends a request and follows redirects of GET and HEAD. `Authorization` goes to the first origin only: not to another
 * host, port or scheme, and not back again (GHSA-vh4v-2xq2-g5cg). Never from https to http.
 *
 * @throws ChartError `REGISTRY_PROTOCOL` for a redirect that is not followed
 */
export async function followRedirects(
  exchange: (request: WireRequest) => Promise<WireResponse>,
  request: WireRequest,
): Promise<WireResponse> {
  let current = request;
  for (let hops = 0; ; hops += 1) {
    const response = await exchange(current);
    if (!STATUSES.includes(response.status) || (request.method !== 'GET' && request.method !== 'HEAD')) return response;
    await discard(response);
    if (hops === REDIRECTS_LIMIT) throw refused(request.url, `it goes on after ${REDIRECTS_LIMIT} of them`);
    const url = nextUrl(current.url, headerOf(response, 'location'));
    current = { ...current, url, headers: url.origin === current.url.origin ? (current.headers ?? {}) : bare(current) };
  }
}

function nextUrl(from: URL, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, from.href)) throw refused(from, 'it does not say where to');
  const url = new URL(location, from);
  url.username = '';
  url.password = '';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(from, `it leads to ${url.protocol}`);
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw refused(from, `it leads from https to ${shownUrl(url)}`);
  }
  return url;
}

/** Without what is meant for the first origin. */
function bare({ headers = {} }: WireRequest): Record<string, string> {
  const { authorization: _, ...others } = headers;
  return others;
}

function refused(url: URL, reason: string): ChartError {
  return new ChartError('REGISTRY_PROTOCOL', `a redirect of ${shownUrl(url)} is not followed: ${reason}`, {
    hint: 'The registry, or a proxy before it, is set up wrongly.',
  });
}
