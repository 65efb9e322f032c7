/**
 * Answers that refuse, as errors. The registry's own words are kept, bounded and cleaned.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
import { STATUS_CODES } from 'node:http';
import type { ChartErrorCode } from '../errors.js';
import { isRecord } from '../oci/descriptor.js';
import { readWhole } from './answers.js';
import { WireFault } from './faults.js';
import { peculiarHint } from './known-registries.js';
import { shownText } from './redact.js';
import { isTransientStatus, readRetryAfter } from './retry.js';
import type { WireResponse } from './transport.js';

/** An answer that was read to its end because it refuses something. */
export interface Refusal {
  readonly response: WireResponse;
  /** `401 Unauthorized` */
  readonly status: string;
  /** The first error code of the body, such as `MANIFEST_UNKNOWN`, in upper case; or undefined. */
  readonly code: string | undefined;
  /** `CODE: message` of the first error of the body, fit to be shown; or empty. */
  readonly words: string;
}

const ERROR_BODY_LIMIT = 64 * 1024;

/** Reads the body of an answer that refuses. Never fails: a body that cannot be read says nothing. */
export async function readRefusal(response: WireResponse, secrets: Iterable<string> = []): Promise<Refusal> {
  const { status } = response;
  const body = response.method === 'HEAD' ? '' : await readText(response);
  const { code, message } = firstErrorOf(body);
  const words = [code, message].filter(Boolean).join(': ');
  return {
    response,
    status: STATUS_CODES[status] ? `${status} ${STATUS_CODES[status]}` : `${status}`,
    code: code?.toUpperCase(),
    words: isCommon(message) ? shownText(words) : shownText(words, secrets),
  };
}

/** What servers say to everybody: a password that is one of these words is not told by them. */
const COMMON_WORDS: readonly string[] = [
  'access denied',
  'authentication required',
  'incorrect username or password',
  'invalid username or password',
  'invalid username/password',
  'the user name or password is wrong',
  'unauthorized',
];

function isCommon(message: string | undefined): boolean {
  return message !== undefined && COMMON_WORDS.includes(message.toLowerCase().replace(/\.$/, ''));
}

async function readText(response: WireResponse): Promise<string> {
  try {
    return (await readWhole(response, { limit: ERROR_BODY_LIMIT, what: 'the error' })).toString();
  } catch {
    return '';
  }
}

/** Registries answer with `errors`, token servers also with `error` or `details`. */
function firstErrorOf(body: string): { code?: string; message?: string } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    // Servers that expect TLS say so in plain text, or as a page.
    const [sentence] = /[^<>\n.]*\bhttps (?:server|port)\b[^<>\n.]*/i.exec(body) ?? [];
    return sentence === undefined ? {} : { message: sentence.trim() };
  }
  if (!isRecord(json)) return {};
  const first: unknown = Array.isArray(json.errors) ? json.errors[0] : json;
  if (!isRecord(first)) return {};
  const code = textOf(first.code) ?? textOf(first.error);
  const message = textOf(first.message) ?? textOf(first.error_description) ?? textOf(first.details);
  return { ...(code && { code }), ...(message && { message }) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export interface RefusalContext {
  /** As in references. */
  readonly host: string;
  /** The path of the repository, where it is about one. */
  readonly repository?: string | undefined;
  /** What was asked for, after "refused to": `store blob sha256:...`. */
  readonly what: string;
  /** The whole message, where Helm 3.6.3 had words for it. */
  readonly message?: (status: string) => string;
  /** Credentials were sent, so a 401 rejects these. */
  readonly identified: boolean;
  readonly now: number;
}

/** The error that a refusal stands for. What the registry said is in the message, or in the hint where the message is Helm's. */
export function refusalError(
  refusal: Refusal,
  { host, repository, what, message, identified, now }: RefusalContext,
): WireFault {
  const { response, status, words } = refusal;
  const said = words === '' ? '' : `${host} says: ${words}`;
  const wait = readRetryAfter(response, now);
  const hint =
    peculiarHint({ host, repository, status: response.status, code: refusal.code, words }) ??
    hintFor(refusal, host, identified, wait);
  const summary = `${host} refused to ${what}: ${status}${words === '' ? '' : ` (${words})`}`;
  return new WireFault(codeFor(response.status, identified), message?.(status) ?? summary, {
    summary,
    hint: [message && said ? `${said}.` : '', hint].filter(Boolean).join(' ') || undefined,
    transient: isTransientStatus(response.status) || refusal.code === 'BLOB_UPLOAD_UNKNOWN',
    retryAfter: wait,
  });
}

function codeFor(status: number, identified: boolean): ChartErrorCode {
  if (status === 401) return identified ? 'CREDENTIALS_REJECTED' : 'REGISTRY_UNAUTHORIZED';
  if (status === 403) return 'REGISTRY_FORBIDDEN';
  if (status === 429) return 'REGISTRY_RATE_LIMITED';
  return status < 400 ? 'REGISTRY_PROTOCOL' : 'REGISTRY_REFUSED';
}

function hintFor({ response, code }: Refusal, host: string, identified: boolean, wait: number | undefined): string {
  const { status } = response;
  if (status === 401) {
    return identified
      ? `The credentials for ${host} are wrong, have expired or may not do this: log in again with chart registry login ${host}.`
      : `Log in with chart registry login ${host}.`;
  }
  if (status === 403) return `The account may not do this on ${host}; ask who runs it.`;
  if (status === 429) {
    const when = wait === undefined ? 'later' : `in ${Math.ceil(wait / 1000)} seconds`;
    return `Try again ${when}${identified ? '' : '; logged in, more may be allowed'}.`;
  }
  if (code === 'NAME_UNKNOWN')
    return `The repository may have to be created on ${host} before anything is pushed to it.`;
  if (status === 405 || code === 'UNSUPPORTED') return `${host} does not offer this, or has it switched off.`;
  if (status === 413) return `${host}, or a proxy before it, takes no body of this size.`;
  if (isTransientStatus(status)) return `${host} is in trouble; try again later.`;
  return '';
}
