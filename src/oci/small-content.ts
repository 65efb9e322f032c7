/** Blobs that are small enough to be held whole, which is most of what charts are made of: no streams are put around them. */
import { Readable } from 'node:stream';

/** Bytes. */
export const SMALL_BLOB = 256 * 1024;

/** A stream of bytes that are at hand, so that whoever wants them whole need not read it. */
export class BytesReadable extends Readable {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    super({
      read() {
        if (bytes.length > 0) this.push(bytes);
        this.push(null);
      },
    });
    this.bytes = bytes;
  }
}

/** All of the content, or a little more than `limit` bytes of it where it has more. */
export async function readSmall(content: Readable, limit: number): Promise<Buffer> {
  if (content instanceof BytesReadable && !content.readableDidRead && !content.destroyed) return content.bytes;
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of content as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.length;
    if (size > limit) break;
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, size);
}
