/** Answers of the site, and how they are sent: conditions, ranges and encodings by RFC 9110. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import fresh from 'fresh';
import Negotiator from 'negotiator';
import parseRange from 'range-parser';

export type ReplyHeaders = Readonly<Record<string, string>>;

/** Text, kept whole, that is compressed for who wants it. */
export interface TextReply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly text: EncodableText;
}

/** Content that is not looked at. */
export interface StreamReply {
  readonly headers: ReplyHeaders;
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly size: number;
  open(range?: { start: number; end: number }): Promise<Readable>;
}

export type Reply = TextReply | StreamReply;

type Encoding = 'br' | 'gzip' | 'identity';

/** The one that makes the least bytes first. */
const ENCODINGS: Encoding[] = ['br', 'gzip', 'identity'];

const compressGzip = promisify(gzip);
const compressBrotli = promisify(brotliCompress);

/** Bytes below which a smaller body would not make a difference. */
const WORTH_COMPRESSING = 1024;

/** A text with its encodings, each made once. */
export class EncodableText {
  readonly bytes: Buffer;
  readonly #hash: string;
  readonly #encoded = new Map<Encoding, Promise<Buffer>>();

  /** @param text whole, or its pieces in UTF-8 */
  constructor(text: string | readonly Buffer[]) {
    this.bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.concat(text);
    this.#hash = createHash('sha256').update(this.bytes).digest('base64url');
  }

  /** Strong, so another one for each encoding. */
  etag(encoding: Encoding): string {
    return `"${this.#hash}${encoding === 'identity' ? '' : `-${encoding}`}"`;
  }

  encode(encoding: Encoding): Promise<Buffer> {
    const known = this.#encoded.get(encoding);
    if (known) return known;
    const made = compress(this.bytes, encoding);
    this.#encoded.set(encoding, made);
    return made;
  }
}

async function compress(bytes: Buffer, encoding: Encoding): Promise<Buffer> {
  if (encoding === 'gzip') return compressGzip(bytes);
  if (encoding === 'br') return compressBrotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
  return bytes;
}

export async function send(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  if ('text' in reply) await sendText(request, response, reply);
  else await sendStream(request, response, reply);
}

async function sendText(request: IncomingMessage, response: ServerResponse, reply: TextReply): Promise<void> {
  const { text, status } = reply;
  const encoding = text.bytes.length < WORTH_COMPRESSING ? 'identity' : wantedEncoding(request);
  const headers: Record<string, string> = { ...reply.headers, Vary: 'Accept-Encoding' };
  if (encoding !== 'identity') headers['Content-Encoding'] = encoding;
  if (status === 200) {
    headers.ETag = text.etag(encoding);
    if (isFresh(request, headers)) return sendNotModified(response, headers);
  }
  const body = await text.encode(encoding);
  response.writeHead(status, { ...headers, 'Content-Length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function sendStream(request: IncomingMessage, response: ServerResponse, reply: StreamReply): Promise<void> {
  const { etag, size } = reply;
  const headers: Record<string, string> = { ...reply.headers, ETag: etag, 'Accept-Ranges': 'bytes' };
  if (isFresh(request, headers)) return sendNotModified(response, headers);
  const range = rangeOf(request, etag, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'Content-Range': `bytes */${size}`, 'Content-Length': 0, 'Accept-Ranges': 'bytes' });
    response.end();
    return;
  }
  if (range) headers['Content-Range'] = `bytes ${range.start}-${range.end}/${size}`;
  const length = range ? range.end - range.start + 1 : size;
  const status = range ? 206 : 200;
  if (request.method === 'HEAD') {
    response.writeHead(status, { ...headers, 'Content-Length': length }).end();
    return;
  }
  const content = await reply.open(range);
  response.writeHead(status, { ...headers, 'Content-Length': length });
  await pipeline(content, holdLast, response);
}

/** Keeps the last piece back until the stream has ended well: what fails at its end must not have arrived whole. */
async function* holdLast(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let held: Buffer | undefined;
  for await (const piece of source) {
    if (held) yield held;
    held = piece;
  }
  if (held) yield held;
}

function sendNotModified(response: ServerResponse, headers: ReplyHeaders): void {
  const { 'Content-Type': _type, 'Content-Encoding': _encoding, ...others } = headers;
  response.writeHead(304, others).end();
}

/** "no-cache" is for caches on the way: here the content itself is compared. */
function isFresh(request: IncomingMessage, headers: ReplyHeaders): boolean {
  return fresh(
    { ...request.headers, 'cache-control': undefined },
    { etag: headers.ETag, 'last-modified': headers['Last-Modified'] },
  );
}

function wantedEncoding(request: IncomingMessage): Encoding {
  const accepted = new Negotiator(request).encodings(ENCODINGS);
  return ENCODINGS.find((encoding) => accepted.includes(encoding)) ?? 'identity';
}

/** One range; a request for several gets everything, as does one whose `If-Range` names other content. */
function rangeOf(request: IncomingMessage, etag: string, size: number) {
  const { range } = request.headers;
  const condition = request.headers['if-range'];
  if (range === undefined || request.method !== 'GET' || (condition !== undefined && condition !== etag))
    return undefined;
  const parsed = parseRange(size, range);
  if (parsed === -1) return 'unsatisfiable';
  if (parsed === -2 || parsed.type !== 'bytes' || parsed.length !== 1) return undefined;
  return parsed[0];
}
