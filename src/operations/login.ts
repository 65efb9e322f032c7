/** Credentials of registries: tried, stored, removed. */
import { ChartError } from '../errors.js';
import {
  type IdentityCredentials,
  listHosts,
  type PasswordCredentials,
  removeCredentials,
  saveCredentials,
} from '../registry/credentials.js';
import { bareHost } from '../registry/endpoint.js';
import { login } from '../registry/login.js';
import type { RegistryOptions } from '../registry/registry.js';

export interface LoginDependencies {
  /** The credential file to write. */
  readonly file: string;
  readonly connection: Omit<RegistryOptions, 'credentials'>;
  readonly signal?: AbortSignal | undefined;
  /** Told when the registry was reached in another way than the one tried first. */
  readonly onNotice?: ((text: string) => void) | undefined;
}

/**
 * Tries the credentials and stores them if the registry lets them in.
 *
 * @throws ChartError `CREDENTIALS_REJECTED`, `REGISTRY_UNREACHABLE`, ...: nothing is stored then
 *
 * @example
 * ```ts
 * import { loginRegistry } from 'helm-chart-cache';
 *
 * await loginRegistry(
 *   { file: './config.json', connection: { plainHttp: true } },
 *   { host: '127.0.0.1:5000', credentials: { username: 'me', password: 'secret' } },
 * );
 * ```
 */
export async function loginRegistry(
  { file, connection, signal, onNotice }: LoginDependencies,
  { host, credentials }: { host: string; credentials: PasswordCredentials | IdentityCredentials },
): Promise<void> {
  const { failed, url } = await login(host, credentials, { ...connection, signal });
  for (const attempt of failed) onNotice?.(`${attempt.url} did not answer with TLS; logged in at ${url} without`);
  await saveCredentials(file, host, credentials, { signal });
}

/**
 * @throws ChartError `CREDENTIALS_NOT_FOUND` where no file has the host
 *
 * @example
 * ```ts
 * import { isChartError, logoutRegistry } from 'helm-chart-cache';
 *
 * const error = await logoutRegistry({ files: ['./config.json'] }, 'registry.example.com').catch((fault) => fault);
 * console.log(isChartError(error, 'CREDENTIALS_NOT_FOUND')); // true
 * ```
 */
export async function logoutRegistry(
  { files, signal }: { files: readonly string[]; signal?: AbortSignal | undefined },
  host: string,
): Promise<void> {
  if (await removeCredentials(files, host, { signal })) return;
  const [stored] = (await listHosts(files)).filter((other) => bareHost(other) === bareHost(host));
  throw new ChartError('CREDENTIALS_NOT_FOUND', 'not logged in', {
    hint: stored
      ? `It was logged in to as ${stored}: chart registry logout ${stored}`
      : `${host} is in none of ${files.join(', ')}.`,
  });
}
