/** The name of an upload's file: `ingest/upload-ID`, where ID is 32 hex digits that nobody can guess. */
import { randomBytes } from 'node:crypto';

const ID = /^[0-9a-f]{32}$/;
const PREFIX = 'upload-';

export function newUploadId(): string {
  return randomBytes(16).toString('hex');
}

/** True for what may become a path. */
export function isUploadId(text: string): boolean {
  return ID.test(text);
}

export function uploadName(id: string): string {
  return `${PREFIX}${id}`;
}

export function isUploadName(name: string): boolean {
  return name.startsWith(PREFIX) && isUploadId(name.slice(PREFIX.length));
}

/** The id in what `isUploadName` holds for. */
export function uploadId(name: string): string {
  return name.slice(PREFIX.length);
}
