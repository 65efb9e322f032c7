/**
 * A large blob on its way out, piece by piece from a file: read into a buffer, hand that to the connection, and read into the same
 * buffer when the system has taken it. Fresh memory for each piece would cost more than all the rest.
 */
import type { ServerResponse } from 'node:http';
import type { OpenBlob } from '../oci/target.js';
import { COMMON_HEADERS, type Exchange } from './exchange.js';

export interface Part {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** First byte, and how many. */
  readonly start: number;
  readonly length: number;
}

/**
 * Sends head and part, and closes the blob. What ends too soon destroys the connection: under its announced length the
 * client would wait for the rest.
 */
export async function sendBlob(exchange: Exchange, blob: OpenBlob, { status, headers, start, length }: Part) {
  const { response, state, buffers } = exchange;
  const buffer = buffers.take();
  let isTaken = true;
  try {
    state.status = status;
    response.writeHead(status, { ...COMMON_HEADERS, 'Content-Length': length, ...headers });
    while (state.bytes < length) {
      const wanted = Math.min(buffer.length, length - state.bytes);
      const found = await blob.read(buffer.subarray(0, wanted), start + state.bytes);
      if (found === 0) throw new Error(`a blob of ${start + length} bytes ended after ${start + state.bytes}`);
      isTaken = false;
      if (!(await write(response, buffer.subarray(0, found)))) return;
      isTaken = true;
      state.bytes += found;
    }
    response.end();
  } finally {
    blob.close();
    // What a connection may still hold is not used again.
    if (isTaken) buffers.give(buffer);
    else buffers.give(Buffer.alloc(0));
  }
}

/** Resolves when the system has taken the bytes; to false where the client has gone. */
function write(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve(false);
    const onClose = (): void => resolve(false);
    response.once('close', onClose);
    response.write(bytes, (error) => {
      response.removeListener('close', onClose);
      resolve(!error);
    });
  });
}
