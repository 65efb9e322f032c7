/** What tests of anything that writes a cache need: something to put in, and proof that all is well afterwards. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from '../../src/layout/layout.js';
import type { Descriptor } from '../../src/oci/descriptor.js';
import {
  CHART_CONFIG,
  CHART_LAYER_LEGACY,
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../../src/oci/media-types.js';

interface Json {
  readonly [member: string]: unknown;
}

interface Content {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const IMAGE_TYPES = [OCI_MANIFEST, DOCKER_MANIFEST];
const INDEX_TYPES = [OCI_INDEX, DOCKER_INDEX];

/**
 * Fails unless the cache is in order: oci-layout is right, index.json parses, every entry leads to a manifest, config and
 * layers that are there with their sizes and hashes, and no file in blobs/ has the name of other content. Reads with none
 * of the program's own code. A directory that was never written to is in order too.
 */
export function assertValidLayout(dir: string): void {
  if (!existsSync(dir)) return;
  const blobs = hashBlobs(dir);
  const index = join(dir, 'index.json');
  if (existsSync(join(dir, 'oci-layout')) || blobs.size > 0 || existsSync(index)) {
    assert.equal(readFileSync(join(dir, 'oci-layout'), 'utf8').trim(), '{"imageLayoutVersion":"1.0.0"}');
  }
  if (!existsSync(index)) return;
  const { schemaVersion, manifests } = JSON.parse(readFileSync(index, 'utf8')) as Json;
  assert.equal(schemaVersion, 2, 'schemaVersion of index.json');
  assert.ok(Array.isArray(manifests), 'manifests of index.json is a list');
  const names = manifests.flatMap(({ annotations = {} }) => [
    ...[annotations['org.opencontainers.image.ref.name'] ?? annotations['io.helm-chart-cache.ref.name'] ?? []].flat(),
  ]);
  assert.deepEqual(
    names.filter((name, position) => names.indexOf(name) !== position),
    [],
    'names that two entries have',
  );
  for (const entry of manifests) assertReachable(dir, blobs, entry, 'index.json');
}

function assertReachable(dir: string, blobs: ReadonlyMap<string, number>, content: Content, from: string): void {
  const { digest, size } = content;
  assert.ok(blobs.has(digest), `${digest} is missing, to which ${from} refers`);
  assert.equal(size, blobs.get(digest), `size of ${digest}, to which ${from} refers`);
  const isIndex = INDEX_TYPES.includes(content.mediaType);
  if (!isIndex && !IMAGE_TYPES.includes(content.mediaType)) return;
  const json = JSON.parse(readFileSync(join(dir, 'blobs', ...digest.split(':')), 'utf8')) as Json;
  const next = (isIndex ? json.manifests : [json.config, ...(json.layers as Content[])]) as Content[];
  for (const part of next) if (!isIndex || blobs.has(part.digest)) assertReachable(dir, blobs, part, digest);
}

/** Every blob and its size. */
function hashBlobs(dir: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const algorithm of ['sha256', 'sha512']) {
    const path = join(dir, 'blobs', algorithm);
    if (!existsSync(path)) continue;
    for (const name of readdirSync(path)) {
      const bytes = readFileSync(join(path, name));
      assert.equal(createHash(algorithm).update(bytes).digest('hex'), name, `hash of a file in blobs/${algorithm}`);
      found.set(`${algorithm}:${name}`, bytes.length);
    }
  }
  return found;
}

export interface StoredArtifact {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly bytes: Buffer;
}

export interface ArtifactShape {
  /** What the layers hold; one artifact differs from another by it. */
  readonly content?: string;
  readonly configType?: string;
  /** Layer types. */
  readonly layerTypes?: readonly string[];
  readonly manifestType?: string;
  readonly subject?: Descriptor;
}

/** Stores the blobs of an artifact that looks like a chart of Helm 3.6.3, unless `shape` says otherwise; gives it no name. */
export async function storeArtifact(layout: Layout, shape: ArtifactShape = {}): Promise<StoredArtifact> {
  const { content = 'chart', configType = CHART_CONFIG, layerTypes = [CHART_LAYER_LEGACY], subject } = shape;
  const mediaType = shape.manifestType ?? OCI_MANIFEST;
  const config = await layout.putBytes(Buffer.from(JSON.stringify({ name: content, version: '1.0.0' })), configType);
  const layers: Descriptor[] = [];
  for (const [position, type] of layerTypes.entries()) {
    layers.push(await layout.putBytes(Buffer.from(`${content} ${position}`), type));
  }
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers, subject }));
  return { manifest: await layout.putBytes(bytes, mediaType), config, layers, bytes };
}

/** Stores an artifact and names it. */
export async function storeNamed(layout: Layout, name: string, shape: ArtifactShape = {}): Promise<StoredArtifact> {
  const stored = await storeArtifact(layout, { content: name, ...shape });
  await layout.tag(name, stored.manifest);
  return stored;
}
