/** A real registry to test against: Debian's `docker-registry` (Distribution 2.8), started on a free port. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface DockerRegistryOptions {
  /** `four-digit`: one from 1024 to 9999, for output that was recorded with such a port. */
  readonly port?: 'any' | 'four-digit' | undefined;
  /** Passwords by user. Without it, and without `token`, everybody may do everything. */
  readonly htpasswd?: Readonly<Record<string, string>> | undefined;
  /** Have clients get a token; `certificates` is the PEM file that verifies it. */
  readonly token?:
    | { readonly realm: string; readonly service: string; readonly issuer: string; readonly certificates: string }
    | undefined;
  /** PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Whether it deletes; it does if absent. */
  readonly deletes?: boolean | undefined;
}

export interface DockerRegistry {
  /** `localhost:PORT` */
  readonly host: string;
  readonly port: number;
  /** `http://localhost:PORT` or `https://localhost:PORT` */
  readonly url: string;
  /** Where it keeps its content. */
  readonly storage: string;
  readonly pid: number;
  /** Ends it and removes its content. */
  stop(): Promise<void>;
}

/**
 * For the `skip` option of a test: why it cannot run here, or false. Fails where CHART_TEST_REQUIRE_TOOLS is set, so that
 * nothing is skipped there.
 */
export function requireTools(...names: readonly string[]): string | false {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return false;
  const reason = `not installed: ${missing.join(', ')}`;
  if (process.env.CHART_TEST_REQUIRE_TOOLS) throw new Error(reason);
  return reason;
}

export function isInstalled(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Resolves once the registry answers. Give `stop` to the test's `after`. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'chart-docker-registry-'));
  const storage = join(directory, 'storage');
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort(options.port ?? 'any');
    const config = join(directory, 'config.yml');
    await writeFile(config, await configuration(options, { port, directory, storage }));
    const child = spawn('docker-registry', ['serve', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: serverEnvironment(),
    });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    const stop = async (): Promise<void> => {
      process.removeListener('exit', kill);
      await end(child);
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    };
    const url = `${options.tls ? 'https' : 'http'}://localhost:${port}`;
    const log = await untilReady(child, url);
    if (log === undefined) return { host: `localhost:${port}`, port, url, storage, pid: child.pid ?? 0, stop };
    process.removeListener('exit', kill);
    await end(child);
    if (attempt === 5) throw new Error(`docker-registry does not start:\n${log}`);
  }
}

async function configuration(
  { htpasswd, token, tls, deletes = true }: DockerRegistryOptions,
  { port, directory, storage }: { port: number; directory: string; storage: string },
): Promise<string> {
  const config: Record<string, unknown> = {
    version: '0.1',
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: storage },
      delete: { enabled: deletes },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: {
      addr: `127.0.0.1:${port}`,
      secret: 'test',
      ...(tls && { tls: { certificate: tls.cert, key: tls.key } }),
    },
  };
  if (htpasswd) {
    const file = join(directory, 'htpasswd');
    const lines = Object.entries(htpasswd).map(([user, password]) =>
      execFileSync('htpasswd', ['-Bbn', '-C', '4', user, password], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim(),
    );
    await writeFile(file, `${lines.join('\n')}\n`);
    config.auth = { htpasswd: { realm: 'test', path: file } };
  }
  if (token) {
    const { realm, service, issuer, certificates } = token;
    config.auth = { token: { realm, service, issuer, rootcertbundle: certificates } };
  }
  return JSON.stringify(config, null, 2);
}

/** Without what configures a registry or sends it through a proxy. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(?:REGISTRY_|OTEL_|.*_PROXY$|.*_proxy$)/.test(name),
  );
  return Object.fromEntries(entries);
}

/** Undefined once it answers; what it wrote, if it ends before. */
async function untilReady(child: ChildProcess, url: string): Promise<string | undefined> {
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4000);
  });
  let ended = false;
  child.once('error', (error) => {
    ended = true;
    log += error.message;
  });
  child.once('exit', () => {
    ended = true;
  });
  for (let waited = 0; waited < 20_000 && !ended; waited += 20) {
    if (await answers(`${url}/v2/`)) return undefined;
    await pause(20);
  }
  return log === '' ? 'no answer in time' : log;
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = url.startsWith('https:') ? httpsRequest(url, { rejectUnauthorized: false }) : httpRequest(url);
    request.setHeader('connection', 'close');
    request.on('error', () => resolve(false));
    request.on('response', (response) => {
      response.resume();
      resolve(response.headers['docker-distribution-api-version'] !== undefined);
    });
    request.end();
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(kind: 'any' | 'four-digit' = 'any'): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const wanted = kind === 'any' ? 0 : 1024 + Math.floor(Math.random() * (10_000 - 1024));
    const port = await tryPort(wanted);
    if (port !== undefined) return port;
  }
  throw new Error('no free port');
}

function tryPort(wanted: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
