/**
 * Where things are, by Helm's rules. The one file that reads environment variables.
 *
 *     cache         $HELM_CACHE_HOME, else $XDG_CACHE_HOME/helm, else the platform's cache directory, then registry/cache
 *     credentials   $HELM_REGISTRY_CONFIG alone, else under Helm's configuration home registry/config.json and
 *                   registry.json, else $DOCKER_CONFIG/config.json
 *     proxies       $HTTPS_PROXY, $HTTP_PROXY and $NO_PROXY, each also in lower case
 *     authorities   $SSL_CERT_FILE and $NODE_EXTRA_CA_CERTS, beside the system's
 *     fsync         not where $CHART_NO_FSYNC is true, as with --no-fsync
 *     colours       not where $NO_COLOR is anything (https://no-color.org), or $TERM is dumb
 *     keyring       pubring.gpg in $GNUPGHOME, else in ~/.gnupg
 *
 * Helm runs plugins with $HELM_PLUGIN_NAME, and always with $HELM_REGISTRY_CONFIG. Where that is Helm's own default, the user has
 * chosen nothing: logins go there, and are looked for in all the files.
 */
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import envPaths from 'env-paths';
import type { LayerFlavour } from '../artifact.js';
import { ChartError } from '../errors.js';
import type { ProxySettings } from '../registry/proxy.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Settings {
  readonly cacheDirectory: string;
  /** `--cache-dir` or $HELM_CACHE_HOME, which hold a cache or are to; undefined for the usual place. */
  readonly chosenPlace: string | undefined;
  /** Files to read credentials from, first hit for the host wins. */
  readonly credentialFiles: readonly string[];
  /** The file that `login` writes. */
  readonly loginFile: string;
  /** Helm's own files, from which `logout` removes the host. */
  readonly logoutFiles: readonly string[];
  readonly proxy: ProxySettings;
  /** Certificate authorities that count as the system's, beside those that it has. */
  readonly systemCaFiles: readonly string[];
  /** The public keys of those whose signatures count. */
  readonly keyring: string;
  readonly flavour: LayerFlavour;
  /** Whether files are on the disk before they are said to be stored. */
  readonly fsync: boolean;
  /** Milliseconds; undefined for the usual time. */
  readonly lockTimeout: number | undefined;
  /** Whether `flavour` was asked for. */
  readonly flavourGiven: boolean;
  /** The value of an environment variable that a mirror file names. */
  readonly variable: (name: string) => string | undefined;
  readonly debug: boolean;
  /** Whether text on a terminal may have colours. */
  readonly colour: boolean;
  /** `dumb` is a terminal that can do nothing but show text. */
  readonly terminalType: string | undefined;
}

export interface SettingsFlags {
  readonly cacheDir?: string | undefined;
  readonly registryConfig?: string | undefined;
  readonly mediaType?: string | undefined;
  readonly keyring?: string | undefined;
  /** False for `--no-fsync`. */
  readonly fsync?: boolean | undefined;
  readonly lockTimeout?: number | undefined;
  readonly debug?: boolean | undefined;
}

/** @param environment defaults to the process's own */
export function readSettings(flags: SettingsFlags, environment: Environment = process.env): Settings {
  const configHome = helmHome(environment, 'config');
  const helmFiles = [join(configHome, 'registry', 'config.json'), join(configHome, 'registry.json')];
  const named = environment.HELM_REGISTRY_CONFIG || undefined;
  const usual = isHelmPlugin(environment) ? helmFiles.find((file) => file === named) : undefined;
  const registryConfig = flags.registryConfig || (usual === undefined ? named : undefined);
  const docker = join(environment.DOCKER_CONFIG || join(userHome(environment), '.docker'), 'config.json');
  return {
    cacheDirectory: flags.cacheDir || join(helmHome(environment, 'cache'), 'registry', 'cache'),
    chosenPlace: flags.cacheDir || environment.HELM_CACHE_HOME || undefined,
    credentialFiles: registryConfig ? [registryConfig] : [...helmFiles, docker],
    loginFile: registryConfig ?? usual ?? (helmFiles[0] as string),
    logoutFiles: registryConfig ? [registryConfig] : helmFiles,
    proxy: proxySettings(environment),
    systemCaFiles: [environment.SSL_CERT_FILE, environment.NODE_EXTRA_CA_CERTS].flatMap((file) => file || []),
    keyring: flags.keyring || join(environment.GNUPGHOME || join(userHome(environment), '.gnupg'), 'pubring.gpg'),
    flavour: parseFlavour(flags.mediaType ?? environment.CHART_MEDIA_TYPE),
    fsync: flags.fsync !== false && !isTrue(environment.CHART_NO_FSYNC),
    lockTimeout: flags.lockTimeout,
    flavourGiven: Boolean(flags.mediaType ?? environment.CHART_MEDIA_TYPE),
    variable: (name) => environment[name],
    debug: flags.debug ?? isTrue(environment.HELM_DEBUG),
    colour: !environment.NO_COLOR && environment.TERM !== 'dumb',
    terminalType: environment.TERM,
  };
}

/** What people type to run the program. */
export function readProgramName(environment: Environment = process.env): string {
  return isHelmPlugin(environment) ? 'helm chart' : 'chart';
}

function isHelmPlugin(environment: Environment): boolean {
  return environment.HELM_PLUGIN_NAME === 'chart';
}

/** Helm's directories: $HELM_CACHE_HOME or $XDG_CACHE_HOME/helm on every platform, then what the platform says. */
function helmHome(environment: Environment, kind: 'cache' | 'config'): string {
  const own = environment[kind === 'cache' ? 'HELM_CACHE_HOME' : 'HELM_CONFIG_HOME'];
  if (own) return own;
  const xdg = environment[kind === 'cache' ? 'XDG_CACHE_HOME' : 'XDG_CONFIG_HOME'];
  if (xdg) return join(xdg, 'helm');
  if (process.platform === 'win32') {
    return join((kind === 'cache' ? environment.TEMP : environment.APPDATA) || tmpdir(), 'helm');
  }
  return envPaths('helm', { suffix: '' })[kind];
}

function userHome(environment: Environment): string {
  return environment.HOME || homedir();
}

/** Under CGI, HTTP_PROXY is what a visitor sent in a header `Proxy` (CVE-2016-5385). */
function proxySettings(environment: Environment): ProxySettings {
  const named = (name: string): string | undefined => environment[name] || environment[name.toLowerCase()] || undefined;
  return {
    httpProxy: environment.REQUEST_METHOD ? undefined : named('HTTP_PROXY'),
    httpsProxy: named('HTTPS_PROXY'),
    noProxy: named('NO_PROXY'),
  };
}

function parseFlavour(text: string | undefined): LayerFlavour {
  if (text === undefined || text === '' || text === 'legacy') return 'legacy';
  if (text === 'current') return 'current';
  throw new ChartError('USAGE', `unknown media type ${JSON.stringify(text)}`, {
    hint: 'It is "legacy" (application/tar+gzip, readable by Helm 3.6.3) or "current" (what Helm 3.7 and later write).',
  });
}

function isTrue(text: string | undefined): boolean {
  return text !== undefined && /^(?:1|t|true|yes|on)$/i.test(text);
}
