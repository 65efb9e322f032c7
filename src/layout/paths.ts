/**
 * The cache on disk: an OCI image layout, and the directory that Helm 3.6.3 uses too.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
 *
 *     oci-layout                 {"imageLayoutVersion":"1.0.0"}
 *     index.json                 the names, see index-json.ts
 *     index.json.lock/           is there while somebody changes index.json, see lock-directory.ts
 *     list-cache                 what list read before, see derived-file.ts
 *     blobs/sha256/HEX           content under its own hash; whole or not there, see ingest.ts
 *     ingest/w-HOST-PID-RANDOM/  what one process has in the making, see workspace.ts
 *     ingest/upload-ID           a blob that arrives in pieces, see uploads.ts
 */
import { type Digest, digestAlgorithm, digestHex, parseDigest } from '../oci/digest.js';

export function layoutFilePath(dir: string): string {
  return `${dir}/oci-layout`;
}

export function indexPath(dir: string): string {
  return `${dir}/index.json`;
}

export function ingestDir(dir: string): string {
  return `${dir}/ingest`;
}

export function blobsDir(dir: string, algorithm: string): string {
  return `${dir}/blobs/${algorithm}`;
}

/** Checks the digest once more: what is no digest never becomes a path (CVE-2024-3727). @throws ChartError `DIGEST_INVALID` */
export function blobPath(dir: string, digest: Digest): string {
  parseDigest(digest);
  return `${dir}/blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}
