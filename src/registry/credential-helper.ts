/**
 * Programs that keep credentials: `docker-credential-NAME get|store|erase`.
 * https://github.com/docker/docker-credential-helpers
 *
 *     get      in: the server     out: {"ServerURL":"...","Username":"...","Secret":"..."}
 *     store    in: that object
 *     erase    in: the server
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { ChartError, cancelled, systemErrorCode, throwIfCancelled } from '../errors.js';
import { isRecord } from '../oci/descriptor.js';
import { onAbort } from '../on-abort.js';
import { shownText } from './redact.js';
import type { Credentials, IdentityCredentials, PasswordCredentials } from './secrets.js';

export interface HelperOptions {
  /** The helper's environment; this process's own if absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds; 30,000 if absent. */
  readonly timeout?: number;
  /** Ends the helper. */
  readonly signal?: AbortSignal | undefined;
}

interface HelperCall extends HelperOptions {
  /** The file that names the helper, for errors. */
  readonly file: string;
}

const TIMEOUT = 30_000;
/** Stands for a user name where the secret is an identity token. */
const TOKEN_USER = '<token>';
const NOT_FOUND = /credentials not found/i;

/** @throws ChartError `CREDENTIALS_HELPER_FAILED` */
export async function readFromHelper(
  helper: string,
  server: string,
  call: HelperCall,
): Promise<Credentials | undefined> {
  const { failed, output } = await run(helper, 'get', server, call);
  if (failed && NOT_FOUND.test(output)) return undefined;
  if (failed) throw helperFailed(helper, call, `failed for ${server}: ${shownText(output)}`);
  const answer = parse(output);
  if (!answer) throw helperFailed(helper, call, `gave an answer for ${server} that cannot be read`);
  const { Username: username, Secret: secret } = answer;
  if (secret === '') return undefined;
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
}

/** @throws ChartError `CREDENTIALS_HELPER_FAILED` */
export async function storeInHelper(
  helper: string,
  server: string,
  credentials: PasswordCredentials | IdentityCredentials,
  call: HelperCall,
): Promise<void> {
  const [username, secret] =
    'identityToken' in credentials
      ? [TOKEN_USER, credentials.identityToken]
      : [credentials.username, credentials.password];
  const input = JSON.stringify({ ServerURL: server, Username: username, Secret: secret });
  const { failed, output } = await run(helper, 'store', input, call);
  if (failed)
    throw helperFailed(helper, call, `could not store credentials for ${server}: ${shownText(output, [secret])}`);
}

/** @throws ChartError `CREDENTIALS_HELPER_FAILED` */
export async function eraseFromHelper(helper: string, server: string, call: HelperCall): Promise<void> {
  const { failed, output } = await run(helper, 'erase', server, call);
  if (failed && !NOT_FOUND.test(output)) {
    throw helperFailed(helper, call, `could not remove the credentials for ${server}: ${shownText(output)}`);
  }
}

/** `output`: what the program wrote to standard output, or if that is nothing to standard error. */
async function run(
  helper: string,
  verb: string,
  input: string,
  call: HelperCall,
): Promise<{ failed: boolean; output: string }> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(helper)) {
    throw new ChartError(
      'CREDENTIALS_INVALID',
      `${call.file} names a credential helper ${JSON.stringify(helper)}, which is no name`,
    );
  }
  throwIfCancelled(call.signal);
  const child = spawn(`docker-credential-${helper}`, [verb], {
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
    ...(call.env && { env: call.env as NodeJS.ProcessEnv }),
  });
  const limit = call.timeout ?? TIMEOUT;
  let late = false;
  const end = (): void => {
    child.kill('SIGKILL');
    // A process that the helper started may hold these open.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const timer = setTimeout(() => {
    late = true;
    end();
  }, limit);
  const forget = onAbort(call.signal, end);
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  try {
    const [{ code, signal }, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    if (signal !== null && !late && !call.signal?.aborted) throw helperFailed(helper, call, `was ended by ${signal}`);
    return { failed: code !== 0, output: stdout.trim() === '' ? stderr : stdout };
  } catch (cause) {
    if (call.signal?.aborted) throw cancelled(call.signal);
    if (late) throw helperFailed(helper, call, `did not answer in ${limit / 1000} seconds`);
    if (systemErrorCode(cause) === 'ENOENT') throw helperFailed(helper, call, 'is not installed');
    if (cause instanceof ChartError) throw cause;
    throw helperFailed(helper, call, `cannot be run: ${(cause as Error).message}`, cause);
  } finally {
    clearTimeout(timer);
    forget();
  }
}

function parse(output: string): { Username: string; Secret: string } | undefined {
  try {
    const json: unknown = JSON.parse(output);
    if (!isRecord(json) || typeof json.Username !== 'string' || typeof json.Secret !== 'string') return undefined;
    return { Username: json.Username, Secret: json.Secret };
  } catch {
    return undefined;
  }
}

function helperFailed(helper: string, { file }: HelperCall, what: string, cause?: unknown): ChartError {
  return new ChartError('CREDENTIALS_HELPER_FAILED', `docker-credential-${helper} ${what}`, {
    hint: `${file} names it as the place for credentials: install it and put it in the PATH, or remove it from credsStore or credHelpers there.`,
    cause,
  });
}
