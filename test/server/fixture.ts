/**
 * A server on a free port over a target, with what it reported.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, type TestContext } from 'node:test';
import { openLayout } from '../../src/layout/layout.js';
import type { Descriptor } from '../../src/oci/descriptor.js';
import { digestOf } from '../../src/oci/digest.js';
import { describeManifest, type RawManifest } from '../../src/oci/manifest.js';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.js';
import type { ServableTarget } from '../../src/oci/target.js';
import type { AccessRecord } from '../../src/server/access-record.js';
import { createHandler, type HandlerOptions } from '../../src/server/handler.js';
import { type ServerOptions, startServer } from '../../src/server/server.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { assertValidLayout } from '../helpers/layout.js';
import { MemoryTarget } from './memory-target.js';
import { type Reply, talk } from './talk.js';

export interface Served {
  readonly target: ServableTarget;
  readonly url: string;
  readonly port: number;
  readonly errors: unknown[];
  readonly records: AccessRecord[];
  /** One request on a connection of its own; see `talk`. */
  talk(head: string, body?: string | Uint8Array): Promise<Reply>;
  /** Bytes that have arrived of each upload that is open. */
  uploadSizes(): number[];
  close(): Promise<void>;
  /** Another server over the same content, that knows nothing of this one. */
  reopen(): Promise<Served>;
}

export interface ServedOptions extends Partial<HandlerOptions> {
  readonly server?: Partial<ServerOptions>;
}

/** Serves an empty target until the test ends. */
export type Serve = (t: TestContext, options?: ServedOptions) => Promise<Served>;

/** Runs tests over a target in memory, and over the cache on disk. */
export function onEveryTarget(tests: (serve: Serve) => void): void {
  describe('over a target in memory', () => tests(serveMemory));
  describe('over a cache on disk', () => tests(serveLayout));
}

export function serveMemory(t: TestContext, options: ServedOptions = {}): Promise<Served & { target: MemoryTarget }> {
  return serveTarget(t, new MemoryTarget(), options);
}

/** As {@link serveMemory}, for a target whose content is given or of another kind. */
export async function serveTarget(
  t: TestContext,
  target: MemoryTarget,
  options: ServedOptions = {},
): Promise<Served & { target: MemoryTarget }> {
  const reopen = () => serveTarget(t, target, options);
  return {
    ...(await start(t, target, options)),
    target,
    uploadSizes: () => [...target.uploads.values()].map(({ size }) => size),
    reopen,
  };
}

/** The cache has to be in order when the test ends. */
export async function serveLayout(t: TestContext, options: ServedOptions = {}): Promise<Served> {
  // Before the directory is asked for, or else it is gone by then.
  const checks: (() => Promise<void> | void)[] = [];
  t.after(async () => {
    for (const check of checks.reverse()) await check();
  });
  const dir = join(temporaryDirectory(t), 'cache');
  checks.push(() => assertValidLayout(dir));
  const uploadSizes = () => {
    const ingest = join(dir, 'ingest');
    const names = existsSync(ingest) ? readdirSync(ingest) : [];
    return names.filter((name) => name.startsWith('upload-')).map((name) => statSync(join(ingest, name)).size);
  };
  const open = async (): Promise<Served> => {
    const layout = openLayout(dir, { fsync: false });
    const served = await start(t, layout, options);
    checks.push(async () => {
      await served.close();
      await layout.close();
    });
    return { ...served, uploadSizes, reopen: open };
  };
  return open();
}

async function start(t: TestContext, target: ServableTarget, { server, ...options }: ServedOptions) {
  const errors: unknown[] = [];
  const records: AccessRecord[] = [];
  const handler = createHandler(target, {
    writable: true,
    onError: (error) => errors.push(error),
    onRequest: (record) => records.push(record),
    ...options,
  });
  const running = await startServer({ timeouts: { close: 500 }, ...server, handler });
  t.after(() => running.close());
  const { url, port, close } = running;
  const say = (head: string, body?: string | Uint8Array) => talk(port, head, body);
  return { target, url, port, errors, records, talk: say, close };
}

/** Puts a blob where every repository has it. */
export async function putBlob(target: ServableTarget, content: string | Uint8Array): Promise<Descriptor> {
  const bytes = Buffer.from(content);
  const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
  await target.repository('blobs').writeBlob(descriptor, async () => Readable.from([bytes]));
  return descriptor;
}

/** Tags as the target has them, in order. */
export async function tagsOf(target: ServableTarget, name: string): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of target.repository(name).listTags()) tags.push(tag);
  return tags.sort();
}

export interface ManifestParts {
  readonly config: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly more?: Record<string, unknown>;
}

/** An image manifest; `more` is merged into its JSON. */
export function imageManifest({ config, layers = [], more = {} }: ManifestParts): RawManifest {
  const json = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers,
    ...more,
  };
  return describeManifest(Buffer.from(JSON.stringify(json)), OCI_MANIFEST);
}

export function imageIndex(manifests: readonly RawManifest[], more: Record<string, unknown> = {}): RawManifest {
  const json = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: manifests.map((raw) => raw.descriptor), ...more };
  return describeManifest(Buffer.from(JSON.stringify(json)), OCI_INDEX);
}

/** Puts a small artifact with that text as its only layer into a repository. */
export async function putArtifact(target: ServableTarget, name: string, tag: string | undefined, text: string) {
  const manifest = imageManifest({ config: await putBlob(target, '{}'), layers: [await putBlob(target, text)] });
  await target.repository(name).writeManifest(manifest, tag);
  return manifest;
}

export function json(reply: Reply): Record<string, unknown> {
  return JSON.parse(reply.body.toString());
}

/** Asserts status, code and that the body is of the specification's form. @returns the error's detail */
export function assertRefused(reply: Reply, status: number, code: string): unknown {
  assert.equal(reply.status, status, reply.body.toString());
  assert.equal(reply.headers['content-type'], 'application/json');
  const { errors, ...rest } = json(reply) as { errors: { code: string; message: string; detail?: unknown }[] };
  assert.deepEqual(rest, {});
  assert.equal(errors.length, 1);
  assert.equal(errors[0]?.code, code);
  assert.equal(typeof errors[0]?.message, 'string');
  return errors[0]?.detail;
}
