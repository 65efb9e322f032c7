/** The answer to a request that came to nothing. */
import { isChartError } from '../errors.js';
import { answerEarly } from './bodies.js';
import { isDamage, Refusal, toRefusal } from './errors.js';
import { COMMON_HEADERS, type Exchange } from './exchange.js';

/** Says what was wrong where the client still listens, and reports what is not the client's fault. */
export function refuse(exchange: Exchange, error: unknown): void {
  const { request, response, method, state, onError } = exchange;
  if (response.destroyed || (request.destroyed && !request.complete)) {
    if (!isChartError(error, 'CANCELLED') && !isAbort(error) && !isOfClient(error)) onError(error);
    response.destroy();
    return;
  }
  const reading = method === 'GET' || method === 'HEAD';
  const refusal = toRefusal(error, reading);
  if (refusal.status >= 500 || (reading && isDamage(error))) onError(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = refusal.body();
  state.status = refusal.status;
  if (method !== 'HEAD') state.bytes = Buffer.byteLength(body);
  answerEarly(exchange, (close) => {
    response.writeHead(refusal.status, {
      ...COMMON_HEADERS,
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      ...refusal.headers,
      ...(close && { Connection: 'close' }),
    });
    response.write(body);
  });
}

function isOfClient(error: unknown): boolean {
  return error instanceof Refusal && error.status < 500;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
