/**
 * Lists that come in pages, each of which names the next in a `Link` header.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 *
 *     GET /v2/PATH/tags/list?n=1000    {"name":"PATH","tags":["1.0.0","1.1.0"]}
 *     GET /v2/_catalog?n=1000          {"repositories":["a/b","c"]}
 */
import { ChartError } from '../errors.js';
import { isRecord } from '../oci/descriptor.js';
import { isRepositoryPath, isTag } from '../oci/reference.js';
import type { CallOptions } from '../oci/target.js';
import { headersOf, readWhole } from './answers.js';
import type { Client } from './client.js';
import { shownUrl } from './redact.js';
import { pathOf, type RepositoryContext, scopesOf } from './repository-context.js';
import type { WireResponse } from './transport.js';

const PAGE = 1000;
const PAGES_LIMIT = 1000;
/** Bytes; some registries send everything in one page, whatever was asked for. */
const PAGE_LIMIT = 32 * 1024 * 1024;
/** Bytes of all pages: who asked keeps what they hold. */
const LIST_LIMIT = 64 * 1024 * 1024;
/** Names of all pages: a page of the shortest ones takes many times its bytes. */
const NAMES_LIMIT = PAGE * PAGES_LIMIT;

interface ListRequest extends CallOptions {
  readonly url: string;
  readonly scopes: readonly string[];
  readonly member: 'tags' | 'repositories';
  /** Names the list in errors: `list the tags of HOST/PATH`. */
  readonly what: string;
  /** What to throw for a 404. */
  readonly missing: string;
  readonly hint?: string;
}

/** Tags as the registry has them, `_` for `+`. @throws ChartError `MANIFEST_NOT_FOUND` if there is no such repository */
export async function* listTags(repository: RepositoryContext, { signal }: CallOptions): AsyncGenerator<string> {
  const names = listPages(repository.client, {
    url: pathOf(repository, `tags/list?n=${PAGE}`),
    scopes: scopesOf(repository, 'pull'),
    member: 'tags',
    what: `list the tags of ${repository.fullName}`,
    missing: `${repository.fullName}: not found`,
    hint: `Check the name. Some registries say so of what they show only after chart registry login ${repository.client.host}.`,
    signal,
  });
  for await (const name of names) if (isTag(name)) yield name;
}

/** Every repository of the registry, where it tells: many public ones do not. */
export async function* listRepositories(client: Client, { signal }: CallOptions): AsyncGenerator<string> {
  const names = listPages(client, {
    url: `/v2/_catalog?n=${PAGE}`,
    scopes: ['registry:catalog:*'],
    member: 'repositories',
    what: 'list its repositories',
    missing: `${client.host} does not list its repositories`,
    signal,
  });
  for await (const name of names) if (isRepositoryPath(name)) yield name;
}

async function* listPages(client: Client, request: ListRequest): AsyncGenerator<string> {
  const { scopes, member, what, missing, signal } = request;
  const asked = new Set<string>();
  let bytes = 0;
  let count = 0;
  let url: URL | undefined = new URL(request.url, client.endpoint.origin);
  while (url !== undefined && !asked.has(url.href)) {
    if (asked.add(url.href).size > PAGES_LIMIT) {
      throw tooMuch(`${client.host} has more than ${PAGES_LIMIT} pages to ${what}`);
    }
    const response: WireResponse = await client.send({ method: 'GET', url, scopes, signal });
    if (response.status === 404) {
      await client.readRefusal(response);
      throw new ChartError('MANIFEST_NOT_FOUND', missing, { hint: request.hint });
    }
    if (response.status !== 200) throw await client.refusal(response, { what });
    const body = await readWhole(response, { limit: PAGE_LIMIT, what: 'a list', signal });
    bytes += body.length;
    if (bytes > LIST_LIMIT) throw tooMuch(`${client.host} sends more than ${LIST_LIMIT} bytes to ${what}`);
    const names = namesOf(body, member, client.host);
    count += names.length;
    if (count > NAMES_LIMIT) throw tooMuch(`${client.host} sends more than ${NAMES_LIMIT} names to ${what}`);
    yield* names;
    url = nextPage(response, client);
  }
}

function tooMuch(message: string): ChartError {
  return new ChartError('LIMIT_EXCEEDED', message, {
    hint: 'Name what is wanted by its full reference: that needs no list. If the registry is not so large, it, or a proxy before it, is at fault.',
  });
}

function namesOf(body: Buffer, member: ListRequest['member'], host: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch (cause) {
    throw new ChartError('REGISTRY_PROTOCOL', `${host} answers with a list that is not JSON`, { cause });
  }
  const names = isRecord(json) ? (json[member] ?? []) : undefined;
  if (!Array.isArray(names)) throw new ChartError('REGISTRY_PROTOCOL', `${host} answers with a list without ${member}`);
  return names.filter((name): name is string => typeof name === 'string');
}

/** `Link: </v2/PATH/tags/list?n=1000&last=x>; rel="next"`, on the registry's own origin. RFC 8288 */
export function nextPage(response: WireResponse, client: Client): URL | undefined {
  const links = headersOf(response, 'link').flatMap((header) => [...header.matchAll(/<([^<>]*)>((?:\s*;[^,<]*)?)/g)]);
  const target = links.find(([, , parameters]) => /;\s*rel\s*=\s*"?next"?/i.test(parameters ?? ''))?.[1];
  if (target === undefined) return undefined;
  if (!URL.canParse(target, response.url.href)) {
    throw new ChartError('REGISTRY_PROTOCOL', `${client.host} names a next page that is no URL`);
  }
  const url = new URL(target, response.url);
  if (url.host === new URL(client.endpoint.origin).host)
    return new URL(`${url.pathname}${url.search}`, client.endpoint.origin);
  throw new ChartError('REGISTRY_PROTOCOL', `${client.host} names a next page elsewhere: ${shownUrl(url)}`, {
    hint: 'It was not asked for. The registry, or a proxy before it, is set up wrongly.',
  });
}
