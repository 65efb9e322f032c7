/** The hosts of a mirror run, each with its own credentials and TLS options: those of the mirror file, else those of the command. */
import { ChartError } from '../errors.js';
import type { Target } from '../oci/target.js';
import type { HostSettings } from '../operations/mirror/mirror-file.js';
import type { Downloads } from '../registry/downloads.js';
import type { PasswordCredentials } from '../registry/secrets.js';
import type { RepositoryAddress } from '../repository/address.js';
import type { Fetch } from '../repository/fetch.js';
import { registryOptions, storedCredentials } from './connect.js';
import type { Context } from './context.js';
import type { ConnectionOptions } from './options.js';
import type { Settings } from './settings.js';

export interface MirrorConnectionOptions {
  readonly options: ConnectionOptions & {
    readonly passCredentials?: boolean | undefined;
    /** The mirror file, as it was given. */
    readonly file?: string | undefined;
  };
  /** Of the mirror file, by `HOST[:PORT]`. */
  readonly hosts: ReadonlyMap<string, HostSettings>;
  /** What --username and the password are for. */
  readonly given?: { readonly host: string; readonly credentials: PasswordCredentials } | undefined;
  /** Hosts that are spoken to without TLS. */
  readonly plainHosts: ReadonlySet<string>;
  /** Connections to one host at the same time. */
  readonly connections: number;
}

export interface MirrorConnections {
  readonly connect: (host: string) => Target;
  readonly openWeb: (address: RepositoryAddress) => Fetch;
}

/** Opens each host once, and closes all with the command. */
export async function mirrorConnections(
  context: Context,
  settings: Settings,
  { options, hosts, given, plainHosts, connections }: MirrorConnectionOptions,
): Promise<MirrorConnections> {
  const { openRegistry } = await import('../registry/registry.js');
  const { openDownloads } = await import('../registry/downloads.js');
  const registries = new Map<string, ReturnType<typeof openRegistry>>();
  const downloads: Downloads[] = [];
  context.onClose(async () => {
    await Promise.all([...registries.values(), ...downloads].map((each) => each.close()));
  });
  const shared = (host: string) => {
    const own = hosts.get(host);
    const plainHttp = own?.plainHttp ?? (plainHosts.has(host) ? true : options.plainHttp);
    return {
      ...registryOptions(context, settings, { ...options, ...own, ...(plainHttp !== undefined && { plainHttp }) }),
      connections,
    };
  };
  const known = (host: string): PasswordCredentials | undefined =>
    credentialsOf(host, hosts.get(host), settings, options.file) ??
    (given?.host === host ? given.credentials : undefined);
  return {
    connect(host) {
      const credentials = known(host) ?? (() => storedCredentials(settings, host, context.signal));
      const registry = registries.get(host) ?? openRegistry(host, { ...shared(host), credentials });
      registries.set(host, registry);
      return registry;
    },
    openWeb({ base, credentials }) {
      const passCredentials = hosts.get(base.host)?.passCredentials ?? options.passCredentials;
      const opened = openDownloads(base, {
        ...shared(base.host),
        credentials: credentials ?? known(base.host),
        passCredentials,
      });
      downloads.push(opened);
      return (url, use, request) => opened.read(url, use, request);
    },
  };
}

/** @throws ChartError `CREDENTIALS_NOT_FOUND` where a variable is not set */
function credentialsOf(
  host: string,
  own: HostSettings | undefined,
  settings: Settings,
  file: string | undefined,
): PasswordCredentials | undefined {
  if (own?.passwordEnv === undefined) return undefined;
  const read = (name: string): string => {
    const value = settings.variable(name);
    if (value) return value;
    throw new ChartError(
      'CREDENTIALS_NOT_FOUND',
      `the environment variable ${name}, which the mirror file names for ${host}, is not set`,
      {
        hint: `Set it: ${name}=... chart mirror -f ${file ?? 'FILE'}`,
      },
    );
  };
  return { username: own.username ?? read(own.usernameEnv as string), password: read(own.passwordEnv) };
}
