/**
 * Files of Docker's format.
 *
 *     {
 *     	"auths": {
 *     		"registry.example.com": {"auth": "BASE64 OF USER:PASSWORD"},
 *     		"other.example.com": {"identitytoken": "..."}
 *     	},
 *     	"credHelpers": {"HOST": "NAME OF A HELPER"},
 *     	"credsStore": "NAME OF A HELPER FOR ALL OTHERS"
 *     }
 *
 * No message holds anything of a file's content but names of hosts and helpers.
 */
import { readFile } from 'node:fs/promises';
import { ChartError, systemErrorCode } from '../errors.js';
import { isRecord } from '../oci/descriptor.js';
import { replaceConfigFile } from './config-write.js';
import { bareHost } from './endpoint.js';
import { findJsonFault } from './json-fault.js';
import type { Credentials, IdentityCredentials, PasswordCredentials } from './secrets.js';

type Json = Record<string, unknown>;

export class ConfigFile {
  readonly file: string;
  readonly json: Json;

  /** @throws ChartError `CREDENTIALS_INVALID` naming the place, never the content */
  constructor(file: string, text: string) {
    this.file = file;
    this.json = this.#parse(text.replace(/^\uFEFF/, ''));
  }

  /** The hosts that it has credentials or helpers for, as they are written there. */
  hosts(): string[] {
    return [...Object.keys(this.#auths()), ...Object.keys(this.#object(this.json.credHelpers, 'credHelpers'))];
  }

  /** The helper that keeps the credentials of a host, if one does. */
  helperFor(key: string): string | undefined {
    return this.#helperNamed(key) ?? this.#helper(this.json.credsStore);
  }

  /** The helpers that may have the credentials of a host with several names, each with the name to ask for. */
  helpersFor(keys: readonly string[]): { readonly helper: string; readonly key: string }[] {
    const [first = ''] = keys;
    return keys.flatMap((key) => {
      const helper = key === first ? this.helperFor(key) : this.#helperNamed(key);
      return helper === undefined ? [] : [{ helper, key }];
    });
  }

  /** What the file itself holds under the first of the names that it has: first exactly, then without scheme and path. */
  credentials(keys: readonly string[]): Credentials | undefined {
    const auths = this.#auths();
    const names = [
      ...keys.filter((key) => Object.hasOwn(auths, key)),
      ...Object.keys(auths).filter((name) => !keys.includes(name) && keys.includes(bareHost(name))),
    ];
    for (const name of names) {
      const found = this.#entry(name, auths[name]);
      if (found) return found;
    }
    return undefined;
  }

  /** Without credentials: the entry stays as a sign that a helper has them. */
  set(key: string, credentials: PasswordCredentials | IdentityCredentials | undefined): void {
    const auths = this.#auths();
    const { auth, username, password, identitytoken, registrytoken, ...others } = this.#object(auths[key], key);
    const secret =
      credentials === undefined
        ? {}
        : 'identityToken' in credentials
          ? { identitytoken: credentials.identityToken }
          : { auth: Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64') };
    const entries = Object.entries(auths).filter(([name]) => name !== key);
    entries.push([key, { ...secret, ...others }]);
    this.json.auths = Object.fromEntries(entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  }

  /** @returns whether it was there */
  delete(key: string): boolean {
    const auths = this.#auths();
    return Object.hasOwn(auths, key) && delete auths[key];
  }

  /** As Helm 3.6.3 writes it: indented with tabs, no line break at the end. */
  format(): string {
    return JSON.stringify(this.json, null, '\t');
  }

  #parse(text: string): Json {
    if (text.trim() === '') return {};
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      const { line, column } = findJsonFault(text);
      throw this.#invalid(`it is not JSON from line ${line}, column ${column} on`);
    }
    if (!isRecord(json)) throw this.#invalid('it is not a JSON object');
    return json;
  }

  #helperNamed(key: string): string | undefined {
    const helpers = this.#object(this.json.credHelpers, 'credHelpers');
    return Object.hasOwn(helpers, key) ? this.#helper(helpers[key]) : undefined;
  }

  #helper(name: unknown): string | undefined {
    if (name === undefined || name === null || name === '') return undefined;
    if (typeof name !== 'string') throw this.#invalid('it names a credential helper that is not a string');
    return name;
  }

  #auths(): Json {
    return this.#object(this.json.auths, 'auths');
  }

  #object(value: unknown, name: string): Json {
    if (value === undefined || value === null) return {};
    if (!isRecord(value)) throw this.#invalid(`${JSON.stringify(name)} is not an object`);
    return value;
  }

  #entry(name: string, value: unknown): Credentials | undefined {
    const { auth, username, password, identitytoken, registrytoken } = this.#object(value, name);
    const decoded = typeof auth === 'string' && auth !== '' ? this.#decode(name, auth) : undefined;
    const user = decoded?.username ?? (typeof username === 'string' ? username : '');
    const secret = decoded?.password ?? (typeof password === 'string' ? password : '');
    if (typeof identitytoken === 'string' && identitytoken !== '') {
      return { identityToken: identitytoken, ...(user !== '' && { username: user }) };
    }
    if (typeof registrytoken === 'string' && registrytoken !== '') return { registryToken: registrytoken };
    return user === '' && secret === '' ? undefined : { username: user, password: secret };
  }

  #decode(name: string, auth: string): PasswordCredentials {
    const text = Buffer.from(auth, 'base64').toString();
    const colon = text.indexOf(':');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(auth) || colon < 0) {
      throw this.#invalid(`"auth" of ${JSON.stringify(name)} is not USER:PASSWORD in base64`);
    }
    return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/^\0+|\0+$/g, '') };
  }

  #invalid(reason: string): ChartError {
    return new ChartError('CREDENTIALS_INVALID', `${this.file} cannot be used: ${reason}`, {
      hint: 'Correct the file, or remove it and log in again.',
    });
  }
}

/** Undefined if there is no such file. @throws ChartError `CREDENTIALS_INVALID` */
export async function readConfigFile(file: string): Promise<ConfigFile | undefined> {
  try {
    return new ConfigFile(file, await readFile(file, 'utf8'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined;
    if (error instanceof ChartError) throw error;
    throw new ChartError('CREDENTIALS_INVALID', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Reads, changes and replaces a file while no other process does.
 *
 * @param change resolves to whether there is anything to write
 * @throws ChartError `CREDENTIALS_UNWRITABLE`, and what `change` throws
 */
export async function changeConfigFile(file: string, change: (config: ConfigFile) => Promise<boolean>): Promise<void> {
  await replaceConfigFile(file, async () => {
    const config = (await readConfigFile(file)) ?? new ConfigFile(file, '');
    return (await change(config)) ? config.format() : undefined;
  });
}
