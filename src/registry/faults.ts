/**
 * Faults of the connection, in the words of Helm 3.6.3 and the libraries it was made of where these had some:
 *
 *     failed to do request: Head "http://localhost:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused
 *     -------- message ---------------------------------------------------------------------------------------
 *                           ------------------------ summary -------------------------------------------------
 */
import { STATUS_CODES } from 'node:http';
import { ChartError, type ChartErrorCode, cancelled, systemErrorCode } from '../errors.js';
import type { ProxyServer } from './proxy.js';
import { shownText, shownUrl } from './redact.js';

export interface WireFaultOptions {
  readonly summary: string;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** Trying again may help. */
  readonly transient: boolean;
  /** Milliseconds after which the other side asked to be tried again. */
  readonly retryAfter?: number | undefined;
  /** The other side does not speak TLS. */
  readonly plainAnswer?: boolean | undefined;
}

/** A `ChartError` that says whether trying again may help. */
export class WireFault extends ChartError {
  /** The message without the words before it. */
  readonly summary: string;
  readonly transient: boolean;
  readonly retryAfter: number | undefined;
  readonly plainAnswer: boolean;

  constructor(code: ChartErrorCode, message: string, options: WireFaultOptions) {
    super(code, message, options);
    this.summary = options.summary;
    this.transient = options.transient;
    this.retryAfter = options.retryAfter;
    this.plainAnswer = options.plainAnswer ?? false;
  }
}

interface Explanation {
  readonly code: ChartErrorCode;
  readonly words: string;
  readonly hint?: string;
  readonly transient?: boolean;
  readonly plainAnswer?: boolean;
}

interface Attempt {
  readonly method: string;
  readonly url: URL;
  readonly signal?: AbortSignal | undefined;
  readonly proxy?: ProxyServer | undefined;
}

/**
 * Explains what an attempt to reach a server ended with. What is no fault of the network is returned as it is: a `ChartError`
 * (such as one of the content sent), and any fault of this program.
 */
export function explainFault(error: unknown, attempt: Attempt): unknown {
  if (attempt.signal?.aborted) return cancelled(attempt.signal);
  if (error instanceof ChartError) return error;
  const refusal = attempt.proxy && proxyStatus(error);
  if (refusal !== undefined) return proxyRefusal(refusal, attempt);
  const explanation = explain(firstError(error), attempt);
  return explanation ? faultOf(explanation, attempt, error) : error;
}

function faultOf(explanation: Explanation, { method, url }: Attempt, cause?: unknown): WireFault {
  const { code, words, hint, transient = false, plainAnswer } = explanation;
  const summary = `${method.charAt(0)}${method.slice(1).toLowerCase()} "${shownUrl(url)}": ${words}`;
  return new WireFault(code, `failed to do request: ${summary}`, { summary, hint, transient, plainAnswer, cause });
}

/** Of an attempt at several addresses, what the first of them ended with. */
function firstError(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

function explain(error: unknown, { url, proxy }: Attempt): Explanation | undefined {
  const code = systemErrorCode(error) ?? '';
  const unconnected = connecting(code, error, proxy ? new URL(proxy.origin) : url);
  if (unconnected && proxy) {
    const hint = `${variableFor(url)} sends requests for ${url.host} through the proxy ${proxy.host}: correct it, or name ${url.hostname} in NO_PROXY.`;
    return { ...unconnected, words: `proxyconnect tcp: ${unconnected.words}`, hint };
  }
  return unconnected ?? securing(code, error, url) ?? talking(code, error, url);
}

function variableFor({ protocol }: URL): string {
  return protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
}

/** The status by which a proxy refused to connect, where that is what the error stands for: undici has it in words only. */
function proxyStatus(error: unknown): number | undefined {
  const [, status] = /^Proxy response \((\d{3})\)/.exec((error as Error | undefined)?.message ?? '') ?? [];
  return status === undefined ? undefined : Number(status);
}

/** A proxy that does not let a request through. */
export function proxyRefusal(
  status: number,
  attempt: Attempt & { readonly proxy?: ProxyServer | undefined },
): WireFault {
  const { url, proxy } = attempt;
  const hint =
    status === 407
      ? `The proxy wants a user name and a password, or others: ${variableFor(url)}=http://USER:PASSWORD@${proxy?.host}.`
      : status >= 500
        ? `The proxy does not reach ${url.host}; name ${url.hostname} in NO_PROXY if it is to be reached without.`
        : `The proxy does not allow this; name ${url.hostname} in NO_PROXY if it is to be reached without, or ask who runs it.`;
  const words = `the proxy ${proxy?.host} refused: ${[status, STATUS_CODES[status]].filter(Boolean).join(' ')}`;
  return faultOf({ code: 'REGISTRY_UNREACHABLE', words, hint, transient: status >= 500 }, attempt);
}

function connecting(code: string, error: unknown, { hostname, host }: URL): Explanation | undefined {
  const { address, port } = error as { address?: string; port?: number };
  const dial = `dial tcp ${address === undefined ? host : `${address.includes(':') ? `[${address}]` : address}:${port}`}`;
  const unreachable = { code: 'REGISTRY_UNREACHABLE' } as const;
  const hint = `Check that ${host} is the right name and port, and that a registry runs there.`;
  const network = `Check the network and what stands between here and ${host}.`;
  switch (code) {
    case 'ECONNREFUSED':
      return { ...unreachable, words: `${dial}: connect: connection refused`, hint };
    case 'ENOTFOUND':
      return { ...unreachable, words: `dial tcp: lookup ${hostname}: no such host`, hint };
    case 'EAI_AGAIN':
      return {
        ...unreachable,
        words: `dial tcp: lookup ${hostname}: name resolution failed`,
        hint: network,
        transient: true,
      };
    case 'ENETUNREACH':
      return { ...unreachable, words: `${dial}: connect: network is unreachable`, hint: network };
    case 'EHOSTUNREACH':
      return { ...unreachable, words: `${dial}: connect: no route to host`, hint: network };
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return { ...unreachable, words: `${dial}: i/o timeout`, hint: network, transient: true };
    default:
      return undefined;
  }
}

const UNKNOWN_AUTHORITY: readonly string[] = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];
const NO_TLS: readonly string[] = ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'];
const CERTIFICATE_FAULT =
  /^(?:CERT_|CRL_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_TLS_|ERR_SSL_)/;

/** True where a certificate may be good, but no authority is known that says so. */
export function isUnknownAuthority(error: unknown): boolean {
  return UNKNOWN_AUTHORITY.includes(systemErrorCode(firstError(error)) ?? '');
}

function securing(code: string, error: unknown, { hostname, host }: URL): Explanation | undefined {
  const tls = { code: 'REGISTRY_TLS' } as const;
  const { cert, message = '' } = error as { cert?: { subjectaltname?: string }; message?: string };
  if (UNKNOWN_AUTHORITY.includes(code)) {
    const hint = `Give the authority that signed the certificate of ${host} with --ca-file, or in NODE_EXTRA_CA_CERTS.`;
    return { ...tls, words: `x509: certificate signed by unknown authority (${code})`, hint };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const hint = `Use a name that the certificate of ${host} is valid for.`;
    const names = shownText(cert?.subjectaltname || 'no name').replace(/\b(?:DNS|IP Address):/g, '');
    return { ...tls, words: `x509: certificate is valid for ${names}, not ${hostname}`, hint };
  }
  if (code === 'CERT_HAS_EXPIRED') {
    const hint = `The certificate of ${host} must be renewed; check this machine's clock, too.`;
    return { ...tls, words: 'x509: certificate has expired', hint };
  }
  if (code === 'CERT_NOT_YET_VALID') {
    const hint = `Check this machine's clock against that of ${host}.`;
    return { ...tls, words: 'x509: certificate is not yet valid', hint };
  }
  if (/alert (?:certificate required|bad certificate|unknown ca|handshake failure)/i.test(message)) {
    const hint = `${host} may want a client certificate: give one with --cert-file and --key-file.`;
    return { ...tls, words: `tls: the server refused the handshake (${code})`, hint };
  }
  if (NO_TLS.includes(code)) {
    const hint = `If ${host} is meant to be reached without TLS, add --plain-http.`;
    return { ...tls, words: 'http: server gave HTTP response to HTTPS client', hint, plainAnswer: true };
  }
  if (CERTIFICATE_FAULT.test(code)) return { ...tls, words: `tls: ${code}` };
  return undefined;
}

function talking(code: string, error: unknown, { host, protocol }: URL): Explanation | undefined {
  const broken = { code: 'REGISTRY_UNREACHABLE', transient: true } as const;
  const cut = `The connection was cut; try again.${protocol === 'http:' ? ` If ${host} speaks TLS, give --ca-file FILE.` : ''}`;
  const slow = `${host} is slow or hangs; try again later.`;
  switch (code) {
    case 'UND_ERR_HEADERS_TIMEOUT':
      return { ...broken, words: 'timeout awaiting response headers', hint: slow };
    case 'UND_ERR_BODY_TIMEOUT':
      return { ...broken, words: 'timeout awaiting the rest of the response', hint: slow };
    case 'UPLOAD_STALLED':
      return { ...broken, words: 'timeout sending the request', hint: slow };
    case 'ECONNRESET':
    case 'EPIPE':
      return { ...broken, words: 'connection reset by peer', hint: cut };
    case 'UND_ERR_SOCKET':
    case 'UND_ERR_ABORTED':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return { ...broken, words: 'unexpected EOF', hint: cut };
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
      return { code: 'CANCELLED', words: 'the connection to the registry was closed' };
    case 'UND_ERR_HEADERS_OVERFLOW':
      return { code: 'REGISTRY_PROTOCOL', words: 'the response has more headers than are read' };
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return { code: 'REGISTRY_PROTOCOL', words: 'malformed HTTP response (content-length)' };
    default:
      if ((error as Error)?.name === 'HTTPParserError') {
        return { code: 'REGISTRY_PROTOCOL', words: `malformed HTTP response (${shownText((error as Error).message)})` };
      }
      return /^E[A-Z]/.test(code) && !code.startsWith('ERR_')
        ? { ...broken, words: code, transient: false }
        : undefined;
  }
}
