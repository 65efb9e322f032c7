/** Content on its way out, with an eye on whether the other side takes it. */
import type { Readable } from 'node:stream';
import { streamOf } from './generated-stream.js';

/** What an upload that nobody takes ends with; `code` as of a system error. */
export class UploadStalled extends Error {
  readonly code = 'UPLOAD_STALLED';
}

/**
 * Passes content on. Calls `onStall` once a piece has waited for `limit` milliseconds: the time that the content itself
 * takes to come does not count.
 */
export function watchedContent(content: Readable, limit: number, onStall: () => void): Readable {
  let timer: NodeJS.Timeout | undefined;
  async function* pieces(): AsyncGenerator<Buffer> {
    for await (const piece of content as AsyncIterable<Buffer>) {
      timer = setTimeout(onStall, limit);
      yield piece;
      clearTimeout(timer);
    }
  }
  return streamOf(pieces(), () => {
    clearTimeout(timer);
    content.destroy();
  });
}
