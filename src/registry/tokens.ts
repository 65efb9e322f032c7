/**
 * Tokens for a bearer challenge.
 * https://distribution.github.io/distribution/spec/auth/token/ and /oauth/
 *
 *     nobody              GET  realm?service=S&scope=A&scope=B
 *     user and password   GET  realm?service=S&scope=A&scope=B      Authorization: Basic
 *     identity token      POST realm  grant_type=refresh_token&refresh_token=...; where there is no POST, a GET as above
 */
import { ChartError } from '../errors.js';
import { isRecord } from '../oci/descriptor.js';
import { discard, readWhole } from './answers.js';
import { readRefusal, refusalError } from './refusals.js';
import type { Clock } from './retry.js';
import { basicAuthorization, type Credentials } from './secrets.js';
import type { WireRequest, WireResponse } from './transport.js';

export interface TokenRequest {
  /** Checked: see realm.ts. */
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
}

export interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

export interface TokenDependencies {
  readonly exchange: (request: WireRequest) => Promise<WireResponse>;
  readonly clock: Clock;
  /** The registry's host, for errors. */
  readonly host: string;
  readonly secrets: ReadonlySet<string>;
}

const TOKEN_BODY_LIMIT = 1024 * 1024;
/** Seconds that a token lasts if nobody says; and at least, whatever they say. */
const SHORTEST_LIFE = 60;
/** Answers of token servers without OAuth2, some of which answer 401 to any POST. */
const NO_OAUTH: readonly number[] = [400, 401, 404, 405, 501];
const CLIENT = 'helm-chart-cache';

/** @throws ChartError `CREDENTIALS_REJECTED`, `REGISTRY_UNAUTHORIZED`, `REGISTRY_PROTOCOL`, and what the network does */
export async function fetchToken(
  dependencies: TokenDependencies,
  request: TokenRequest,
  credentials: Credentials | undefined,
): Promise<Token> {
  const { exchange, clock, host, secrets } = dependencies;
  const response = await ask(exchange, request, credentials);
  if (response.status !== 200) {
    const refusal = await readRefusal(response, secrets);
    const what = `give a token (asked ${request.realm.host})`;
    const status = response.status === 403 ? 401 : response.status;
    throw refusalError(
      { ...refusal, response: { ...response, status } },
      { host, what, identified: credentials !== undefined, now: clock.now() },
    );
  }
  const started = clock.now();
  const body = await readWhole(response, { limit: TOKEN_BODY_LIMIT, what: 'the token' });
  return parseToken(body.toString(), started, request.realm.host);
}

async function ask(
  exchange: TokenDependencies['exchange'],
  request: TokenRequest,
  credentials: Credentials | undefined,
): Promise<WireResponse> {
  if (credentials === undefined || 'registryToken' in credentials) return exchange(getRequest(request, undefined));
  if ('password' in credentials) return exchange(getRequest(request, basicAuthorization(credentials)));
  const { username = '<token>', identityToken } = credentials;
  const response = await exchange(refreshRequest(request, identityToken));
  if (!NO_OAUTH.includes(response.status)) return response;
  await discard(response);
  return exchange(getRequest(request, basicAuthorization({ username, password: identityToken })));
}

function getRequest({ realm, service, scopes }: TokenRequest, authorization: string | undefined): WireRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.append('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return { method: 'GET', url, ...(authorization !== undefined && { headers: { authorization } }) };
}

function refreshRequest({ realm, service, scopes }: TokenRequest, refreshToken: string): WireRequest {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: CLIENT, refresh_token: refreshToken });
  if (service !== undefined) form.append('service', service);
  if (scopes.length > 0) form.append('scope', scopes.join(' '));
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url: realm, headers, body: Buffer.from(form.toString()) };
}

function parseToken(body: string, now: number, host: string): Token {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    json = undefined;
  }
  const members = isRecord(json) ? json : {};
  const value = members.token || members.access_token;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new ChartError('REGISTRY_PROTOCOL', `${host} gave no token that could be used`, {
      hint: 'Its answer must be JSON with "token" or "access_token".',
    });
  }
  const seconds = Number(members.expires_in);
  const life = Number.isFinite(seconds) ? Math.max(seconds, SHORTEST_LIFE) : SHORTEST_LIFE;
  return { value, expires: now + life * 1000 };
}
