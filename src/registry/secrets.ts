/** What a registry can know somebody by. */

export interface PasswordCredentials {
  readonly username: string;
  readonly password: string;
}

/** A refresh token, to be exchanged for tokens at the registry's token server. */
export interface IdentityCredentials {
  readonly identityToken: string;
  readonly username?: string;
}

/** A token to be sent to the registry as it is. */
export interface TokenCredentials {
  readonly registryToken: string;
}

export type Credentials = PasswordCredentials | IdentityCredentials | TokenCredentials;

/** The value of an `Authorization` header. RFC 7617 */
export function basicAuthorization({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
