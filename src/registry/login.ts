/** Whether a registry lets credentials in, asked in the way of `helm registry login`. */
import { ChartError } from '../errors.js';
import type { CallOptions } from '../oci/target.js';
import { headersOf } from './answers.js';
import { parseChallenges } from './challenge.js';
import { bareHost, isLoopbackName, namesScheme } from './endpoint.js';
import { WireFault } from './faults.js';
import type { Pong } from './ping.js';
import { openRegistry, type RegistryOptions } from './registry.js';
import type { Credentials } from './secrets.js';

export interface LoginAttempt {
  /** `https://HOST/v2/` */
  readonly url: string;
  readonly error: ChartError;
}

export interface LoginResult {
  /** What let the credentials in: `https://HOST/v2/`. */
  readonly url: string;
  /** What was tried before, in this order. */
  readonly failed: readonly LoginAttempt[];
}

/**
 * Asks the registry to let the credentials in; nothing is stored. Loopback hosts are asked by TLS first and then without, as
 * Helm does; others without TLS only where the options say so.
 *
 * @param typed the host as a person typed it: a scheme and what follows the first slash do not count
 * @throws ChartError `CREDENTIALS_REJECTED`, and what the network does
 */
export async function login(
  typed: string,
  credentials: Credentials,
  options: Omit<RegistryOptions, 'credentials'> & CallOptions = {},
): Promise<LoginResult> {
  checkCredentials(credentials);
  const host = bareHost(typed);
  const guess = !namesScheme(options) && isLoopbackName(host.toLowerCase());
  const failed: LoginAttempt[] = [];
  if (guess) {
    try {
      return { url: await attempt(host, credentials, { ...options, plainHttp: false }), failed };
    } catch (error) {
      if (!(error instanceof WireFault) || !(error.plainAnswer || error.code === 'REGISTRY_UNREACHABLE')) throw error;
      failed.push({ url: `https://${host}/v2/`, error });
    }
  }
  if (!guess) return { url: await attempt(host, credentials, options), failed };
  await attempt(host, credentials, { ...options, plainHttp: true });
  return { url: `http://${host}/v2/`, failed };
}

async function attempt(
  host: string,
  credentials: Credentials,
  options: RegistryOptions & CallOptions,
): Promise<string> {
  const registry = openRegistry(host, { ...options, credentials });
  const url = `${registry.endpoint.origin}/v2/`;
  try {
    const pong = await registry.ping(options);
    if (pong.error) throw rejection(pong, pong.error, credentials);
    return pong.url;
  } catch (error) {
    throw inHelmsWords(error, url);
  } finally {
    await registry.close();
  }
}

function rejection({ url, refusal }: Pong, { code, hint }: ChartError, credentials: Credentials): ChartError {
  const usable = 'password' in credentials && credentials.username !== '' && credentials.password !== '';
  const challenges = refusal ? parseChallenges(headersOf(refusal.response, 'www-authenticate')) : [];
  const basic = challenges.length > 0 && challenges.every(({ scheme }) => scheme === 'basic');
  if (refusal?.response.status === 401 && basic && !usable) {
    return new ChartError('CREDENTIALS_REJECTED', `Get "${url}": no basic auth credentials`, {
      hint: 'This registry wants a user name and a password: give --username, too.',
    });
  }
  const words = refusal?.words ? `${bareHost(url)} says: ${refusal.words}.` : undefined;
  return new ChartError(code, `login attempt to ${url} failed with status: ${refusal?.status}`, {
    hint: code === 'CREDENTIALS_REJECTED' ? (words ?? 'Check the user name and the password.') : (words ?? hint),
  });
}

function inHelmsWords(error: unknown, url: string): unknown {
  if (!(error instanceof WireFault)) return error;
  const { code, summary, hint, transient, retryAfter, plainAnswer } = error;
  if (code !== 'CREDENTIALS_REJECTED') {
    return new WireFault(code, summary, { summary, hint, transient, retryAfter, plainAnswer, cause: error });
  }
  return new ChartError(code, `login attempt to ${url} failed with status: 401 Unauthorized`, {
    hint: `${summary}.`,
    cause: error,
  });
}

function checkCredentials(credentials: Credentials): void {
  if ('password' in credentials && credentials.username.includes(':')) {
    throw new ChartError('CREDENTIALS_INVALID', 'a user name cannot hold a colon');
  }
}
