/**
 * One request and its answer, with what the server knows.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Digest, isDigest } from '../oci/digest.js';
import type { ServableTarget } from '../oci/target.js';
import type { Buffers } from './buffers.js';
import { Refusal } from './errors.js';
import type { Limits } from './limits.js';
import type { Names } from './names.js';
import type { Route } from './routes.js';
import type { Uploads } from './upload-sessions.js';

/** What all requests of a handler share. */
export interface Service {
  readonly target: ServableTarget;
  readonly names: Names;
  readonly limits: Limits;
  readonly uploads: Uploads;
  readonly buffers: Buffers;
  /** Runs changes that read before they write, one after the other. */
  readonly exclusively: <T>(change: () => Promise<T>) => Promise<T>;
  readonly onError: (error: unknown) => void;
}

export interface Exchange extends Service {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** The part after `?`, or empty. */
  readonly search: string;
  readonly state: {
    /** As they were sent, for the access record. */
    status: number;
    bytes: number;
    /** True once the request's body is being read. */
    reading: boolean;
    /** What was asked for, once that is known. */
    kind: Route['kind'] | 'site' | 'none';
  };
}

/** Answers one method of one kind of route; must answer, or throw. */
export type Endpoint = (exchange: Exchange, route: Route) => Promise<void> | void;

export type Endpoints = Readonly<Partial<Record<'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', Endpoint>>>;

export type AnswerHeaders = Readonly<Record<string, string | number>>;

/** On every answer. The version header is what tells clients older than the specification that this is a registry. */
export const COMMON_HEADERS = {
  'Docker-Distribution-API-Version': 'registry/2.0',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** Sends a whole answer; the body is left out for HEAD, its length is not. */
export function answer(exchange: Exchange, status: number, headers: AnswerHeaders, body?: string | Uint8Array): void {
  const { response, method, state } = exchange;
  const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const silent = status === 204 || status === 304;
  state.status = status;
  response.writeHead(
    status,
    silent ? { ...COMMON_HEADERS, ...headers } : { ...COMMON_HEADERS, 'Content-Length': length, ...headers },
  );
  if (method === 'HEAD' || length === 0) {
    response.end();
    return;
  }
  state.bytes = length;
  response.end(body);
}

export function answerJson(exchange: Exchange, value: unknown, headers: AnswerHeaders = {}): void {
  answer(exchange, 200, { 'Content-Type': 'application/json', ...headers }, JSON.stringify(value));
}

export function queryOf({ search }: Exchange): URLSearchParams {
  return new URLSearchParams(search);
}

/** @throws Refusal `DIGEST_INVALID` */
export function digestFrom(text: string): Digest {
  if (isDigest(text)) return text;
  throw new Refusal(400, 'DIGEST_INVALID', 'a digest is sha256: and 64, or sha512: and 128, lower-case hex digits');
}
