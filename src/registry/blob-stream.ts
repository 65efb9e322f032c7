/** The content of a blob as one stream, over as many connections as it takes. */
import type { Readable } from 'node:stream';
import { ChartError, throwIfCancelled } from '../errors.js';
import type { Descriptor } from '../oci/descriptor.js';
import { BytesReadable, SMALL_BLOB } from '../oci/small-content.js';
import { contentLength, headerOf, readContentRange } from './answers.js';
import { explainFault } from './faults.js';
import { streamOf } from './generated-stream.js';
import type { Retry } from './retry.js';
import type { WireResponse } from './transport.js';

export interface BlobStreamOptions {
  readonly descriptor: Descriptor;
  /** First and last byte wanted. */
  readonly start: number;
  readonly last: number;
  readonly signal: AbortSignal | undefined;
  readonly retry: Retry;
}

/** Asks for the bytes from `from` to the last one wanted: 200 with the whole blob, or 206. */
export type AskForBlob = (from: number, signal: AbortSignal) => Promise<WireResponse>;

/**
 * Streams the bytes from `start` to `last`. Resolves once the registry has begun to answer. A connection that breaks is
 * followed by a request for the rest. The stream never gives more than was asked for, and fails if there is less; whether
 * it is the right content is for the reader to find out by digest.
 */
export async function streamBlob(ask: AskForBlob, options: BlobStreamOptions): Promise<Readable> {
  throwIfCancelled(options.signal);
  if (options.descriptor.size <= SMALL_BLOB) return readAtOnce(ask, options);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const chunks = chunksOf(await ask(options.start, signal), ask, options, signal);
  return streamOf(chunks, () => stop.abort());
}

/** A small blob is read whole. What goes wrong after the answer has begun is for whoever reads the stream, as with large ones. */
async function readAtOnce(ask: AskForBlob, options: BlobStreamOptions): Promise<Readable> {
  const signal = options.signal ?? new AbortController().signal;
  const first = await ask(options.start, signal);
  const pieces: Buffer[] = [];
  try {
    for await (const piece of chunksOf(first, ask, options, signal)) pieces.push(piece);
  } catch (error) {
    return streamOf(brokenOff(pieces, error), () => undefined);
  }
  return new BytesReadable(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces));
}

async function* brokenOff(pieces: readonly Buffer[], error: unknown): AsyncGenerator<Buffer> {
  yield* pieces;
  throw error;
}

/** Times that one blob is gone on with, however far each brings it. */
const RESUMPTIONS_LIMIT = 100;

async function* chunksOf(
  first: WireResponse,
  ask: AskForBlob,
  { descriptor, start, last, retry, signal: outer }: BlobStreamOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  let at = start;
  let response = first;
  let fruitless = 0;
  for (let resumptions = 0; ; resumptions += 1) {
    try {
      for await (const chunk of wantedPart(response, descriptor, at, last)) {
        yield chunk;
        at += chunk.length;
        fruitless = 0;
      }
      return;
    } catch (cause) {
      fruitless += 1;
      const error = explainFault(cause, { method: response.method, url: response.url, signal: outer ?? signal });
      const delay = resumptions < RESUMPTIONS_LIMIT ? retry.delay({ error }, fruitless) : undefined;
      if (delay === undefined) throw error;
      await retry.sleep(delay, signal);
    }
    response = await ask(at, signal);
  }
}

/** The part of an answer from byte `at` to byte `last` of the blob, no byte less and no byte more. */
async function* wantedPart(
  response: WireResponse,
  descriptor: Descriptor,
  at: number,
  last: number,
): AsyncGenerator<Buffer, void> {
  checkAnnounced(response, descriptor, at);
  const whole = response.status !== 206;
  const end = whole ? descriptor.size : last + 1;
  let position = whole ? 0 : at;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    const part = chunk.subarray(Math.max(at - position, 0), Math.max(last + 1 - position, 0));
    position += chunk.length;
    if (part.length > 0) yield part;
    if (position > end) throw sizeMismatch(descriptor, `more than ${end}`);
    if (position > last && end > last + 1) return;
  }
  if (position < end) throw sizeMismatch(descriptor, `only ${position}`);
}

/** Refuses before anything is read what cannot become the blob. */
function checkAnnounced(response: WireResponse, descriptor: Descriptor, at: number): void {
  const range = readContentRange(response);
  const size = response.status === 206 ? range?.total : contentLength(response);
  const encoding = headerOf(response, 'content-encoding') ?? 'identity';
  const { host } = response.url;
  if (encoding !== 'identity') {
    throw new ChartError('REGISTRY_PROTOCOL', `${host} encodes blob ${descriptor.digest}, which nobody asked for`);
  }
  if (response.status === 206 && range?.first !== at) {
    throw new ChartError(
      'REGISTRY_PROTOCOL',
      `${host} sends another part of blob ${descriptor.digest} than was asked for`,
    );
  }
  if (size !== undefined && size !== descriptor.size) throw sizeMismatch(descriptor, `${size}`);
}

function sizeMismatch({ digest, size }: Descriptor, found: string): ChartError {
  return new ChartError('BLOB_SIZE_MISMATCH', `blob ${digest} has ${found} bytes instead of ${size}`);
}
