/**
 * The credentials of one registry, turned into `Authorization` headers: Basic, or tokens kept by service and scope until
 * they expire. Concurrent requests that need the same token share one request for it.
 */
import { type Challenge, parseChallenges } from './challenge.js';
import { checkRealm } from './realm.js';
import { basicAuthorization, type Credentials } from './secrets.js';
import { fetchToken, type Token, type TokenDependencies } from './tokens.js';

export type CredentialLookup = () => Promise<Credentials | undefined>;

export interface AuthorizerOptions extends Omit<TokenDependencies, 'secrets'> {
  /** The registry's own origin; nothing is ever said to another one but its token realm. */
  readonly origin: string;
  /** Asked at the first challenge, once. */
  readonly lookup: CredentialLookup;
}

type Scheme =
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | undefined };

/** Milliseconds before its end at which a token is no longer used. */
const MARGIN = 10_000;

export class Authorizer {
  /** All that must never be shown. */
  readonly secrets = new Set<string>();
  readonly #options: AuthorizerOptions;
  #scheme: Scheme | undefined;
  #credentials: Promise<Credentials | undefined> | undefined;
  #lookupError: unknown;
  readonly #tokens = new Map<string, Token>();
  readonly #fetches = new Map<string, Promise<Token>>();
  /** Scopes that the registry named beyond those asked for, by the key of these. */
  readonly #wider = new Map<string, readonly string[]>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** Whether the registry has asked for credentials before. */
  get isAsked(): boolean {
    return this.#scheme !== undefined;
  }

  /** What to send before the registry asks: undefined until it has asked once. */
  async authorization(scopes: readonly string[]): Promise<string | undefined> {
    if (this.#scheme === undefined) return undefined;
    const credentials = await this.#lookup();
    return this.#scheme.kind === 'basic' ? this.#basic(credentials) : this.#bearer(this.#scheme, scopes, credentials);
  }

  /**
   * What to send instead of `used` after a 401, or undefined if there is nothing better.
   *
   * @param challenges the values of `WWW-Authenticate`
   * @throws ChartError `REGISTRY_PROTOCOL` for a realm that gets no credentials; what the token server refuses
   */
  async renew(
    challenges: readonly string[],
    scopes: readonly string[],
    used: string | undefined,
  ): Promise<string | undefined> {
    const parsed = parseChallenges(challenges);
    const bearer = parsed.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
    const credentials = await this.#lookup();
    const renewed = bearer
      ? await this.#answerBearer(bearer, scopes, used, credentials)
      : parsed.some(({ scheme }) => scheme === 'basic')
        ? this.#answerBasic(credentials)
        : undefined;
    return renewed === used ? undefined : renewed;
  }

  /** True if there were credentials to send. */
  async identified(): Promise<boolean> {
    return this.#credentials !== undefined && (await this.#credentials) !== undefined;
  }

  /** Why there were no credentials, where looking for them failed. It does not matter to a registry that asks for none. */
  get lookupError(): unknown {
    return this.#lookupError;
  }

  #lookup(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#options.lookup().then(
      (credentials) => {
        for (const secret of secretsOf(credentials)) this.secrets.add(secret);
        return credentials;
      },
      (error: unknown) => {
        this.#lookupError = error;
        return undefined;
      },
    );
    return this.#credentials;
  }

  #answerBasic(credentials: Credentials | undefined): string | undefined {
    this.#scheme = { kind: 'basic' };
    return this.#basic(credentials);
  }

  #basic(credentials: Credentials | undefined): string | undefined {
    if (!credentials || !('password' in credentials)) return undefined;
    return credentials.username && credentials.password ? basicAuthorization(credentials) : undefined;
  }

  async #answerBearer(
    { parameters }: Challenge,
    scopes: readonly string[],
    used: string | undefined,
    credentials: Credentials | undefined,
  ): Promise<string> {
    const realm = checkRealm(parameters.get('realm'), new URL(this.#options.origin));
    const scheme = { kind: 'bearer', realm, service: parameters.get('service') } as const;
    this.#scheme = scheme;
    const named = parameters.get('scope')?.split(' ').filter(Boolean) ?? [];
    const wider = named.filter((scope) => !scopes.includes(scope) && !covers(scopes, scope));
    if (wider.length > 0) this.#wider.set(keyOf(scopes), wider);
    this.#forget(used);
    return this.#bearer(scheme, scopes, credentials);
  }

  #forget(used: string | undefined): void {
    for (const [key, { value }] of this.#tokens) if (used === `Bearer ${value}`) this.#tokens.delete(key);
  }

  async #bearer(
    { realm, service }: Scheme & { kind: 'bearer' },
    scopes: readonly string[],
    credentials: Credentials | undefined,
  ): Promise<string> {
    if (credentials && 'registryToken' in credentials) return `Bearer ${credentials.registryToken}`;
    const all = [...scopes, ...(this.#wider.get(keyOf(scopes)) ?? [])];
    const key = `${realm.href} ${service ?? ''} ${keyOf(all)}`;
    const token = this.#tokens.get(key);
    if (token && token.expires - MARGIN > this.#options.clock.now()) return `Bearer ${token.value}`;
    const { value } = await this.#share(key, () => {
      const dependencies = { ...this.#options, secrets: this.secrets };
      return fetchToken(dependencies, { realm, service, scopes: all }, credentials);
    });
    return `Bearer ${value}`;
  }

  async #share(key: string, fetch: () => Promise<Token>): Promise<Token> {
    const under = this.#fetches.get(key);
    if (under) return under;
    const fetching = fetch().then((token) => {
      this.secrets.add(token.value);
      this.#tokens.set(key, token);
      return token;
    });
    this.#fetches.set(key, fetching);
    try {
      return await fetching;
    } finally {
      this.#fetches.delete(key);
    }
  }
}

function keyOf(scopes: readonly string[]): string {
  return [...scopes].sort().join(' ');
}

/** True if one of `scopes` asks for the same resource with all actions of `scope`. */
function covers(scopes: readonly string[], scope: string): boolean {
  const cut = scope.lastIndexOf(':');
  const actions = scope.slice(cut + 1).split(',');
  return scopes.some((own) => {
    const ownCut = own.lastIndexOf(':');
    const ownActions = own.slice(ownCut + 1).split(',');
    return own.slice(0, ownCut) === scope.slice(0, cut) && actions.every((action) => ownActions.includes(action));
  });
}

function secretsOf(credentials: Credentials | undefined): string[] {
  if (!credentials) return [];
  if ('identityToken' in credentials) return [credentials.identityToken];
  if ('registryToken' in credentials) return [credentials.registryToken];
  return [credentials.password, basicAuthorization(credentials).slice('Basic '.length)].filter(Boolean);
}
