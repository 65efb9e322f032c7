/**
 * Who may do what: with a password file, everybody in it everything, and others nothing or, where that is wanted, only read.
 * https://www.rfc-editor.org/rfc/rfc7617
 */
import type { IncomingMessage } from 'node:http';
import { Refusal } from './errors.js';
import type { Passwords } from './passwords.js';

/** A request about to be served. */
export interface Attempt {
  readonly request: IncomingMessage;
  /** True for GET and HEAD. */
  readonly reading: boolean;
  /** True for `/v2/` itself, where clients find out whether to log in, and whether they did. */
  readonly isBase: boolean;
}

/**
 * Lets a request through, at once or when the promise resolves.
 *
 * @throws Refusal `UNAUTHORIZED` (401), `TOOMANYREQUESTS` (429); also as the promise's rejection
 */
export type Access = (attempt: Attempt) => Promise<void> | undefined;

export interface AccessOptions {
  /** Asked for every request, so that a file that is read anew counts from then on. */
  readonly passwords: () => Passwords;
  /** Lets everybody read. */
  readonly anonymousRead?: boolean | undefined;
}

/**
 * A password that is wrong is refused also where none is needed, so that its user learns of it. For the same reason `/v2/`
 * always asks for one: `login` has nothing else to go by, and clients send a password only to who asks.
 */
export function createAccess({ passwords, anonymousRead = false }: AccessOptions): Access {
  return ({ request, reading, isBase }) => {
    const { authorization } = request.headers;
    const given = authorization === undefined ? undefined : parseBasic(authorization);
    if (given === undefined) {
      if (anonymousRead && reading && !isBase) return undefined;
      throw unauthorized();
    }
    const known = passwords();
    if (known.isProven(given.user, given.password)) return undefined;
    return known.check(given.user, given.password).then((isRight) => {
      if (!isRight) throw unauthorized('the user name or password is wrong');
    });
  };
}

/** Undefined for a user and password that are both empty, as some clients without either send them. @throws Refusal */
function parseBasic(header: string): { user: string; password: string } | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/_-]+={0,2}) *$/i.exec(header) ?? [];
  if (encoded === undefined) throw unauthorized();
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw unauthorized();
  if (text === ':') return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function unauthorized(message = 'a user name and password are needed'): Refusal {
  return new Refusal(401, 'UNAUTHORIZED', message, {
    headers: { 'WWW-Authenticate': 'Basic realm="chart", charset="UTF-8"' },
  });
}
