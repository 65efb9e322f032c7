/**
 * Bodies of requests. Node.js destroys the connection with a request that is destroyed, so nothing here does: a body that
 * is refused halfway must still get its answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { ChartError } from '../errors.js';
import { Refusal } from './errors.js';
import type { Exchange } from './exchange.js';

/** Milliseconds for which an unwanted body is read before its connection is closed. */
const DRAIN_TIME = 2000;

/** The body's announced length in bytes, or undefined where it is sent in pieces of unknown number. */
export function announcedLength(request: IncomingMessage): number | undefined {
  if (request.headers['transfer-encoding'] !== undefined) return undefined;
  return Number(request.headers['content-length'] ?? 0);
}

/** Reads a whole body. @throws Refusal `SIZE_INVALID` (413); ChartError `CANCELLED` if the client goes away */
export async function readBody(exchange: Exchange, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of openBody(exchange, limit)) chunks.push(chunk);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

/**
 * The body as a stream that fails past `limit` bytes, or when the client goes away before its end.
 *
 * @throws Refusal `SIZE_INVALID` (413) at once where the announced length is over the limit
 */
export function openBody(exchange: Exchange, limit: number): Transform {
  const { request, response, state } = exchange;
  if ((announcedLength(request) ?? 0) > limit) throw tooLarge(limit);
  if (request.headers.expect !== undefined) response.writeContinue();
  state.reading = true;
  let size = 0;
  const body = new Transform({
    highWaterMark: 256 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > limit) done(tooLarge(limit));
      else done(null, chunk);
    },
  });
  const fail = (cause?: Error) => body.destroy(new ChartError('CANCELLED', 'the client went away', { cause }));
  body.on('error', ignore);
  request.on('error', fail);
  if (request.destroyed && !request.complete) fail();
  return request.pipe(body);
}

function tooLarge(limit: number): Refusal {
  return new Refusal(413, 'SIZE_INVALID', `the content has more than the ${limit} bytes that this registry takes`);
}

/**
 * Sends the end of an answer while the request's body may still be on its way. What is left of a small one is read, and
 * the connection goes on; of a large one some is read, so that a client that is busy sending sees the answer before the
 * connection closes.
 *
 * @param send writes head and body but does not end the response; told whether the connection closes
 */
export function answerEarly(exchange: Exchange, send: (close: boolean) => void): void {
  const { request, response, limits, state } = exchange;
  request.unpipe();
  const left = request.complete ? 0 : (announcedLength(request) ?? Number.POSITIVE_INFINITY);
  const unasked = request.headers.expect !== undefined && !state.reading;
  const close = left > limits.drain || (unasked && left > 0);
  send(close);
  if (close && !unasked) drain(request, response, limits.drain);
  else {
    request.on('error', ignore);
    request.resume();
    response.end();
  }
}

/** Reads up to `limit` bytes for at most {@link DRAIN_TIME}, then ends the response and with it the connection. */
function drain(request: IncomingMessage, response: ServerResponse, limit: number): void {
  let size = 0;
  const stop = () => {
    clearTimeout(timer);
    request.removeListener('data', count);
    request.pause();
    response.end();
  };
  const count = (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit) stop();
  };
  const timer = setTimeout(stop, DRAIN_TIME);
  request.on('error', ignore);
  request.once('end', stop);
  request.once('close', stop);
  request.on('data', count);
  request.resume();
}

/** Lets the connection go once a body that nobody asked for turns out to be large. */
export function ignoreBody(exchange: Exchange): void {
  const { request, limits } = exchange;
  const length = announcedLength(request);
  if (length === 0) return;
  let size = 0;
  request.on('error', ignore);
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limits.drain) request.destroy();
  });
}

function ignore(): void {}
