/** What one client, or all of them together, may use up. */
import { MANIFEST_LIMIT } from '../oci/manifest.js';

export interface Limits {
  /** Bytes of a manifest that is pushed; more is answered with 413. */
  readonly manifest: number;
  /** Bytes of a blob that is pushed, however many requests it takes; more is answered with 413. */
  readonly blob: number;
  /** Uploads that may be open at once; a further one is answered with 429. */
  readonly uploads: number;
  /** Milliseconds without a request after which an open upload may be dropped. */
  readonly uploadIdle: number;
  /** Bytes of an unwanted body that are read, so that its connection can go on; after more it is closed. */
  readonly drain: number;
}

export const DEFAULT_LIMITS: Limits = {
  manifest: MANIFEST_LIMIT,
  blob: 4 * 1024 ** 3,
  uploads: 1000,
  uploadIdle: 60 * 60 * 1000,
  drain: 256 * 1024,
};
