/**
 * A server on a free port over a target, with what it reported.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Descriptor } from '../../src/oci/descriptor.js';
import { describeManifest, type RawManifest } from '../../src/oci/manifest.js';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.js';
import type { ServableTarget } from '../../src/oci/target.js';
import { type AccessRecord, createHandler, type HandlerOptions } from '../../src/server/handler.js';
import { type ServerOptions, startServer } from '../../src/server/server.js';
import { MemoryTarget } from './memory-target.js';
import { type Reply, talk } from './talk.js';

export interface Served<T extends ServableTarget = MemoryTarget> {
  readonly target: T;
  readonly url: string;
  readonly port: number;
  readonly errors: unknown[];
  readonly records: AccessRecord[];
  /** One request on a connection of its own; see `talk`. */
  talk(head: string, body?: string | Uint8Array): Promise<Reply>;
  close(): Promise<void>;
}

export interface ServedOptions extends Partial<HandlerOptions> {
  readonly server?: Partial<ServerOptions>;
}

export function serveMemory(t: TestContext, options: ServedOptions = {}): Promise<Served> {
  return serveTarget(t, new MemoryTarget(), options);
}

/** Serves until the test ends. */
export async function serveTarget<T extends ServableTarget>(
  t: TestContext,
  target: T,
  { server, ...options }: ServedOptions = {},
): Promise<Served<T>> {
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
  const { url, port } = running;
  return { target, url, port, errors, records, talk: (head, body) => talk(port, head, body), close: running.close };
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
export async function putArtifact(target: MemoryTarget, name: string, tag: string | undefined, text: string) {
  const manifest = imageManifest({ config: target.putBlob('{}'), layers: [target.putBlob(text)] });
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
