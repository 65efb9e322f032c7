/** One connection pool a host for a whole command, with the credentials and TLS options that were given or stored. */
import { setFlagsFromString } from 'node:v8';
import { ChartError } from '../errors.js';
import type { Target } from '../oci/target.js';
import type { Credentials } from '../registry/credentials.js';
import type { RegistryOptions } from '../registry/registry.js';
import type { Context } from './context.js';
import type { ConnectionOptions } from './options.js';
import { readStdin } from './read-lists.js';
import type { Settings } from './settings.js';
import { printable } from './text.js';
import { version } from './version.js';

const PASSWORD_WARNING = 'WARNING: Using --password via the CLI is insecure. Use --password-stdin.\n';

/** Opens registries, each once, and closes them with the command. */
export async function connector(
  context: Context,
  settings: Settings,
  options: ConnectionOptions,
): Promise<(host: string) => Target> {
  const { openRegistry } = await import('../registry/registry.js');
  const given = await givenCredentials(context, options);
  const shared = registryOptions(context, settings, options);
  const registries = new Map<string, ReturnType<typeof openRegistry>>();
  context.onClose(async () => {
    await Promise.all([...registries.values()].map((registry) => registry.close()));
  });
  return (host) => {
    const [first] = registries.keys();
    if (given && first !== undefined && first !== host) throw twoHosts(first, host);
    const credentials = given ?? (() => storedCredentials(settings, host, context.signal));
    const registry = registries.get(host) ?? openRegistry(host, { ...shared, credentials });
    registries.set(host, registry);
    return registry;
  };
}

/** A password that was given for one registry is not for another. */
function twoHosts(first: string, second: string): ChartError {
  return new ChartError('USAGE', `--username and a password are for one registry, not for ${first} and ${second}`, {
    hint: 'Log in to each with chart registry login, or use one command for each.',
  });
}

/** What the options say of a connection; what they do not name is left to the registry client. */
export function registryOptions(
  context: Context,
  { proxy, systemCaFiles }: Pick<Settings, 'proxy' | 'systemCaFiles'>,
  options: ConnectionOptions,
): RegistryOptions {
  const { plainHttp, insecureSkipTlsVerify, caFile, certFile, keyFile } = options;
  // The HTTP parser is WebAssembly: to optimize it takes a processor longer than all that it parses for most commands.
  setFlagsFromString('--liftoff-only');
  return {
    plainHttp,
    insecureSkipTlsVerify,
    caFile,
    certFile,
    keyFile,
    proxy,
    systemCaFiles,
    userAgent: `chart/${version}`,
    ...(context.debug && {
      trace: ({ method, url, proxy: through, status, ms, error }) => {
        const way = through === undefined ? '' : ` through ${through}`;
        context.stderr.write(printable(`debug: ${method} ${url}${way} ${error ?? status} ${Math.round(ms)} ms`) + '\n');
      },
    }),
  };
}

export async function storedCredentials(
  settings: Settings,
  host: string,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const { readCredentials } = await import('../registry/credentials.js');
  return readCredentials(settings.credentialFiles, host, { signal });
}

export async function givenCredentials(context: Context, options: ConnectionOptions): Promise<Credentials | undefined> {
  const password = await givenPassword(context, options);
  if (options.username === undefined && password === undefined) return undefined;
  if (options.username === undefined || password === undefined) {
    throw new ChartError('USAGE', '--username and a password belong together', {
      hint: 'Give both, with --password-stdin, or neither, and log in with chart registry login.',
    });
  }
  return { username: options.username, password };
}

/** The password of `--password-stdin`, which wins, or of `--password`, which is warned of; without one line break at its end. */
export async function givenPassword(context: Context, options: ConnectionOptions): Promise<string | undefined> {
  if (options.passwordStdin) {
    return (await readStdin(context)).replace(/\n$/, '').replace(/\r$/, '');
  }
  if (options.password !== undefined && options.password !== '') {
    context.stderr.write(PASSWORD_WARNING);
    return options.password;
  }
  return undefined;
}
