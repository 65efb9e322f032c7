/**
 * A token server that a real registry trusts: signs what it is asked for, for those who may have it.
 * https://distribution.github.io/distribution/spec/auth/jwt/
 */
import { randomUUID, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificates.js';

export interface TokenServerOptions {
  /** Signs the tokens; the registry must have the certificate. */
  readonly signer: Certificate;
  /** Passwords by user; who has one may do everything. Others may pull. */
  readonly users: Readonly<Record<string, string>>;
  /** Seconds that a token lasts. */
  readonly life?: number;
}

export interface TokenServer {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** The scopes of each token that was given. */
  readonly given: string[][];
  stop(): Promise<void>;
}

export async function startTokenServer({ signer, users, life = 300 }: TokenServerOptions): Promise<TokenServer> {
  const [service, issuer] = ['test registry', 'test issuer'];
  const given: string[][] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    const user = userOf(request, users);
    if (user === 'unknown') {
      response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}');
      return;
    }
    const scopes = url.searchParams.getAll('scope');
    given.push(scopes);
    const access = scopes.map((scope) => {
      const [type, name, actions = ''] = scope.split(':');
      return { type, name, actions: actions.split(',').filter((action) => user !== undefined || action === 'pull') };
    });
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      sub: user ?? '',
      aud: service,
      exp: now + life,
      nbf: now - 10,
      iat: now,
      jti: randomUUID(),
      access,
    };
    const body = { token: jwt(claims, signer), expires_in: life, issued_at: new Date().toISOString() };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    service,
    issuer,
    given,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The user, `unknown` for a wrong password, undefined for nobody. */
function userOf({ headers }: IncomingMessage, users: TokenServerOptions['users']): string | undefined {
  if (headers.authorization === undefined) return undefined;
  const [user = '', password] = Buffer.from(headers.authorization.replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':');
  return users[user] !== undefined && users[user] === password ? user : 'unknown';
}

function jwt(claims: object, { pem }: Certificate): string {
  const header = { typ: 'JWT', alg: 'ES256', x5c: [new X509Certificate(pem.cert).raw.toString('base64')] };
  const content = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signature = sign('sha256', Buffer.from(content), { key: pem.key, dsaEncoding: 'ieee-p1363' });
  return `${content}.${signature.toString('base64url')}`;
}
