/** The options of `serve`, and what they must not be together. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ChartError } from '../errors.js';
import { isHost } from '../oci/reference.js';
import { DEFAULT_LIMITS, type Limits } from '../server/limits.js';
import { isName } from '../server/names.js';
import { DEFAULT_TIMEOUTS, type ServerTimeouts } from '../server/timeouts.js';
import { parseCount, parseSize, parseTime } from './quantities.js';

export interface ServeOptions {
  readonly addr: string;
  readonly port?: number;
  readonly prefix?: string;
  readonly prefer?: string;
  readonly public?: string;
  readonly writable?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly htpasswd?: string;
  readonly anonymousRead?: boolean;
  readonly insecureAllowAnonymousWrite?: boolean;
  readonly accessLog?: 'combined' | 'json';
  readonly maxBlobSize: number;
  readonly maxManifestSize: number;
  readonly maxHeaderSize: number;
  readonly maxUploads: number;
  readonly maxConnections: number;
  readonly uploadTimeout: number;
  readonly headerTimeout: number;
  readonly requestTimeout: number;
  readonly idleTimeout: number;
  readonly keepAliveTimeout: number;
  readonly shutdownTimeout: number;
}

export function addServeOptions(command: Command): Command {
  return command
    .option('--addr <host:port>', 'where to listen; port 0 takes a free one', '127.0.0.1:5000')
    .addOption(new Option('--port <port>', 'the port alone, instead of the one in --addr').argParser(parsePort))
    .addOption(
      new Option('--prefix <prefix>', 'serve only this host or repository and those below it').argParser(parsePrefix),
    )
    .addOption(
      new Option('--prefer <host>', 'whose chart a short name means where hosts share it').argParser(parseHost),
    )
    .addOption(
      new Option('--public <url>', 'where clients reach this, for the lines to copy on its pages').argParser(
        parsePublic,
      ),
    )
    .option('--writable', 'let clients push and delete')
    .option('--tls-cert <file>', 'serve HTTPS with this certificate (PEM); read again at SIGHUP')
    .option('--tls-key <file>', 'and its key')
    .option(
      '--htpasswd <file>',
      'let in only who is in this file (bcrypt, as "htpasswd -B" writes it); read again at SIGHUP',
    )
    .option('--anonymous-read', 'with --htpasswd: let everybody read')
    .option('--insecure-allow-anonymous-write', 'let everybody who reaches this machine push and delete')
    .addOption(
      new Option('--access-log <format>', 'a line on standard output for every request').choices(['combined', 'json']),
    )
    .addOption(size('--max-blob-size <size>', 'largest blob that is taken', DEFAULT_LIMITS.blob, '4GiB'))
    .addOption(size('--max-manifest-size <size>', 'largest manifest that is taken', DEFAULT_LIMITS.manifest, '4MiB'))
    .addOption(size('--max-header-size <size>', 'largest head of a request', 16 * 1024, '16KiB'))
    .addOption(count('--max-uploads <count>', 'uploads that may be open at once', DEFAULT_LIMITS.uploads))
    .addOption(count('--max-connections <count>', 'connections at once', 4096))
    .addOption(time('--upload-timeout <duration>', 'drop an upload without requests', DEFAULT_LIMITS.uploadIdle, '1h'))
    .addOption(time('--header-timeout <duration>', "until a request's head is there", DEFAULT_TIMEOUTS.headers, '15s'))
    .addOption(time('--request-timeout <duration>', 'until a request is there', DEFAULT_TIMEOUTS.request, '12h'))
    .addOption(time('--idle-timeout <duration>', 'without a byte during a request', DEFAULT_TIMEOUTS.idle, '2m'))
    .addOption(time('--keep-alive-timeout <duration>', 'between two requests', DEFAULT_TIMEOUTS.keepAlive, '95s'))
    .addOption(
      time('--shutdown-timeout <duration>', 'for what is under way at SIGTERM', DEFAULT_TIMEOUTS.close, '30s'),
    );
}

function size(flags: string, description: string, value: number, shown: string): Option {
  return new Option(flags, description).argParser(parseSize).default(value, shown);
}

function time(flags: string, description: string, value: number, shown: string): Option {
  return new Option(flags, description).argParser(parseTime).default(value, shown);
}

function count(flags: string, description: string, value: number): Option {
  return new Option(flags, description).argParser(parseCount).default(value);
}

/** @throws ChartError `USAGE` for options that do not go together */
export function checkServeOptions(options: ServeOptions): void {
  const { tlsCert, tlsKey, htpasswd, anonymousRead, writable, insecureAllowAnonymousWrite, maxManifestSize } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw usage('--tls-cert and --tls-key go together', 'Name both files, or neither.');
  }
  if (anonymousRead && htpasswd === undefined) {
    throw usage('--anonymous-read needs --htpasswd', 'Without a password file everybody may read already.');
  }
  if (insecureAllowAnonymousWrite && !writable) {
    throw usage('--insecure-allow-anonymous-write needs --writable', 'Without it nobody may write.');
  }
  if (insecureAllowAnonymousWrite && htpasswd !== undefined) {
    throw usage('--insecure-allow-anonymous-write and --htpasswd exclude each other', 'Leave out one of them.');
  }
  if (maxManifestSize > DEFAULT_LIMITS.manifest) {
    throw usage('--max-manifest-size is at most 4MiB', 'What is larger, no client of registries reads.');
  }
}

export function limitsOf(options: ServeOptions): Partial<Limits> {
  return {
    blob: options.maxBlobSize,
    manifest: options.maxManifestSize,
    uploads: options.maxUploads,
    uploadIdle: options.uploadTimeout,
  };
}

export function timeoutsOf(options: ServeOptions): ServerTimeouts {
  return {
    headers: options.headerTimeout,
    request: options.requestTimeout,
    idle: options.idleTimeout,
    keepAlive: options.keepAliveTimeout,
    close: options.shutdownTimeout,
  };
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** @throws ChartError `USAGE` */
export function addressOf({ addr, port }: ServeOptions): Address {
  const match = /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[^:\s]*)):(?<port>\d{1,5})$/.exec(addr);
  const own = Number(match?.groups?.port);
  if (!match || own > 65535) {
    throw usage(
      `${JSON.stringify(addr)} is not HOST:PORT`,
      'Write 127.0.0.1:5000, [::1]:5000, or 127.0.0.1:0 for a free port.',
    );
  }
  return { host: match.groups?.v6 ?? (match.groups?.name || '127.0.0.1'), port: port ?? own };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) throw new InvalidArgumentError('It is a number from 0, for a free one, to 65535.');
  return port;
}

function parsePublic(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isAddress =
    url && /^https?:$/.test(url.protocol) && isHost(url.host) && !url.username && !url.search && !url.hash;
  if (!isAddress) throw new InvalidArgumentError('It is an address such as https://charts.example.com.');
  return text;
}

function parsePrefix(text: string): string {
  const prefix = text.replace(/^oci:\/\//, '').replace(/\/$/, '');
  if (!isName(prefix) && !isHost(prefix)) throw new InvalidArgumentError('It is a host or a repository.');
  return prefix;
}

function parseHost(text: string): string {
  if (!isHost(text)) throw new InvalidArgumentError('It is a host, such as registry.example.com.');
  return text;
}

function usage(message: string, hint: string): ChartError {
  return new ChartError('USAGE', message, { hint });
}
