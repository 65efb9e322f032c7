/**
 * HTTP spoken by hand over a socket, so that a test shows the bytes that go to and fro and no client library's idea of them.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * Sends one request on a connection of its own and reads until the server closes it.
 *
 * @param head the request line and headers, one a line; Host, Connection: close and the Content-Length of `body` are added
 */
export async function talk(port: number, head: string, body?: string | Uint8Array): Promise<Reply> {
  const [reply, ...more] = parseReplies(await exchangeBytes(port, requestBytes(head, body)), isHead(head));
  if (reply === undefined || more.length > 0) throw new Error(`${1 + more.length} replies to ${head}`);
  return reply;
}

export function requestBytes(head: string, body?: string | Uint8Array): Buffer {
  const lines = [...head.trim().split(/\s*\n\s*/), 'Host: registry.test', 'Connection: close'];
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body ?? '')]);
}

/** Sends bytes as they are, reads until the server closes the connection. */
export async function exchangeBytes(port: number, bytes: Uint8Array | string): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1' });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.write(bytes);
  await closeOf(socket);
  return Buffer.concat(chunks);
}

/** A connection that stays open, to read one reply after the other from. */
export class Line {
  readonly socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
    });
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** The next whole reply. @param bodiless for one to a HEAD, which announces a body that does not come */
  async reply(bodiless = false): Promise<Reply> {
    for (;;) {
      const [reply, rest] = takeReply(this.#buffer, bodiless) ?? [];
      if (reply && rest) {
        this.#buffer = rest;
        return reply;
      }
      if (this.socket.closed) throw new Error(`the connection closed after ${JSON.stringify(this.#buffer.toString())}`);
      await Promise.race([once(this.socket, 'data').catch(() => {}), closeOf(this.socket)]);
    }
  }

  get closed(): Promise<void> {
    return closeOf(this.socket);
  }

  /** False once the server has closed its side. */
  get isOpen(): boolean {
    return !this.socket.destroyed && this.socket.writable && !this.socket.readableEnded;
  }

  end(): void {
    this.socket.destroy();
  }
}

/** All replies in what a server sent before it closed. */
export function parseReplies(bytes: Buffer, bodiless = false): Reply[] {
  const replies: Reply[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const taken = takeReply(rest, bodiless);
    if (taken === undefined) throw new Error(`not a whole reply: ${JSON.stringify(rest.toString().slice(0, 400))}`);
    replies.push(taken[0]);
    rest = taken[1];
  }
  return replies;
}

/** Resolves however it closes: a server that has answered may cut off what is still being sent. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

function isHead(head: string): boolean {
  return head.trimStart().startsWith('HEAD ');
}

function takeReply(bytes: Buffer, bodiless: boolean): [Reply, Buffer] | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...fields] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    fields.map((field) => [
      field.slice(0, field.indexOf(':')).toLowerCase(),
      field.slice(field.indexOf(':') + 1).trim(),
    ]),
  );
  const status = Number(line.split(' ')[1]);
  const start = end + 4;
  const silent = bodiless || status === 204 || status === 304 || status < 200;
  const length = silent ? 0 : Number(headers['content-length'] ?? 0);
  if (bytes.length < start + length) return undefined;
  return [{ status, headers, body: bytes.subarray(start, start + length) }, bytes.subarray(start + length)];
}
