/** Reading answers: headers, and bodies up to a limit. */
import { ChartError } from '../errors.js';
import { explainFault } from './faults.js';
import type { WireResponse } from './transport.js';

/** The first header of that name, or undefined. */
export function headerOf({ headers }: Pick<WireResponse, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** All headers of that name. */
export function headersOf({ headers }: Pick<WireResponse, 'headers'>, name: string): readonly string[] {
  const value = headers[name];
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** Bytes that the answer says its body has, or undefined if it does not say. */
export function contentLength(response: Pick<WireResponse, 'headers'>): number | undefined {
  const text = headerOf(response, 'content-length');
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The media type without parameters, where there is one that can be shown. */
export function contentType(response: Pick<WireResponse, 'headers'>): string | undefined {
  const type = headerOf(response, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  return type !== undefined && /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(type) ? type : undefined;
}

/** `Content-Range: bytes 0-9/100`; a total of `*` is undefined. RFC 9110, 14.4 */
export function readContentRange(
  response: Pick<WireResponse, 'headers'>,
): { first: number; total: number | undefined } | undefined {
  const match = /^bytes (\d{1,15})-\d{1,15}\/(?:(\d{1,15})|\*)$/.exec(headerOf(response, 'content-range') ?? '');
  if (!match) return undefined;
  return { first: Number(match[1]), total: match[2] === undefined ? undefined : Number(match[2]) };
}

/**
 * Reads a body whole.
 *
 * @param what names the body in errors
 * @throws ChartError `LIMIT_EXCEEDED` before anything is read where the answer says so, else as soon as there is more than `limit` bytes
 */
export async function readWhole(
  response: WireResponse,
  { limit, what, signal }: { limit: number; what: string; signal?: AbortSignal | undefined },
): Promise<Buffer> {
  const tooLarge = (): ChartError => {
    response.body.destroy();
    return new ChartError('LIMIT_EXCEEDED', `${what} of ${response.url.host} has more than ${limit} bytes`);
  };
  if ((contentLength(response) ?? 0) > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body) {
      size += (chunk as Buffer).length;
      if (size > limit) throw tooLarge();
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw explainFault(error, { method: response.method, url: response.url, signal });
  }
  return Buffer.concat(chunks, size);
}

/** Lets go of a body that nobody needs: a short one is read so that the connection can be used again. */
export async function discard({ body }: WireResponse): Promise<void> {
  const { dump } = body as { dump?: (options: { limit: number }) => Promise<void> };
  await dump?.call(body, { limit: 64 * 1024 }).catch(() => undefined);
}
