/** Artifacts of any kind put into a registry by plain HTTP requests, with none of the program's own code. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

export interface RawDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ArtifactOptions {
  /** The digest if absent. */
  readonly tag?: string | undefined;
  readonly artifactType?: string | undefined;
  readonly configType?: string | undefined;
  readonly layerType?: string | undefined;
  /** What the one layer holds. */
  readonly content?: string | undefined;
  readonly subject?: RawDescriptor | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

export function digestOfText(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Puts an artifact of an empty config and one layer. */
export async function putArtifact(url: string, repository: string, options: ArtifactOptions): Promise<RawDescriptor> {
  const { artifactType, subject, annotations } = options;
  const layer = await putBlob(url, repository, options.content ?? 'content', options.layerType ?? 'application/x-test');
  const config = await putBlob(url, repository, '{}', options.configType ?? 'application/vnd.oci.empty.v1+json');
  const document = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType,
    config,
    layers: [layer],
    subject,
    annotations,
  };
  return putManifest(url, repository, JSON.stringify(document), MANIFEST, options.tag);
}

export async function putManifest(
  url: string,
  repository: string,
  text: string,
  mediaType: string = MANIFEST,
  tag?: string,
): Promise<RawDescriptor> {
  const digest = digestOfText(text);
  const response = await fetch(`${url}/v2/${repository}/manifests/${tag ?? digest}`, {
    method: 'PUT',
    headers: { 'content-type': mediaType },
    body: text,
  });
  assert.equal(response.status, 201, await response.text());
  return { mediaType, digest, size: Buffer.byteLength(text) };
}

export async function putBlob(
  url: string,
  repository: string,
  text: string,
  mediaType: string,
): Promise<RawDescriptor> {
  const digest = digestOfText(text);
  const started = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  assert.equal(started.status, 202, await started.text());
  const place = new URL(started.headers.get('location') as string, url);
  place.searchParams.set('digest', digest);
  const response = await fetch(place, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: text,
  });
  assert.equal(response.status, 201, await response.text());
  return { mediaType, digest, size: Buffer.byteLength(text) };
}

/** The text of a manifest, or undefined where there is none. */
export async function getManifest(url: string, repository: string, reference: string): Promise<string | undefined> {
  const response = await fetch(`${url}/v2/${repository}/manifests/${reference}`, {
    headers: { accept: `${MANIFEST}, application/vnd.oci.image.index.v1+json` },
  });
  const text = await response.text();
  if (response.status === 404) return undefined;
  assert.equal(response.status, 200, text);
  return text;
}
