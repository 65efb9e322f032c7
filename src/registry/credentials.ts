/**
 * Credentials of registries, found, stored and removed in files of Docker's format (config-file.ts) and in the credential
 * helpers that these name (credential-helper.ts).
 */
import { type ConfigFile, changeConfigFile, readConfigFile } from './config-file.js';
import { eraseFromHelper, type HelperOptions, readFromHelper, storeInHelper } from './credential-helper.js';
import { credentialKeys, storageKey } from './endpoint.js';
import type { Credentials, IdentityCredentials, PasswordCredentials, TokenCredentials } from './secrets.js';

export type { Credentials, IdentityCredentials, PasswordCredentials, TokenCredentials };

/**
 * The credentials for a host: those of the first file that has any. A file that does not exist has none.
 *
 * @param host `HOST[:PORT]` as in references
 * @throws ChartError `CREDENTIALS_INVALID` for a file that cannot be read, `CREDENTIALS_HELPER_FAILED`
 *
 * @example
 * ```ts
 * import { readCredentials } from 'helm-chart-cache';
 *
 * console.log(await readCredentials(['/absent/config.json'], 'registry.example.com')); // undefined
 * ```
 */
export async function readCredentials(
  files: readonly string[],
  host: string,
  options: HelperOptions = {},
): Promise<Credentials | undefined> {
  for (const file of files) {
    const config = await readConfigFile(file);
    const found = config && (await readFrom(config, host, options));
    if (found) return found;
  }
  return undefined;
}

/**
 * The hosts that the files name, each once. No helper is asked: that could take long, or ask the user for something.
 *
 * @throws ChartError `CREDENTIALS_INVALID` for a file that cannot be read
 */
export async function listHosts(files: readonly string[]): Promise<string[]> {
  const configs = await Promise.all(files.map(readConfigFile));
  return [...new Set(configs.flatMap((config) => config?.hosts() ?? []))];
}

async function readFrom(config: ConfigFile, host: string, options: HelperOptions): Promise<Credentials | undefined> {
  const keys = credentialKeys(host);
  for (const { helper, key } of config.helpersFor(keys)) {
    const found = await readFromHelper(helper, key, { ...options, file: config.file });
    if (found) return found;
  }
  return config.credentials(keys);
}

/**
 * Stores credentials for a host, in place of what the file has for it; all else in the file stays. Where the file names a
 * credential helper, the secret goes there.
 *
 * @param host as a person typed it
 * @throws ChartError `CREDENTIALS_UNWRITABLE`, `CREDENTIALS_INVALID`, `CREDENTIALS_HELPER_FAILED`
 */
export async function saveCredentials(
  file: string,
  host: string,
  credentials: PasswordCredentials | IdentityCredentials,
  options: HelperOptions = {},
): Promise<void> {
  const key = storageKey(host);
  await changeConfigFile(file, async (config) => {
    const helper = config.helperFor(key);
    if (helper) await storeInHelper(helper, key, credentials, { ...options, file });
    config.set(key, helper ? undefined : credentials);
    return true;
  });
}

/**
 * Removes a host from all of the files, and from the helpers that they name.
 *
 * @param host as a person typed it when logging in
 * @returns whether there was anything to remove
 * @throws ChartError as {@link saveCredentials}, once every file has been tried
 */
export async function removeCredentials(
  files: readonly string[],
  host: string,
  options: HelperOptions = {},
): Promise<boolean> {
  let removed = false;
  let failure: { readonly error: unknown } | undefined;
  for (const file of files) {
    try {
      removed = (await removeFrom(file, host, options)) || removed;
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure) throw failure.error;
  return removed;
}

async function removeFrom(file: string, host: string, options: HelperOptions): Promise<boolean> {
  if (!(await readConfigFile(file))) return false;
  const keys = credentialKeys(host);
  let removed = false;
  await changeConfigFile(file, async (config) => {
    for (const { helper, key } of config.helpersFor(keys)) {
      if (!(await readFromHelper(helper, key, { ...options, file }))) continue;
      await eraseFromHelper(helper, key, { ...options, file });
      removed = true;
    }
    const deleted = keys.filter((key) => config.delete(key));
    removed ||= deleted.length > 0;
    return deleted.length > 0;
  });
  return removed;
}
